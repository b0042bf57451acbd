"""Train: what (a network or twins), on what (data), how (recipe); beside it the running and waiting jobs. No torch."""

import streamlit as st

from pages.parts.backend import said_plainly
from pages.parts.frame import header
from pages.train import job_cards, order_form

header("Train", "Train networks for real, in the background, and watch what happens inside them.")
left, right = st.columns([5, 7], gap="large")
with left, said_plainly():
    order_form.order()
with right:
    job_cards.cards()
