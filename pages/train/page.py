"""Train: what (a network or twins), on what (data), how (recipe); beside it the running and waiting jobs. No torch."""

import streamlit as st

from pages.parts.backend import show_errors
from pages.parts.frame import show_header
from pages.train.job_cards import show_job_cards
from pages.train.order_form import show_order_form

show_header("Train", "Train networks for real, in the background, and watch what happens inside them.")
left, right = st.columns([5, 7], gap="large")
with right:
    show_job_cards()  # first: the form measures
with left, show_errors():
    show_order_form()
