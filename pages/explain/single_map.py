"""One map, large, with what it means and how far to trust it. No torch."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from pages.explain.input_picture import InputPicture
from pages.explain.trust import show_trust
from pages.parts.frame import is_dark, show_figure
from resnet_core.attribution.explain_result import Attribution
from resnet_core.attribution.methods import METHODS
from resnet_core.figures.attribution_maps import attribution_map
from resnet_core.figures.attribution_text import describe_settings
from resnet_core.formatting import escape_markdown
from resnet_core.trained.net import TrainedNet


def show_single_map(
    net: TrainedNet, picture: InputPicture, attribution: Attribution, nets: Sequence[TrainedNet]
) -> None:
    """The map of one of these networks."""
    method = METHODS[attribution.method]
    with st.container(border=True):
        st.markdown(f"##### {method.title} of {escape_markdown(net.name)}")
        st.markdown(f"*{method.question}*  \n{method.limits} [{method.paper}]({method.url})")
        if method.warning:
            st.warning(method.warning, icon=":material/warning:")
        values = attribution.map
        if attribution.native is not None and not st.toggle(
            "Enlarge smoothly",
            True,
            key="smooth",
            help="Off: the map in the resolution it was computed in. "
            "The smooth one is an enlargement, not more knowledge.",
        ):
            values = _enlarge_blocks(attribution.native, values.shape)
        show_figure(
            attribution_map(picture.pixels, values, method, is_dark()),
            "map",
            caption=f"Settings: {describe_settings(attribution) or 'none'}. Logit {attribution.logit:.2f}.",
        )
        show_trust(net, picture, attribution, nets)


def _enlarge_blocks(native: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Each value of a coarse map as a block, without smoothing."""
    rows, columns = (np.arange(many) * few // many for many, few in zip(shape, native.shape, strict=True))
    return native[rows][:, columns]
