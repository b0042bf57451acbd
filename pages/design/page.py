"""Design: the network as a drawing, what it costs, and the gradient inside it before any training."""

import streamlit as st

from pages.parts import design, microscope
from pages.parts.frame import header
from pages.parts.lab import said_plainly

header(
    "Design",
    "Build a network, switch its skip connections, and see what that does to signal and gradient before any training.",
)
controls, wide = st.columns([3, 10], gap="medium")
with controls, said_plainly():
    spec = design.controls()
    beside = design.beside(spec)
with wide, said_plainly():
    design.drawing(spec)
    design.numbers(spec, beside)
    microscope.show([spec, *beside])
