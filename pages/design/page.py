"""Design: the network as a drawing, what it costs, and the gradient inside it before any training. No torch."""

import streamlit as st

from pages.design import controls, step0
from pages.parts.backend import said_plainly
from pages.parts.frame import header

header(
    "Design",
    "Build a network, switch its skip connections, and see what that does to signal and gradient before any training.",
)
narrow, wide = st.columns([3, 10], gap="medium")
with narrow, said_plainly():
    spec = controls.controls()
    beside = controls.beside(spec)
with wide, said_plainly():
    controls.drawing(spec)
    controls.numbers(spec, beside)
    step0.show([spec, *beside])
