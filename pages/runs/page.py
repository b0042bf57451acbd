"""Runs and data: every run with its actions, every dataset with its samples. No torch."""

import streamlit as st

from pages.parts.frame import header
from pages.runs import run_list

header("Runs and data", "Everything this lab keeps: rename, tag, export and delete runs; add pictures of your own.")
runs, data = st.tabs(["Runs", "Data"])
with runs:
    run_list.runs()
with data:
    run_list.datasets()
