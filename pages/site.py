"""The site map: every rerun of every page begins here. No torch."""

from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from pages.parts import address, machine, query, table
from pages.parts.backend import show_errors

HERE = Path(__file__).parent
ICON = HERE.parent / "assets" / "icon.svg"

st.set_page_config("Skip Connection Explorer", page_icon=str(ICON), layout="wide", initial_sidebar_state=270)
st.html(HERE.parent / "assets" / "style.html")


def page_of(folder: str, title: str, icon: str, *, default: bool = False) -> StreamlitPage:
    """The page in ``pages/<folder>/``; the folder's name is its path in the address, too."""
    return st.Page(HERE / folder / "page.py", title=title, icon=f":material/{icon}:", url_path=folder, default=default)


page = st.navigation(
    {
        "Learn": [page_of("story", "Story", "auto_stories", default=True)],
        "Build": [page_of("design", "Design", "schema")],
        "Run": [page_of("train", "Train", "model_training"), page_of("compare", "Compare", "compare_arrows")],
        "Look inside": [page_of("explain", "Explain", "center_focus_strong")],
        "Keep": [page_of("runs", "Runs and data", "inventory_2")],
    }
)

with query.follow(page.url_path):
    with st.sidebar, show_errors():
        table.show_picker()
        machine.show_machine()
    with st.container(key="notes"):
        table.show_missing_runs()
        address.make_place_for_notes()
    with show_errors():
        page.run()
