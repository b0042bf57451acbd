"""What frames every page and every figure: title and purpose, caption, explanation, PNG and CSV. No torch."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from resnet_core.figures.style import alt_text


def show_header(title: str, purpose: str) -> None:
    """The title of a page and one sentence on what it is for."""
    st.title(title, anchor=False)
    st.markdown(f":gray[{purpose}]")


def is_dark() -> bool:
    """Whether the person looks at the dark theme."""
    return st.context.theme.type == "dark"


def show_figure(
    figure: go.Figure,
    key: str,
    *,
    caption: str = "",
    about: str = "",
    numbers: pd.DataFrame | Callable[[], pd.DataFrame] | None = None,
    on_select: Literal["ignore", "rerun"] | Callable[[], None] = "ignore",
) -> Sequence[dict[str, Any]]:
    """A figure with its caption, a "What am I looking at?", and its numbers as CSV.

    The camera in the figure's own bar saves it as PNG, at twice the size on screen.

    Args:
        caption: which statistic, which step, how many seeds, which recipe and data.
        about: an explanation in three sentences, with the paper.
        numbers: the CSV; a function where it is only made when somebody asks for it.
        on_select: what a click on a point does.

    Returns:
        The points that are selected, as Plotly describes them.
    """
    event: Any = st.plotly_chart(
        figure,
        key=key,
        theme=None,
        on_select=on_select,
        selection_mode="points",
        alt=alt_text(figure),
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
                    lambda: _to_csv(numbers),
                    file_name=f"{key}.csv",
                    mime="text/csv",
                    key=f"{key}_csv",
                    icon=":material/download:",
                    type="tertiary",
                    on_click="ignore",
                )
    return [] if on_select == "ignore" else event.selection.points


def _to_csv(numbers: pd.DataFrame | Callable[[], pd.DataFrame]) -> str:
    return (numbers() if callable(numbers) else numbers).to_csv(index=False)
