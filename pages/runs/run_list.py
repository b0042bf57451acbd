"""The list of all runs, with search. No torch."""

import pandas as pd
import streamlit as st

from resnet_core.formatting import percent
from resnet_core.runs.run import Run


def choose_runs(runs: list[Run]) -> list[Run]:
    """The searchable list; returns the runs that are selected in it."""
    words = st.text_input(
        "Search",
        key="search",
        placeholder="Name, tag, dataset or state",
        icon=":material/search:",
        label_visibility="collapsed",
    )
    shown = [run for run in runs if all(word in _searched_text(run) for word in words.lower().split())]
    event = st.dataframe(
        _frame(shown),
        hide_index=True,
        key=f"run_list_{'_'.join(run.id for run in shown)}",  # other rows: no tick may move to another run
        on_select="rerun",
        selection_mode="multi-row",
        height="auto",
        column_config={
            "parameters": st.column_config.NumberColumn("parameters", format="localized"),
            "created": st.column_config.DatetimeColumn(
                "created", format="D MMM YYYY, HH:mm", timezone=st.context.timezone
            ),
        },
    )
    st.caption(f"{len(shown)} of {len(runs)} runs. Tick rows on the left to work with them.")
    return [shown[row] for row in event.selection.rows if row < len(shown)]


def _searched_text(run: Run) -> str:
    """What the search looks in."""
    return " ".join([run.id, run.name, run.dataset, run.state, *run.tags]).lower()


def _frame(runs: list[Run]) -> pd.DataFrame:
    """One row a run, as people read it."""
    return pd.DataFrame(
        {
            "name": [run.name for run in runs],
            "state": ["damaged" if run.damage else run.state for run in runs],
            "dataset": [run.dataset for run in runs],
            "seed": [run.recipe.get("seed") for run in runs],
            "recipe": [run.recipe.get("name") for run in runs],
            "last test error": [percent(run.last_test_error) for run in runs],
            "best test error": [percent(run.best_test_error) for run in runs],
            "parameters": [run.parameters for run in runs],
            "device": [run.device_name for run in runs],
            "tags": [list(run.tags) for run in runs],
            "created": pd.to_datetime([None if run.damage else run.created for run in runs], unit="s", utc=True),
            "id": [run.id for run in runs],
        }
    )
