"""The drawing of a design; a click on a block switches its skip. No torch."""

import streamlit as st

from pages.design.state import try_design
from pages.parts.frame import is_dark
from resnet_core.figures.network_drawing import network_drawing
from resnet_core.figures.style import alt_text
from resnet_core.networks.adapt import toggle_skips
from resnet_core.networks.spec import NetSpec


def show_drawing(spec: NetSpec) -> None:
    """The network with every block and every skip."""
    st.markdown(f"#### {spec.name}")
    key = f"drawing_{spec.to_query()}"
    drawing = network_drawing(spec, is_dark())
    st.plotly_chart(
        drawing,
        key=key,
        alt=alt_text(drawing),
        theme=None,
        on_select=lambda: _toggle_clicked(spec, key),
        selection_mode="points",
        config={"displayModeBar": False},
    )


def _toggle_clicked(spec: NetSpec, key: str) -> None:
    """Switches the skips of the block, or the folded blocks, that were clicked."""
    points = st.session_state[key].selection.points
    spans = [point["customdata"] for point in points if point.get("customdata")]
    if spans and spec.family not in ("alexnet", "vgg"):
        first, stop = int(spans[0][0]), int(spans[0][1])
        try_design(lambda: toggle_skips(spec, first, stop))
