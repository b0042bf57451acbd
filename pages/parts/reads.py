"""Reads of the store, cached for as long as nothing new was recorded. No torch."""

import pandas as pd
import streamlit as st

from pages.parts.backend import store
from resnet_core.runs.run import LayerHistory, Run


def progress(runs: list[Run]) -> tuple[tuple[str, int], ...]:
    """Changes with every change of one of these runs; keys the caches below. Its step would not do: what belongs to
    one step, such as its test error, is recorded bit by bit.
    """
    return tuple((run.id, run.version) for run in runs)


def epochs(runs: list[Run]) -> pd.DataFrame:
    """The epochs of these runs; columns as :meth:`RunStore.epochs`."""
    return _epochs(progress(runs))


@st.cache_data(max_entries=64, show_spinner=False)
def _epochs(key: tuple[tuple[str, int], ...]) -> pd.DataFrame:
    return store().epochs([run for run, _ in key])


def steps(runs: list[Run]) -> pd.DataFrame:
    """The logged steps of these runs; columns as :meth:`RunStore.steps`."""
    return _steps(progress(runs))


@st.cache_data(max_entries=64, show_spinner=False)
def _steps(key: tuple[tuple[str, int], ...]) -> pd.DataFrame:
    return store().steps([run for run, _ in key])


def layers(run: Run) -> LayerHistory:
    """What was measured inside a run's network."""
    return _layers(progress([run])[0])


@st.cache_resource(max_entries=32, show_spinner=False)
def _layers(key: tuple[str, int]) -> LayerHistory:
    return store().layers(key[0])
