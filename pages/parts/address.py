"""Choices that the address carries, such as ``?kind=residual&depth=56``: a link shows what its sender saw. No torch.

Streamlit's own ``bind="query-params"`` (1.67) writes the label that is shown, so that a reworded label breaks every
link, and drops a value that it does not know without a word. Here the address has the option's own name; links with
labels still open; a name that is none of the options stays in the address, and the page says so, until something else
is chosen.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

Option = TypeVar("Option", str, int, bool)

MOST_NAMED = 8  # options named in a sentence
NOTES = "address_notes"


def make_place_for_notes() -> None:
    """Makes the place for sentences about the link, on top of the page. Called by the site map."""
    st.session_state[NOTES] = st.container()


def choice(
    widget: Callable[..., Any],
    label: str,
    options: Mapping[Option, str],
    *,
    key: str,
    default: Option | None = None,
    **settings: Any,
) -> Option:
    """A widget whose choice the address carries.

    Args:
        widget: `st.selectbox`, `st.segmented_control`, `st.select_slider` or another that takes options.
        options: each with the label it is shown with.
        default: what is chosen where neither the address nor the person says otherwise; by default the first.
        settings: further arguments of the widget.
    """
    usual = next(iter(options)) if default is None else default
    _restore(key, options, usual)
    value = widget(label, list(options), key=key, persist_state="session", format_func=options.__getitem__, **settings)
    _write(key, value, options, usual)
    return value


def toggle(label: str, *, key: str) -> bool:
    """A switch whose state the address carries; off where neither the address nor the person says otherwise."""
    options = {False: "Off", True: "On"}
    _restore(key, options, False)
    on = st.toggle(label, key=key, persist_state="session")
    _write(key, on, options, False)
    return on


def _restore(key: str, options: Mapping[Option, str], usual: Option) -> None:
    """Gives the widget that is about to be made its value: that of the address when it is new or the person went
    back or forward in the browser, else the one it has.
    """
    named = st.query_params.get(key)
    known = _by_name(options)
    if key not in st.session_state or _went_back():
        st.session_state[key] = known.get((named or "").lower(), usual)
    elif st.session_state[key] not in options:  # one that is offered no more
        st.session_state[key] = usual
    if named is not None and named.lower() not in known and st.session_state[key] == usual:
        st.session_state[NOTES].warning(_refusal(key, named, options, usual), icon=":material/link_off:")


def _write(key: str, value: Option, options: Mapping[Option, str], usual: Option) -> None:
    """Writes the choice into the address, the usual one as nothing."""
    named = st.query_params.get(key)
    if value != usual and named != _name(value):
        st.query_params[key] = _name(value)
    elif value == usual and named is not None and named.lower() in _by_name(options):
        del st.query_params[key]


def _by_name(options: Mapping[Option, str]) -> dict[str, Option]:
    """The options by all that a link may call them: their names, and their labels as older links have them."""
    return {label.lower(): option for option, label in options.items()} | {_name(option): option for option in options}


def _name(option: Option) -> str:
    """An option as the address has it."""
    return str(option).lower()


def _refusal(key: str, named: str, options: Mapping[Option, str], usual: Option) -> str:
    """The sentence for a name that is none of the options."""
    names = [str(option).lower() for option in options]
    if len(names) > MOST_NAMED:
        names[MOST_NAMED - 2 : -1] = ["…"]
    named = named[:40].replace("`", "'")
    return (
        f"This link says `{key}={named}`, which is none of the choices ({', '.join(names)}): {options[usual]} is shown."
    )


def _went_back() -> bool:
    """Whether this rerun comes from the browser's Back or Forward button."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation
