"""Whether a picture is like those a network knows: said only where it was measured. No torch."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from pages.explain.input_picture import InputPicture
from pages.explain.questions import logits_of, survey
from pages.parts.backend import show_errors
from pages.parts.datasets import own_dataset
from resnet_core.attribution.answers_text import describe_doubt
from resnet_core.attribution.out_of_distribution import share_below
from resnet_core.trained.net import TrainedNet

COMPARED = 500  # test pictures of a network's own data, at most
ABOUT = (
    "A network's best score (its largest logit) is compared with its best scores for test pictures of its own data "
    "([Hendrycks et al. 2019](https://arxiv.org/abs/1911.11132)). One of twenty of its own pictures is doubted by "
    "mistake, and many other pictures are not caught: of CIFAR-10's photos, networks trained on Shapes-10 doubted "
    "71 to 86 %; of the shapes of Shapes-10, the networks trained on CIFAR-10 that ship here doubted 17 to 39 %, "
    "and of pure noise 5 to 88 %. So where there is no warning, the picture may still show none of the classes."
)


def show_doubts(nets: Sequence[TrainedNet], picture: InputPicture) -> None:
    """A sentence for each network to which the picture is unlike its own; nothing for its own test pictures."""
    with show_errors():
        texts = [_doubt(net, picture.pixels) for net in nets if picture.dataset != net.facts.dataset]
        if any(texts):
            st.warning("  \n".join(filter(None, texts)), icon=":material/help_center:")
            with st.popover("How is that known?", type="tertiary"):
                st.markdown(ABOUT)


def _doubt(net: TrainedNet, pixels: np.ndarray) -> str:
    """Why the picture likely shows none of the classes; empty where there is no reason to think so, or no data to
    compare with.
    """
    known = _own_scores(net)
    if known is None:
        return ""
    scores, pictures = known
    return describe_doubt(net.name, share_below(logits_of(net, pixels), scores), pictures)


def _own_scores(net: TrainedNet) -> tuple[Sequence[float], str] | None:
    """Best scores for test pictures of the network's own data, and which pictures these are: measured now where the
    data is here, else as they were noted when the run was made to ship; None where there is neither.
    """
    dataset = own_dataset(net)
    if dataset is not None:
        rows, logits = survey([net], dataset, COMPARED)
        return logits[0].max(axis=1).tolist(), f"{len(rows):,} test pictures of {dataset.title}"
    if net.facts.best_scores:
        return net.facts.best_scores, f"the test pictures of {net.facts.dataset}"
    return None
