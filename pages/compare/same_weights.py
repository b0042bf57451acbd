"""One set of trained weights, looked at with its skips as trained, without any, and with all of them. No torch."""

import pandas as pd
import streamlit as st

from pages.parts.backend import service, show_errors
from pages.parts.datasets import check_unchanged, own_dataset
from resnet_core.analysis.same_weights_result import SameWeights
from resnet_core.errors import DataError
from resnet_core.formatting import escape_markdown, percent
from resnet_core.runs.run import Run
from resnet_core.trained.net import NetKey, TrainedNet

ASKED = "same_weights_asked"


def show_same_weights(runs: list[Run]) -> None:
    """The question, folded until somebody asks it."""
    nets = [net for run in runs if (net := run.net()) is not None]
    with st.expander("The same weights with and without skips"):
        st.markdown(
            "Nothing is trained again: the weights of each run are put into a network with its skips as trained, "
            "without any, and with all of them. A network that learned with skips relies on them; adding skips to "
            "one that learned without does not help it either. Part of the harm is only that batch norm's "
            "statistics no longer fit, so the last column takes them anew."
        )
        if not nets:
            st.caption("The first weights of these runs are not there yet.")
            return
        asked = [net.id for net in nets]
        if st.button("Ask it of these runs", key="ask_same_weights"):
            st.session_state[ASKED] = asked
        if st.session_state.get(ASKED) == asked:
            with show_errors(), st.spinner("Testing on 1,000 pictures each …"):
                st.table(pd.concat([_rows(net) for net in nets]).set_index("run"), border="horizontal")


def _rows(net: TrainedNet) -> pd.DataFrame:
    """One row a variant: its error on test pictures of the data it was trained on."""
    dataset = own_dataset(net)
    if dataset is None:
        raise DataError(f"The pictures that {net.name} learned from are not here any more.")
    return pd.DataFrame(
        {
            "run": escape_markdown(net.name),
            "skips": variant.skips,
            "test error": escape_markdown(variant.impossible or percent(variant.error)),
            "with batch norm's statistics taken anew": percent(variant.error_recalibrated),
        }
        for variant in _variants(net.key, dataset.name, dataset.fingerprint, net)
    )


@st.cache_data(max_entries=64, show_spinner=False)
def _variants(key: NetKey, dataset: str, fingerprint: str, _net: TrainedNet) -> list[SameWeights]:
    """The variants of one network's weights; measured once for each version of them and of the data."""
    variants = service().compare_same_weights(_net, dataset)
    check_unchanged(dataset, fingerprint)
    return variants
