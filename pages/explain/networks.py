"""Which networks the page is about: the runs on the table or networks trained on ImageNet. No torch."""

import streamlit as st

from pages.parts import address

RUNS, PUBLISHED = "runs", "imagenet"


def choose_source() -> str:
    """RUNS or PUBLISHED."""
    return address.choice(
        st.segmented_control,
        "Which networks",
        {RUNS: "The runs on the table", PUBLISHED: "Trained on ImageNet"},
        key="networks_from",
        required=True,
    )


def show_no_network(source: str) -> None:
    """What would stand here, and the way there."""
    with st.container(border=True):
        if source == PUBLISHED:
            st.markdown("**Choose a network above.** Its answers to a picture, and what it looks at, stand here.")
            return
        st.markdown(
            "**No trained network is on the table.** Choose one or more on the left; if there are none, train one: "
            "a minute is enough for a first look."
        )
        st.page_link("train/page.py", label="Go to Train", icon=":material/model_training:")
