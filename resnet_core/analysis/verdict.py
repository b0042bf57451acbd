"""What a measurement at step 0 says, in sentences that are computed from its numbers. No torch."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from resnet_core.analysis import trends
from resnet_core.analysis.phrases import format_decades, format_number, format_with_range, join_words, lowercase_first
from resnet_core.analysis.step0_result import Step0Result
from resnet_core.analysis.trends import QUANTITIES, STEADY_DECADES, Trend, find_trend, nanmedian

KIND_PHRASES = {
    trends.VANISHES: "vanishes towards the input",
    trends.GROWS: "grows towards the input",
    trends.STEADY: f"stays within {STEADY_DECADES:g} decades",
    trends.UNEVEN: "goes up and down",
    trends.BLOCKED: "does not get through",
    trends.NOT_FINITE: "is not finite",
}
"""What the quantity does, by the kind of its trend."""

UNCHANGED_DECADES = 0.1
"""A signal that changes by less than this, a quarter more or less, is said to hardly change."""


@dataclass(frozen=True)
class Verdict:
    """A measurement in sentences.

    Attributes:
        headline: what the chosen quantity does.
        others: whether the other quantities would lead to another verdict.
        signal: what happens to the signal in the forward pass.
    """

    headline: str
    others: str
    signal: str


def judge(result: Step0Result, quantity: str = "grad_rms") -> Verdict:
    """Write the sentences for one design and one of trends.QUANTITIES."""
    found = find_trend(result, quantity)
    subject = f"{result.spec.name}: at step 0 the {lowercase_first(QUANTITIES[quantity].title)}"
    headline = f"{subject} {_what_it_does(result, found)}.{_disagreement(found.kinds)}"
    return Verdict(headline, _others(result, found), _signal(result))


def _what_it_does(result: Step0Result, found: Trend) -> str:
    quantity = QUANTITIES[found.quantity]
    if found.kind == trends.NOT_FINITE:
        return f"is not finite: seen from the output, the first infinity or NaN stands at {found.first_nonfinite}"
    if found.kind == trends.BLOCKED:
        return f"is exactly 0 at {found.zeros} of {found.layers} {quantity.layer}s{_what_learns(result)}"
    if found.ratio == 0:
        return (
            f"vanishes towards the input, to exactly 0 in {_dtype_name(result)} at {found.zeros} of "
            f"{found.layers} {quantity.layer}s{_steepness(found)}"
        )
    times = format_with_range(found.ratios, found.ratio, "times")
    ratio = f"at {quantity.first} it is {times} what it is at {quantity.last}"
    if found.kind in (trends.VANISHES, trends.GROWS):
        return f"{KIND_PHRASES[found.kind]}: {ratio}{_steepness(found)}"
    between = "no two differ by more than" if found.kind == trends.STEADY else f"but the {quantity.layer}s span"
    return f"{KIND_PHRASES[found.kind]}: {ratio}, {between} {format_decades(found.span)}"


def _steepness(found: Trend) -> str:
    if np.isnan(found.slope):
        return ""
    direction = "more" if found.slope > 0 else "less"
    return f", {format_decades(found.slope)} {direction} per {QUANTITIES[found.quantity].layer} towards the input"


def _what_learns(result: Step0Result) -> str:
    """Which layers' weights have a gradient although the blocks' outputs have none."""
    has_gradient = np.any(result.weight_grad_rms > 0, axis=0)
    names = [name for name, moves in zip(result.weight_names, has_gradient, strict=True) if moves]
    if not names:
        return ", and no layer's weights would move in the first step"
    which = join_words(names) if len(names) <= 3 else f"{len(names)} of {len(has_gradient)} layers"
    return f"; in the first step only the weights of {which} would move"


def _disagreement(kinds: Sequence[str]) -> str:
    if len(set(kinds)) == 1:
        return ""
    counts = Counter(kinds).most_common()
    return " The seeds disagree: it " + join_words([f"{KIND_PHRASES[kind]} in {count}" for kind, count in counts]) + "."


def _others(result: Step0Result, found: Trend) -> str:
    rest = [find_trend(result, name) for name in QUANTITIES if name != found.quantity]
    phrases = join_words([_clause(other) for other in rest])
    if all(t.kind == found.kind for t in rest):
        return f"The verdict does not depend on the quantity here: {phrases}."
    return f"The verdict depends on the quantity: {phrases}."


def _clause(found: Trend) -> str:
    return f"the {lowercase_first(QUANTITIES[found.quantity].title)} {KIND_PHRASES[found.kind]}{_in_parentheses(found)}"


def _in_parentheses(found: Trend) -> str:
    if np.isnan(found.ratio):
        return f" (exactly 0 at {found.zeros} of {found.layers})" if found.kind == trends.BLOCKED else ""
    return f" (first to last {format_number(found.ratio)}, typically {format_number(found.typical)})"


def _signal(result: Step0Result) -> str:
    variance, names = result.variance, result.block_names
    nonfinite = np.flatnonzero(~np.isfinite(variance).all(axis=0))
    if len(nonfinite):
        return f"The signal overflows {_dtype_name(result)} from {names[nonfinite[0]]} on."
    dead = np.flatnonzero((variance == 0).any(axis=0))
    if len(dead):
        return (
            f"The signal's variance is exactly 0 in {_dtype_name(result)} from {names[dead[0]]} on: from there "
            "all pictures are alike."
        )
    first, last = nanmedian(variance[:, 0]), nanmedian(variance[:, -1])
    change = float(np.log10(last / first))
    course = f"{'falls' if change < 0 else 'grows'} by {format_decades(change)}"
    if abs(change) < UNCHANGED_DECADES:
        course = "hardly changes"
    return (
        f"The signal's variance {course} from the stem ({format_number(first)}) to the last block "
        f"({format_number(last)}); the loss is {format_number(nanmedian(result.loss))}."
    )


def _dtype_name(result: Step0Result) -> str:
    return "float32" if result.precision == "fp32" else "float64"
