"""Train: what (a network or twins), on what (data), how (recipe); beside it the running and waiting jobs."""

import streamlit as st

from pages.parts import choose, jobs
from pages.parts.frame import header
from pages.parts.lab import said_plainly

header("Train", "Train networks for real, in the background, and watch what happens inside them.")
left, right = st.columns([5, 7], gap="large")
with left, said_plainly():
    choose.order()
with right:
    jobs.cards()
