"""The site map: every rerun of every page begins here."""

from pathlib import Path

import streamlit as st

from pages.parts import address, machine, table
from pages.parts.lab import said_plainly

HERE = Path(__file__).parent
ICON = HERE.parent / "assets" / "icon.svg"

st.set_page_config("Skip Connection Explorer", page_icon=str(ICON), layout="wide", initial_sidebar_state=270)
st.html(HERE.parent / "assets" / "style.html")

page = st.navigation(
    {
        "Learn": [st.Page(HERE / "story.py", title="Story", icon=":material/auto_stories:", default=True)],
        "Build": [st.Page(HERE / "design.py", title="Design", icon=":material/schema:")],
        "Run": [
            st.Page(HERE / "train.py", title="Train", icon=":material/model_training:"),
            st.Page(HERE / "compare.py", title="Compare", icon=":material/compare_arrows:"),
        ],
        "Look inside": [st.Page(HERE / "explain.py", title="Explain", icon=":material/center_focus_strong:")],
        "Keep": [st.Page(HERE / "keep.py", title="Runs and data", url_path="runs", icon=":material/inventory_2:")],
    }
)

with st.sidebar, said_plainly():
    table.picker()
    machine.line()

with st.container(key="notes"):
    table.warn_of_missing()
    address.begin()
with said_plainly():
    page.run()
