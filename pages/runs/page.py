"""Runs and data: every run with its actions, every dataset with its samples. No torch."""

import streamlit as st

from pages.parts.backend import store
from pages.parts.datasets import show_imbalance
from pages.parts.frame import show_header
from pages.runs.dataset_list import show_datasets
from pages.runs.import_run import show_import_form
from pages.runs.run_actions import show_run_actions
from pages.runs.run_list import choose_runs

show_header(
    "Runs and data", "Everything this lab keeps: rename, tag, export and delete runs; add pictures of your own."
)
runs_tab, data_tab = st.tabs(["Runs", "Data"])
with runs_tab:
    if runs := store().runs()[::-1]:
        if chosen := choose_runs(runs):
            show_imbalance(run for run in chosen if not run.damage)
            show_run_actions(chosen)
    else:
        st.info("No runs yet. Train a network on the Train page, or import a run that someone exported.")
    show_import_form()
with data_tab:
    show_datasets()
