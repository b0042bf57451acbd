"""Whether a picture is like those a network knows: said only where it was measured. No torch."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from pages.explain.picture import Shown
from pages.explain.survey import JUDGED, logits_of, own_dataset, survey
from pages.parts.backend import said_plainly
from resnet_core.attribution.answers_text import describe_doubt
from resnet_core.attribution.search import share_below
from resnet_core.runs.run import Run

ABOUT = (
    "A network's best score (its largest logit) is compared with its best scores for test pictures of its own data "
    "([Hendrycks et al. 2019](https://arxiv.org/abs/1911.11132)). One of twenty of its own pictures is doubted by "
    "mistake, and many other pictures are not caught: of CIFAR-10's photos, networks trained on Shapes-10 doubted 71 "
    "to 86 %; of the shapes of Shapes-10, the networks trained on CIFAR-10 that ship here doubted 17 to 39 %, and of "
    "pure noise 5 to 88 %. So where there is no warning, the picture may still show none of the classes."
)


def doubts(runs: list[Run], shown: Shown) -> None:
    """A sentence for each network to which the picture is unlike its own; nothing for its own test pictures."""
    with said_plainly():
        texts = [text for run in runs if shown.dataset != run.dataset and (text := doubt(run, shown.pixels))]
        if texts:
            st.warning("  \n".join(texts), icon=":material/help_center:")
            with st.popover("How is that known?", type="tertiary"):
                st.markdown(ABOUT)


def doubt(run: Run, pixels: np.ndarray) -> str:
    """Why the picture likely shows none of the classes; empty where there is no reason to think so, or no data to
    compare with."""
    known = own_scores(run)
    if known is None:
        return ""
    own, whose = known
    return describe_doubt(run.name, share_below(logits_of(run, pixels), own), whose)


def own_scores(run: Run) -> tuple[Sequence[float], str] | None:
    """Best scores for test pictures of the network's own data, and which pictures these are: measured now where the
    data is here, else as they were noted when the run was made to ship; None where there is neither."""
    data = own_dataset(run)
    if data is not None:
        logits = survey([run], data, JUDGED)[0]
        return logits.max(axis=1), f"{len(logits):,} test pictures of {data.title}"
    if "best_scores" in run.facts:
        return run.facts["best_scores"], f"the test pictures of {run.dataset}"
    return None
