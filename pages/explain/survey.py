"""What the networks say to many test pictures: to find pictures by their answers, and to tell whether a picture is
like those a network knows. No torch.
"""

import numpy as np
import streamlit as st

from pages.parts.backend import service
from resnet_core.data.dataset import Dataset
from resnet_core.runs.run import Run

SEARCHED, JUDGED = 2000, 500  # test pictures, at most
_AT_ONCE = 500  # pictures sent with a question


def survey(runs: list[Run], data: Dataset, most: int) -> np.ndarray:
    """Logits (R, N, num_classes) of these networks for the first test pictures; computed once, with progress."""
    bar = st.empty()
    found = []
    for index, run in enumerate(runs):
        parts = []
        for start in range(0, min(most, len(data.x_test)), _AT_ONCE):
            share = (index + start / most) / len(runs)
            bar.progress(share, f"Asking {run.name} about {min(most, len(data.x_test)):,} test pictures …")
            parts.append(_part(run.id, run.weights_step, data.name, data.fingerprint, start, data))
        found.append(np.concatenate(parts))
    bar.empty()
    return np.stack(found)


@st.cache_data(max_entries=256, show_spinner=False)
def _part(run: str, step: int, dataset: str, fingerprint: str, start: int, _data: Dataset) -> np.ndarray:
    pictures = np.array(_data.x_test[start : start + _AT_ONCE])
    return np.concatenate([logits[0] for logits in service().ask_each("survey", pictures, runs=[run])])


def logits_of(run: Run, pixels: np.ndarray) -> np.ndarray:
    """(num_classes,) for one picture."""
    return service().ask("survey", pixels[None], runs=[run.id])[0][0, 0]


def own_dataset(run: Run) -> Dataset | None:
    """Data like those a run learned from, where they are still here: of the same name and classes."""
    ready = {info.name: info for info in service().datasets() if info.ready}
    info = ready.get(run.dataset)
    return dataset(info.name, info.fingerprint) if info and list(info.classes) == run.facts["classes"] else None


@st.cache_resource(max_entries=4, show_spinner="Opening the dataset …")
def dataset(name: str, fingerprint: str | None) -> Dataset:
    """The dataset, memory-mapped; keyed by its content."""
    return service().dataset(name)
