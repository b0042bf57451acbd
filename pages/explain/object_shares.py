"""How much of the attribution lies on the object, where the object's place is known: networks by methods, over a
hundred test pictures. No torch.
"""

import json
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import streamlit as st

from pages.explain.questions import Settings, object_shares
from pages.parts.backend import show_errors
from pages.parts.datasets import own_dataset
from resnet_core.attribution.methods import METHODS
from resnet_core.attribution.statistics import bootstrap_mean
from resnet_core.data.dataset import Dataset
from resnet_core.data.sample import balanced_sample
from resnet_core.formatting import escape_markdown, percent
from resnet_core.trained.net import TrainedNet

PICTURES = 100
MEASURED = "shares_of"


def show_object_shares(nets: Sequence[TrainedNet], methods: Sequence[str], settings: Mapping[str, Settings]) -> None:
    """The table, behind a button; only for networks whose test pictures have the object marked."""
    marked = [
        (net, dataset) for net in nets if (dataset := own_dataset(net)) is not None and dataset.test_masks is not None
    ]
    if not marked or not methods:
        return
    st.markdown("#### Do the maps lie on the object?")
    st.markdown(
        f"In {escape_markdown(marked[0][1].title)} it is known which pixels are the object. "
        f"Over {PICTURES} test pictures, each network asked about the true class: "
        "which share of a map lies on the object?"
    )
    question = json.dumps([[net.id for net, _ in marked], list(methods), settings], sort_keys=True)
    if st.button("Measure", icon=":material/straighten:", key="measure_shares"):
        st.session_state[MEASURED] = question
    if st.session_state.get(MEASURED) == question:
        with show_errors():
            _show_growing_table(marked, methods, settings)


def _show_growing_table(
    marked: Sequence[tuple[TrainedNet, Dataset]], methods: Sequence[str], settings: Mapping[str, Settings]
) -> None:
    """The table, a row more with each network and method."""
    bar, place = st.empty(), st.empty()
    rows: list[dict[str, str | int]] = []
    total = len(marked) * len(methods) * PICTURES
    for method in methods:
        for net, dataset in marked:
            parts: list[np.ndarray] = []
            for part in object_shares(net, dataset, PICTURES, method, settings.get(method, {})):
                parts.append(part)
                done = len(rows) * PICTURES + sum(map(len, parts))
                bar.progress(min(1.0, done / total), f"{METHODS[method].title} of {escape_markdown(net.name)} …")
            rows.append(_row(net, method, np.concatenate(parts), _chance(dataset)))
            place.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch")
    bar.empty()
    st.caption(
        "Mean over the pictures with its 95 % bootstrap interval; maps that are empty are left out. Chance is the "
        "object's share of the area. A high share is not yet a good map: Guided Backprop, which draws edges whatever "
        "a network has learned, reaches the highest."
    )


def _row(net: TrainedNet, method: str, shares: np.ndarray, chance: float) -> dict[str, str | int]:
    """A row of the table, in words people read."""
    mean = bootstrap_mean(shares.tolist())
    return {
        "Network": net.name,
        "Method": METHODS[method].title,
        "On the object": percent(mean.mean),
        "95 % interval": f"{percent(mean.low)} to {percent(mean.high)}",
        "Chance": percent(chance),
        "Pictures": mean.count,
    }


def _chance(dataset: Dataset) -> float:
    """The object's mean share of the area, over the sampled pictures."""
    assert dataset.test_masks is not None
    return float(np.mean(dataset.test_masks[balanced_sample(dataset.y_test, PICTURES)]))
