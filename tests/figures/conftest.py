"""Toy frames and histories in the shapes the store gives them."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from resnet_core.figures.style import style_runs


@pytest.fixture
def styles():
    return style_runs([("a", "Plain-20", "plain"), ("b", "ResNet-20", "residual"), ("c", "Highway-19", "highway")])


@pytest.fixture
def twins(styles):
    return {run: styles[run] for run in "ab"}


@pytest.fixture
def epochs():
    """Two runs of ten epochs; b ends at 10 % test error and 2 % training error, a at twice that."""
    rows = [
        {
            "run": run,
            "epoch": epoch,
            "step": 40 * epoch,
            "train_loss": factor * 0.2,
            "train_error": factor * (0.02 + 0.01 * (10 - epoch)),
            "test_loss": factor * 0.4,
            "test_error": factor * (0.10 + 0.01 * (10 - epoch)),
            "seconds": 1.0,
        }
        for run, factor in (("a", 2.0), ("b", 1.0))
        for epoch in range(1, 11)
    ]
    return pd.DataFrame(rows)


def names_of(blocks_per_stage):
    weights, blocks = ["conv1"], ["conv1"]
    for stage in (1, 2, 3):
        for index in range(blocks_per_stage):
            blocks.append(f"layer{stage}.{index}")
            weights += [f"layer{stage}.{index}.conv1", f"layer{stage}.{index}.conv2"]
    return tuple([*weights, "fc"]), tuple(blocks)


def make_history(blocks_per_stage=3, n_steps=6, scale=1.0):
    """Every statistic of layer l at the s-th recorded step is scale * 10 ** (l / 4 - s); at least 1e-30, or
    float32 would take it for zero.
    """
    weights, blocks = names_of(blocks_per_stage)

    def stats(n_layers):
        values = scale * 10.0 ** (np.arange(n_layers)[None] / 4 - np.arange(n_steps)[:, None])
        return np.repeat(np.clip(values, 1e-30, 1e30)[..., None], 3, axis=2).astype(np.float32)

    return SimpleNamespace(
        steps=np.arange(n_steps) * 100,
        weight_names=weights,
        block_names=blocks,
        weight_stats=stats(len(weights)),
        block_stats=stats(len(blocks)),
    )


@pytest.fixture
def history():
    return make_history
