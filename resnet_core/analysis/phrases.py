"""Measured numbers as they are written in a sentence. No torch."""

import math
from collections.abc import Sequence

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def format_number(value: float) -> str:
    """Two digits: 0.34, 21, 1,300, then 1.3 × 10⁴; zero, infinities and NaN in words."""
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "infinite"
    if value == 0:
        return "exactly 0"
    digits = f"{value:.1e}"
    rounded, exponent = float(digits), int(digits.split("e")[1])
    if -2 <= exponent < 4:
        return f"{rounded:,.{max(1 - exponent, 0)}f}"
    return f"{digits.split('e')[0]} × 10{str(exponent).translate(_SUPERSCRIPTS)}"


def format_with_range(values: Sequence[float], median: float, unit: str = "") -> str:
    """The median over seeds with the smallest and the largest value: "21 times (3 seeds: 18 to 25)".

    NaN stands for a seed without a value.
    """
    middle = f"{format_number(median)} {unit}".strip()
    if len(values) == 1:
        return f"{middle} (one seed)"
    known = [value for value in values if not math.isnan(value)]
    seeds = f"{len(values)} seeds" if len(known) == len(values) else f"{len(known)} of {len(values)} seeds"
    low, high = format_number(min(known)), format_number(max(known))
    return f"{middle} ({seeds}: {low if low == high else f'{low} to {high}'})"


def format_decades(value: float) -> str:
    """A difference of base-10 logarithms, without its sign: "0.17 decades", "4.2 decades"."""
    return f"{format_number(abs(value))} decades"


def join_words(texts: Sequence[str]) -> str:
    """Join as "a", "a and b", "a, b and c"; at least one."""
    return texts[0] if len(texts) == 1 else ", ".join(texts[:-1]) + " and " + texts[-1]


def lowercase_first(title: str) -> str:
    """A title for use inside a sentence."""
    return title[0].lower() + title[1:]
