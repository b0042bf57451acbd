"""The runs on the table with all that made them, or the way to fill it. No torch."""

import pandas as pd
import streamlit as st

from pages.parts import reads, table
from pages.parts.reads import sound_runs
from resnet_core.formatting import duration, percent
from resnet_core.networks.spec import NetSpec
from resnet_core.runs.related import newest_group
from resnet_core.runs.run import Run


def show_empty_table() -> None:
    """What would stand on the page, and a way to make it happen."""
    runs = sound_runs()
    with st.container(border=True):
        if not runs:
            st.markdown("**No runs yet.** Train a network with and one without skips, and their curves stand here.")
            st.page_link("train/page.py", label="Go to Train", icon=":material/model_training:")
            return
        st.markdown("**The table is empty.** Choose runs on the left, or take the newest ones.")
        newest = tuple(run.id for run in newest_group(runs))
        st.button("Put the newest on the table", key="newest", type="primary", on_click=table.put, args=newest)


def show_run_table(runs: list[Run]) -> None:
    """One row a run."""
    st.subheader("The runs", anchor=False)
    balanced = reads.epochs(runs).groupby("run")["test_balanced_error"].last().to_dict()
    rows = pd.DataFrame(
        {
            "run": [run.name for run in runs],
            "state": [run.state for run in runs],
            "data": [run.dataset for run in runs],
            "last test error": [percent(run.last_test_error, 2) for run in runs],
            "best test error": [percent(run.best_test_error, 2) for run in runs],
            "balanced test error": [percent(balanced.get(run.id), 2) for run in runs],
            "epochs": [run.epoch for run in runs],
            "seed": [run.recipe["seed"] for run in runs],
            "recipe": [run.recipe["name"] for run in runs],
            "time": [duration(run.seconds) for run in runs],
            "parameters": [run.parameters for run in runs],
            "skips on": [_skips_on(run) for run in runs],
            "device": [run.device_name for run in runs],
            "precision": [run.precision for run in runs],
            "id": [run.id for run in runs],
        }
    )
    st.dataframe(
        rows,
        hide_index=True,
        height="auto",
        column_config={"parameters": st.column_config.NumberColumn("parameters", format="localized")},
    )
    st.caption(
        "The best test error is chosen by looking at the test set, so it is a little too good; the last one is not. "
        "The balanced one, after the last epoch, is the mean over the classes: a class of few pictures counts like one "
        "of many. "
        "Take runs off the table in the box on the left."
    )


def _skips_on(run: Run) -> str:
    """How many of the blocks have their skip."""
    mask = NetSpec.from_dict(run.spec).active_skips()
    return f"{sum(mask)} of {len(mask)}"
