"""Explain: one picture, the runs on the table, what each of them answers and what it looks at."""

import streamlit as st

from pages.parts import doubt, explain, picture, shares
from pages.parts.frame import header
from pages.parts.lab import said_plainly
from pages.parts.table import chosen

header("Explain", "One picture, several networks: what each of them answers, and which pixels the answer hangs on.")
runs = [run for run in chosen() if run.weights_step is not None]
if not runs:
    explain.empty()
    st.stop()
narrow, wide = st.columns([3, 8], gap="large")
with narrow:
    shown = picture.choose(runs)
answers = None
with wide, said_plainly():
    answers = explain.predictions(runs, shown) if shown else explain.waiting()
    doubtful = st.container()  # filled last: it may take some seconds
    asked = explain.controls(runs)
if answers:
    with said_plainly():
        explain.maps(answers, shown, asked)
    with doubtful:
        doubt.doubts(answers.runs, shown)
    shares.table_of_shares(answers.runs, asked.methods, asked.params)
