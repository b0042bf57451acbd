"""What the address says after the "?", read and written so that the browser's Back undoes the last choice. No torch.

Each message to the browser that changes the address adds an entry to its history, so everything that one choice changes
is sent at once: when a page has run to its end, or calls `write` before something slow.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

STATE = "query"

Query = frozenset[tuple[str, str]]


@dataclass
class _State:
    """What is known of a visitor's address between two reruns.

    Attributes:
        page: the one that was run last.
        settled: whether it has run to its end since the visitor came to it.
        waiting: what is to be written, by name; None takes a name out of the address.
        misread: values of the link that could not be read, by name, with the sentence that says so.
        completed: pages with addresses that nobody has chosen: choices made earlier completed them at once, as when the
            menu leads to a page again. Going back to one changes nothing.
        went_back: whether this rerun comes from the browser's Back or Forward button.
    """

    page: str = ""
    settled: bool = False
    waiting: dict[str, str | None] = field(default_factory=dict)
    misread: dict[str, tuple[str, str]] = field(default_factory=dict)
    completed: set[tuple[str, Query]] = field(default_factory=set)
    went_back: bool = False


def _state() -> _State:
    state: _State = st.session_state.setdefault(STATE, _State())
    return state


@contextmanager
def follow(page: str) -> Iterator[None]:
    """Writes the choices of a page into the address when it has run to its end. The site map runs each page in it.

    So no page may end by ``st.stop()``: nothing can be sent to the browser after it.
    """
    state = _state()
    if page != state.page:
        state.page, state.settled = page, False
        state.waiting.clear()
        state.misread.clear()
    context = get_script_run_ctx()
    navigated = context is not None and context.is_history_navigation
    state.went_back = navigated and (page, _current()) not in state.completed
    yield  # when it raises, as for a rerun, the next run writes what this one has not come to
    write()
    state.settled = True
    state.completed.discard((state.page, _current()))


def write() -> None:
    """Writes what was chosen so far; called before something slow, so that nobody copies an old link meanwhile."""
    state = _state()
    before = st.query_params.to_dict()
    wanted = {name: text for name, text in (before | state.waiting).items() if text is not None}
    state.waiting.clear()
    if wanted == before:
        return
    if not state.settled:
        state.completed.add((state.page, _current()))
    st.query_params.from_dict(wanted)


def _current() -> Query:
    return frozenset(st.query_params.to_dict().items())


def went_back() -> bool:
    """Whether this rerun comes from the browser's Back or Forward button: choices are then those of the address."""
    return _state().went_back


def text_of(name: str) -> str | None:
    """What the address says under a name, or will say at the end of this run."""
    waiting = _state().waiting
    return waiting[name] if name in waiting else st.query_params.get(name)


def set_text(name: str, text: str | None) -> None:
    """Lets the address say this under a name; None takes the name out of it."""
    _state().waiting[name] = text


def forget(*names: str) -> None:
    """Takes out of the address what depends on a choice that was changed just now. For callbacks."""
    for name in names:
        set_text(name, None)


def note_misread(name: str, sentence: str) -> None:
    """Remembers that what the address says under a name cannot be read, and why."""
    text = text_of(name)
    if text is not None:
        _state().misread[name] = (text, sentence)


def why_misread(name: str) -> str:
    """Why what the address says under a name cannot be read; "" where it can."""
    text, sentence = _state().misread.get(name, (None, ""))
    return sentence if text is not None and text == text_of(name) else ""
