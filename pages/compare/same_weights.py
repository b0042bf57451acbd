"""One set of trained weights, looked at with its skips as trained, without any, and with all of them. No torch."""

import pandas as pd
import streamlit as st

from pages.parts.backend import said_plainly, service
from resnet_core.analysis.same_weights_result import SameWeights
from resnet_core.formatting import percent
from resnet_core.runs.run import Run


def ask(runs: list[Run]) -> None:
    """The question, folded until somebody asks it."""
    trained = [run for run in runs if run.weights_step is not None]
    with st.expander("The same weights with and without skips"):
        st.markdown(
            "Nothing is trained again: the weights of each run are put into a network with its skips as trained, "
            "without any, and with all of them. A network that learned with skips relies on them; adding skips to "
            "one that learned without does not help it either. Part of the harm is only that batch norm's "
            "statistics no longer fit, so the last column takes them anew."
        )
        if not trained:
            st.caption("The first weights of these runs are not there yet.")
        elif st.button("Ask it of these runs", key="ask_same_weights"):
            with said_plainly(), st.spinner("Testing on 1,000 pictures each …"):
                st.table(pd.concat([table(run) for run in trained]).set_index("run"), border="horizontal")


def table(run: Run) -> pd.DataFrame:
    """One row a variant: its error on test pictures of the run's dataset."""
    rows = measured(run.id, run.weights_step, run.dataset)
    return pd.DataFrame(
        {
            "run": run.name,
            "skips": row.skips,
            "test error": row.impossible or percent(row.error),
            "with batch norm's statistics taken anew": percent(row.error_refit),
        }
        for row in rows
    )


@st.cache_data(max_entries=64, show_spinner=False)
def measured(run: str, step: int, dataset: str) -> list[SameWeights]:
    """The variants of one run's weights; measured once for each step of the run."""
    return service().compare_same_weights(run, dataset)
