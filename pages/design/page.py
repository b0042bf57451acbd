"""Design: the network as a drawing, what it costs, and the gradient inside it before any training. No torch."""

import streamlit as st

from pages.design.controls import show_controls
from pages.design.costs import show_costs
from pages.design.drawing import show_drawing
from pages.design.others import choose_others
from pages.design.step0 import show_step0
from pages.parts.backend import show_errors
from pages.parts.frame import show_header

show_header(
    "Design",
    "Build a network, switch its skip connections, and see what that does to signal and gradient before any training.",
)
narrow, wide = st.columns([3, 10], gap="medium")
with narrow, show_errors():
    spec = show_controls()
    others = choose_others(spec)
with wide, show_errors():
    show_drawing(spec)
    show_costs(spec, others)
    show_step0([spec, *others])
