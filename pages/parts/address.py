"""Choices that the address carries, such as ``?kind=residual&depth=56``: a link shows what its sender saw. No torch.

Streamlit's own ``bind="query-params"`` (1.67) writes the label that is shown, so that a reworded label breaks every
link, and drops a value that it does not know without a word. Here the address has the option's own name; links with
labels still open; what cannot be read stays in the address, and the page says so, until something else is chosen.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import streamlit as st

from pages.parts import query
from resnet_core.figures.style import shorten
from resnet_core.formatting import escape_markdown

Value = TypeVar("Value")
Option = TypeVar("Option", str, int, bool)
Number = TypeVar("Number", int, float)

MOST_NAMED = 8  # options named in a sentence
SHOWN = 40  # characters of a link's text in a sentence
NOTES = "address_notes"


def make_place_for_notes() -> None:
    """Makes the place for sentences about the link, on top of the page. Called by the site map."""
    st.session_state[NOTES] = st.container()


@dataclass(frozen=True)
class Carried(Generic[Value]):
    """A value of the session that the address carries.

    Attributes:
        name: in the address.
        key: in the session: a widget's, or one of the page's own.
        usual: what it is where neither the address nor the person says otherwise; the address leaves it out.
        parse: the value that a link's text stands for; raises ValueError with a sentence for the person.
        to_text: the inverse of ``parse``.
    """

    name: str
    key: str
    usual: Value
    parse: Callable[[str], Value]
    to_text: Callable[[Value], str] = str

    def restore(self) -> Value:
        """Gives the session its value: that of the address when it is new or the person went back or forward in the
        browser, else the one it has. Says so where the address has one that cannot be read.
        """
        if self.key not in st.session_state or query.went_back():
            st.session_state[self.key] = self._in_address()
        value: Value = st.session_state[self.key]
        if value == self.usual and (sentence := query.why_misread(self.name)):
            st.session_state[NOTES].warning(escape_markdown(sentence), icon=":material/link_off:")
        return value

    def _in_address(self) -> Value:
        text = query.text_of(self.name)
        if text is None:
            return self.usual
        try:
            return self.parse(text)
        except ValueError as error:
            query.note_misread(self.name, str(error))
            return self.usual

    def write(self, value: Value) -> None:
        """Lets the address say what the value is now."""
        if value != self.usual:
            query.set_text(self.name, self.to_text(value))
        elif not query.why_misread(self.name):
            query.set_text(self.name, None)


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
        key: of the widget, and its name in the address.
        default: what is chosen where neither the address nor the person says otherwise; by default the first.
        settings: further arguments of the widget.
    """
    usual = next(iter(options)) if default is None else default
    if st.session_state.get(key, usual) not in options:
        st.session_state[key] = usual  # it is offered no more
    carried = Carried(key, key, usual, lambda text: _parse_option(key, text, options, usual), _name)
    carried.restore()
    value = widget(label, list(options), key=key, persist_state="session", format_func=options.__getitem__, **settings)
    carried.write(value)
    return value


def toggle(label: str, *, key: str, name: str | None = None, default: bool = False, **settings: Any) -> bool:
    """A switch whose state the address carries; ``name``: there, by default its key."""
    name, options = name or key, {False: "Off", True: "On"}
    carried = Carried(name, key, default, lambda text: _parse_option(name, text, options, default), _name)
    carried.restore()
    on = st.toggle(label, key=key, persist_state="session", **settings)
    carried.write(on)
    return on


def number(
    widget: Callable[..., Any],
    label: str,
    low: Number,
    high: Number,
    usual: Number,
    *,
    key: str,
    name: str | None = None,
    **settings: Any,
) -> Number:
    """A number that the address carries.

    Args:
        widget: `st.number_input`, or that of a column.
        usual: what it is where neither the address nor the person says otherwise; its type is that of the number.
        name: in the address, by default the widget's key.
        settings: further arguments of the widget.
    """
    name = name or key
    carried = Carried(name, key, usual, lambda text: parse_number(name, text, low, high, usual), "{:.12g}".format)
    carried.restore()
    value = type(usual)(widget(label, low, high, key=key, persist_state="session", **settings))
    carried.write(value)
    return value


def _parse_option(name: str, text: str, options: Mapping[Option, str], usual: Option) -> Option:
    """The option that a link means by its name, or by its label as older links have it."""
    known = {label.lower(): option for option, label in options.items()} | {_name(option): option for option in options}
    if text.lower() in known:
        return known[text.lower()]
    names = [_name(option) for option in options]
    if len(names) > MOST_NAMED:
        names[MOST_NAMED - 2 : -1] = ["…"]
    raise ValueError(_refusal(name, text, f"none of the choices ({', '.join(names)})", options[usual]))


def _name(option: str | int | bool) -> str:
    """An option as the address has it."""
    return str(option).lower()


def parse_number(name: str, text: str, low: Number, high: Number, usual: Number) -> Number:
    """The number that a link names. Raises ValueError, with a sentence, for another text or one out of range."""
    try:
        value = type(usual)(text)
    except ValueError:
        value = None
    if value is None or not low <= value <= high:
        raise ValueError(_refusal(name, text, f"no number from {low:,} to {high:,}", f"{usual:,}"))
    return value


def _refusal(name: str, text: str, what: str, shown: str) -> str:
    """The sentence for a text of the link that cannot be read.

    Args:
        what: the text is instead of a value.
        shown: in its place.
    """
    return f"This link says {name}={shorten(text, SHOWN)}, which is {what}: {shown} is shown."
