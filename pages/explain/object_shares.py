"""How much of the attribution lies on the object, where the object's place is known: networks by methods, over a
hundred test pictures. No torch.
"""

import json
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
import streamlit as st

from pages.explain.survey import own_dataset
from pages.parts.backend import said_plainly, service
from resnet_core.attribution.methods import METHODS
from resnet_core.attribution.statistics import bootstrap_mean
from resnet_core.data.dataset import Dataset
from resnet_core.data.sample import balanced_sample
from resnet_core.formatting import percent
from resnet_core.runs.run import Run

PICTURES = 100
_AT_ONCE = 25  # pictures in a question, so that others get their answers in between
_PATIENCE_S = 300.0
Params = Mapping[str, Mapping[str, object]]


def table_of_shares(runs: list[Run], methods: Sequence[str], params: Params) -> None:
    """The table, behind a button; only for networks whose test pictures have the object marked."""
    marked = [(run, data) for run in runs if (data := own_dataset(run)) is not None and data.test_masks is not None]
    if not marked or not methods:
        return
    st.markdown("#### Do the maps lie on the object?")
    st.markdown(
        f"In {marked[0][1].title} it is known which pixels are the object. Over {PICTURES} test pictures, each "
        "network asked about the true class: which share of a map lies on the object?"
    )
    asked = json.dumps([[run.id for run, _ in marked], list(methods), params], sort_keys=True)
    if st.button("Measure", icon=":material/straighten:", key="measure_shares"):
        st.session_state["shares_of"] = asked
    if st.session_state.get("shares_of") != asked:
        return
    with said_plainly():
        growing(marked, methods, params)


def growing(marked: list[tuple[Run, Dataset]], methods: Sequence[str], params: Params) -> None:
    """The table, a row more with each network and method."""
    bar, place, rows = st.empty(), st.empty(), []
    total = len(marked) * len(methods) * PICTURES
    for method in methods:
        for run, data in marked:
            shares = []
            for start, part in parts(run, data, method, params.get(method, {})):
                shares.append(part)
                done = len(rows) * PICTURES + start + len(part)
                bar.progress(min(1.0, done / total), f"{METHODS[method].title} of {run.name} …")
            rows.append(row(run, method, np.concatenate(shares), chance(data)))
            place.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch")
    bar.empty()
    st.caption(
        "Mean over the pictures with its 95 % bootstrap interval; maps that are empty are left out. Chance is the "
        "object's share of the area. A high share is not yet a good map: Guided Backprop, which draws edges whatever "
        "a network has learned, reaches the highest."
    )


def row(run: Run, method: str, shares: np.ndarray, by_chance: float) -> dict[str, object]:
    """A row of the table, in words people read."""
    mean = bootstrap_mean(shares)
    return {
        "Network": run.name,
        "Method": METHODS[method].title,
        "On the object": percent(mean.mean),
        "95 % interval": f"{percent(mean.low)} to {percent(mean.high)}",
        "Chance": percent(by_chance),
        "Pictures": mean.count,
    }


def chance(data: Dataset) -> float:
    """The object's mean share of the area."""
    return float(np.mean(data.test_masks[balanced_sample(data.y_test, PICTURES)]))


def parts(run: Run, data: Dataset, method: str, params: Mapping[str, object]) -> Iterator[tuple[int, np.ndarray]]:
    """Shares of some pictures at a time: (index of the first, (n,) with nan for empty maps)."""
    settings = json.dumps(params, sort_keys=True)
    for start in range(0, len(balanced_sample(data.y_test, PICTURES)), _AT_ONCE):
        yield start, _part(run.id, run.weights_step, data.fingerprint, method, settings, start, data)


@st.cache_data(max_entries=1024, show_spinner=False)
def _part(run: str, step: int, fingerprint: str, method: str, params: str, start: int, _data: Dataset) -> np.ndarray:
    rows = balanced_sample(_data.y_test, PICTURES)[start : start + _AT_ONCE]
    answer = service().ask_each(
        "object_shares",
        np.array(_data.x_test[rows]),
        np.array(_data.test_masks[rows]),
        _data.y_test[rows].tolist(),
        [method],
        {method: json.loads(params)},
        runs=[run],
        timeout=_PATIENCE_S,
    )
    return next(iter(answer))["shares"]
