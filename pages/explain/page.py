"""Explain: one picture, the runs on the table or networks trained on ImageNet, what each of them answers
and what it looks at. No torch.
"""

import streamlit as st

from pages.explain import doubt, imagenet, maps, object_shares, picture
from pages.parts.backend import said_plainly
from pages.parts.frame import header
from pages.parts.table import chosen

header("Explain", "One picture, several networks: what each of them answers, and which pixels the answer hangs on.")
large = imagenet.wanted()
runs = imagenet.networks() if large else [run for run in chosen() if run.weights_step is not None]
if not runs:
    imagenet.empty() if large else maps.empty()
    st.stop()
narrow, wide = st.columns([3, 8], gap="large")
with narrow:
    shown = imagenet.choose_picture() if large else picture.choose(runs)
answers = None
with wide, said_plainly():
    answers = maps.predictions(runs, shown) if shown else maps.waiting()
    doubtful = st.container()  # filled last: it may take some seconds
    asked = maps.controls(runs)
if answers:
    with said_plainly():
        maps.maps(answers, shown, asked)
    if not large:
        with doubtful:
            doubt.doubts(answers.runs, shown)
        object_shares.table_of_shares(answers.runs, asked.methods, asked.params)
