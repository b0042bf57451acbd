"""Reads of the store, cached for as long as nothing new was recorded. No torch."""

from collections.abc import Iterable

import pandas as pd
import streamlit as st

from pages.parts.backend import store
from resnet_core.runs.run import LayerHistory, Run

TICK_S = 3
"""Seconds between two looks of a live part at the store."""

Versions = tuple[tuple[str, int], ...]
"""(id, version) of some runs: changes with every change of one of them, so it keys the caches below. Their steps would
not do: what belongs to one step, such as its test error, is recorded bit by bit.
"""


def sound_runs() -> list[Run]:
    """All runs that a page can show, oldest first; the list of runs shows the damaged ones too."""
    return [run for run in store().runs() if not run.damage]


def versions(runs: Iterable[Run]) -> Versions:
    """The key of these runs as they are now."""
    return tuple((run.id, run.version) for run in runs)


def epochs(runs: Iterable[Run]) -> pd.DataFrame:
    """The epochs of these runs; columns as :meth:`RunStore.epochs`."""
    return _epochs(versions(runs))


@st.cache_data(max_entries=64, show_spinner=False)
def _epochs(key: Versions) -> pd.DataFrame:
    return store().epochs([run for run, _ in key])


def steps(runs: Iterable[Run]) -> pd.DataFrame:
    """The logged steps of these runs; columns as :meth:`RunStore.steps`."""
    return _steps(versions(runs))


@st.cache_data(max_entries=64, show_spinner=False)
def _steps(key: Versions) -> pd.DataFrame:
    return store().steps([run for run, _ in key])


def layers(run: Run) -> LayerHistory:
    """The layer statistics of a run."""
    return _layers(run.id, run.version)


@st.cache_resource(max_entries=32, show_spinner=False)
def _layers(run: str, version: int) -> LayerHistory:
    return store().layers(run)
