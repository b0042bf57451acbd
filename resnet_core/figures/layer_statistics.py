"""The layer statistics that figures show: what they are called, what they mean, and which axis suits them. No torch.

The columns are those of training/events.py (WEIGHT_STATS, BLOCK_STATS).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from resnet_core.runs.run import LayerHistory
from resnet_core.training.events import BLOCK_STATS, WEIGHT_STATS


@dataclass(frozen=True)
class Statistic:
    """One quantity measured in every layer."""

    of: str  # "weights": one value for each layer with weights; "blocks": one for each block's output, the stem's first
    column: int  # in weight_stats or block_stats
    title: str  # for axes and colour bars
    meaning: str  # one sentence for a student
    signed: bool = False  # linear axis and diverging colours instead of logarithmic ones


def _weights(column: str, title: str, meaning: str) -> Statistic:
    return Statistic("weights", WEIGHT_STATS.index(column), title, meaning)


def _blocks(column: str, title: str, meaning: str, signed: bool = False) -> Statistic:
    return Statistic("blocks", BLOCK_STATS.index(column), title, meaning, signed)


STATISTICS = {
    "block_grad_rms": _blocks(
        "grad_rms",
        "Gradient at block outputs (RMS)",
        "How strongly the loss of one picture reacts to what each block passes on.",
    ),
    "weight_grad_rms": _weights(
        "grad_rms",
        "Gradient of the weights (RMS)",
        "How strongly the loss reacts to each layer's weights; with batch norm it falls as the weights grow.",
    ),
    "weight_grad_over_weight": _weights(
        "grad_over_weight",
        "Gradient ÷ weight (RMS ratio)",
        "The gradient measured against the size of the weights it would change.",
    ),
    "weight_update_over_weight": _weights(
        "update_over_weight",
        "Update ÷ weight (RMS ratio)",
        "How far one step of training moves a layer, relative to its size.",
    ),
    "block_variance": _blocks(
        "variance",
        "Variance of block outputs",
        "How much signal is left, or has piled up, on the way forward.",
    ),
    "block_mean": _blocks("mean", "Mean of block outputs", "Where each block's output is centred.", signed=True),
}


def layer_names(history: LayerHistory, statistic: Statistic) -> tuple[str, ...]:
    """Names of the layers, input first."""
    return tuple(history.weight_names if statistic.of == "weights" else history.block_names)


def layer_values(history: LayerHistory, statistic: Statistic) -> np.ndarray:
    """(S, L): the statistic at each recorded step in each layer, input first."""
    stats = history.weight_stats if statistic.of == "weights" else history.block_stats
    return np.asarray(stats)[:, :, statistic.column]


def layer_frame(histories: Mapping[str, LayerHistory], statistic: str, names: Mapping[str, str]) -> pd.DataFrame:
    """A statistic of some runs as a data frame: one row for each run, step and layer.

    Columns: step, layer, the statistic's name, run (id), name. `histories` and `names` are keyed by run.
    """
    parts = []
    for run, history in histories.items():
        wide = pd.DataFrame(
            layer_values(history, STATISTICS[statistic]),
            index=pd.Index(history.steps, name="step"),
            columns=pd.Index(layer_names(history, STATISTICS[statistic]), name="layer"),
        )
        parts.append(wide.stack().rename(statistic).reset_index().assign(run=run, name=names[run]))
    return pd.concat(parts)


def nearest_step(history: LayerHistory, step: int | None) -> int:
    """Index of the recorded step nearest to ``step``; of the last one for None."""
    steps = np.asarray(history.steps)
    return len(steps) - 1 if step is None else int(np.abs(steps - step).argmin())


def stage_spans(names: tuple[str, ...]) -> list[tuple[str, int, int]]:
    """Neighbouring layers of one stage as (title, first, last + 1): "stem", "stage 1" ..., "head".

    Stages are read off torchvision's module names: ``layer2.0.conv1`` belongs to stage 2.
    """
    spans: list[tuple[str, int, int]] = []
    for index, name in enumerate(names):
        title = _stage_title(name, seen_stage=any(span[0].startswith("stage") for span in spans))
        if spans and spans[-1][0] == title:
            spans[-1] = (title, spans[-1][1], index + 1)
        else:
            spans.append((title, index, index + 1))
    return spans


def _stage_title(name: str, seen_stage: bool) -> str:
    top = name.split(".")[0]
    if top.startswith("layer") and top[5:].isdigit():
        return f"stage {top[5:]}"
    if top in ("features", "classifier"):
        return top
    return "head" if seen_stage else "stem"
