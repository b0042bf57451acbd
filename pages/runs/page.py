"""Runs and data: every run with its actions, every dataset with its samples."""

import streamlit as st

from pages.parts import keep
from pages.parts.frame import header

header("Runs and data", "Everything this lab keeps: rename, tag, export and delete runs; add pictures of your own.")
runs, data = st.tabs(["Runs", "Data"])
with runs:
    keep.runs()
with data:
    keep.datasets()
