"""Who has started a training or a task: this window, another one, or nobody here, as far as it is known. No torch."""

from typing import Literal

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx


@st.cache_resource(show_spinner=False)
def _starters() -> dict[str, str]:
    """Session by id of what it has started, since this process began."""
    return {}


def note_start(*ids: str) -> None:
    """Notes that this window has started these runs or tasks."""
    for each in ids:
        _starters().setdefault(each, _session())  # a task that runs already stays another's


def starter_of(run_or_task: str) -> Literal["this window", "another window", "unknown"]:
    """Which window has started it; a page that is loaded again is another window. Unknown: the command line, the lab
    itself, or a window before the app was started again.
    """
    session = _starters().get(run_or_task)
    if session is None:
        return "unknown"
    return "this window" if session == _session() else "another window"


def _session() -> str:
    context = get_script_run_ctx()
    return context.session_id if context else ""
