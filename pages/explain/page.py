"""Explain: one picture, the runs on the table or networks trained on ImageNet, what each of them answers and what it
looks at."""

import streamlit as st

from pages.parts import doubt, explain, imagenet, picture, shares
from pages.parts.frame import header
from pages.parts.lab import said_plainly
from pages.parts.table import chosen

header("Explain", "One picture, several networks: what each of them answers, and which pixels the answer hangs on.")
large = imagenet.wanted()
runs = imagenet.networks() if large else [run for run in chosen() if run.weights_step is not None]
if not runs:
    imagenet.empty() if large else explain.empty()
    st.stop()
narrow, wide = st.columns([3, 8], gap="large")
with narrow:
    shown = imagenet.choose_picture() if large else picture.choose(runs)
answers = None
with wide, said_plainly():
    answers = explain.predictions(runs, shown) if shown else explain.waiting()
    doubtful = st.container()  # filled last: it may take some seconds
    asked = explain.controls(runs)
if answers:
    with said_plainly():
        explain.maps(answers, shown, asked)
    if not large:
        with doubtful:
            doubt.doubts(answers.runs, shown)
        shares.table_of_shares(answers.runs, asked.methods, asked.params)
