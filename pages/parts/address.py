"""Choices that the address carries, such as ``?kind=residual&depth=56``: a link shows what its sender saw. No torch.

Streamlit's own ``bind="query-params"`` (1.67) writes the label that is shown, so that a reworded label breaks every
link, and drops a value that it does not know without a word. Here the address has the option's own name; links with
labels still open; a name that is none of the options stays in the address, and the page says so, until something else
is chosen.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

Option = TypeVar("Option", str, int, bool)

LISTED = 8  # options named in a sentence
NOTES = "address_notes"


def begin() -> None:
    """Makes the place for sentences about the link, on top of the page. Called by the site map."""
    st.session_state[NOTES] = st.container()


def choice(
    widget: Callable[..., Option],
    label: str,
    options: Mapping[Option, str],
    *,
    key: str,
    first: Option | None = None,
    **more: object,
) -> Option:
    """A widget that offers ``options``, each with the label it is shown with, and stands on ``first``, else on the
    first of them, where neither the address nor the person says otherwise. ``more``: of the widget.
    """
    usual = next(iter(options)) if first is None else first
    take(key, options, usual)
    value = widget(label, list(options), key=key, persist_state="session", format_func=options.__getitem__, **more)
    publish(key, value, options, usual)
    return value


def toggle(label: str, *, key: str) -> bool:
    """A switch that is off where neither the address nor the person says otherwise."""
    options = {False: "Off", True: "On"}
    take(key, options, False)
    on = st.toggle(label, key=key, persist_state="session")
    publish(key, on, options, False)
    return on


def take(key: str, options: Mapping[Option, str], usual: Option) -> None:
    """Gives the widget that is about to be made its value: that of the address when it is new or the person went
    back or forward in the browser, else the one it has.
    """
    asked = st.query_params.get(key)
    known = by_name(options)
    if key not in st.session_state or went_back():
        st.session_state[key] = known.get((asked or "").lower(), usual)
    elif st.session_state[key] not in options:  # one that is offered no more
        st.session_state[key] = usual
    if asked is not None and asked.lower() not in known and st.session_state[key] == usual:
        st.session_state[NOTES].warning(refusal(key, asked, options, usual), icon=":material/link_off:")


def publish(key: str, value: Option, options: Mapping[Option, str], usual: Option) -> None:
    """Writes the choice into the address, the usual one as nothing."""
    asked = st.query_params.get(key)
    if value != usual and asked != name(value):
        st.query_params[key] = name(value)
    elif value == usual and asked is not None and asked.lower() in by_name(options):
        del st.query_params[key]


def by_name(options: Mapping[Option, str]) -> dict[str, Option]:
    """The options by all that a link may call them: their names, and their labels as older links have them."""
    return {label.lower(): option for option, label in options.items()} | {name(option): option for option in options}


def name(option: Option) -> str:
    """An option as the address has it."""
    return str(option).lower()


def refusal(key: str, asked: str, options: Mapping[Option, str], usual: Option) -> str:
    """The sentence for a name that is none of the options."""
    names = [name(option) for option in options]
    listed = ", ".join(names if len(names) <= LISTED else [*names[: LISTED - 2], "…", names[-1]])
    asked = asked[:40].replace("`", "'")
    return f"This link says `{key}={asked}`, which is none of the choices ({listed}): {options[usual]} is shown."


def went_back() -> bool:
    """Whether this rerun comes from the browser's Back or Forward button."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation
