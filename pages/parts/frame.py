"""What frames every page and every figure: title and purpose, caption, explanation, PNG and CSV. No torch."""

from collections.abc import Callable

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from resnet_core.figures.style import describe


def header(title: str, purpose: str) -> None:
    """The title of a page and one sentence on what it is for."""
    st.title(title, anchor=False)
    st.markdown(f":gray[{purpose}]")


def dark() -> bool:
    """Whether the person looks at the dark theme."""
    return st.context.theme.type == "dark"


def figure(
    fig: go.Figure,
    key: str,
    *,
    caption: str = "",
    about: str = "",
    numbers: pd.DataFrame | Callable[[], pd.DataFrame] | None = None,
    on_select: str = "ignore",
) -> object:
    """A figure with its caption, a "What am I looking at?", and its numbers as CSV.

    ``caption`` says which statistic, which step, how many seeds, which recipe and data; ``about`` explains in three
    sentences, with the paper. The camera in the figure's own bar saves it as PNG, at twice the size on screen.
    """
    event = st.plotly_chart(
        fig,
        key=key,
        theme=None,
        on_select=on_select,
        selection_mode="points",
        alt=describe(fig),
        config={
            "displaylogo": False,
            "modeBarButtonsToRemove": ["lasso2d", "select2d", "autoScale2d"],
            "toImageButtonOptions": {"filename": key, "scale": 2},
        },
    )
    if caption:
        st.caption(caption)
    if about or numbers is not None:
        with st.container(horizontal=True, gap="small"):
            if about:
                with st.popover("What am I looking at?", icon=":material/help:", type="tertiary"):
                    st.markdown(about)
            if numbers is not None:
                st.download_button(
                    "Numbers (CSV)",
                    lambda: (numbers() if callable(numbers) else numbers).to_csv(index=False),
                    file_name=f"{key}.csv",
                    mime="text/csv",
                    key=f"{key}_csv",
                    icon=":material/download:",
                    type="tertiary",
                    on_click="ignore",
                )
    return event
