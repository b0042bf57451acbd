"""What a measured profile says, in words. Every sentence is worked out from the numbers. No torch."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from resnet_core.analysis import trends
from resnet_core.analysis.phrases import decades, listed, lower, number, with_spread
from resnet_core.analysis.step0_result import Profile
from resnet_core.analysis.trends import QUANTITIES, STEADY_DECADES, Trend, median, trend

IN_WORDS = {
    trends.VANISHES: "vanishes towards the input",
    trends.GROWS: "grows towards the input",
    trends.STEADY: f"stays within {STEADY_DECADES:g} decades",
    trends.UNEVEN: "goes up and down",
    trends.BLOCKED: "does not get through",
    trends.NOT_FINITE: "is not finite",
}
"""Kind of a trend -> what the quantity does."""

ALIKE_DECADES = 0.1
"""Below this, a quarter more or less, the signal is said to hardly change."""


@dataclass(frozen=True)
class Verdict:
    """A profile in sentences.

    headline: what the quantity that was asked about does. others: whether the other quantities would lead to
    another verdict. signal: what happens on the way forward.
    """

    trend: Trend
    headline: str
    others: str
    signal: str


def verdict(profile: Profile, quantity: str = "grad_rms") -> Verdict:
    """The sentences for one design and one of trends.QUANTITIES."""
    found = trend(profile, quantity)
    subject = f"{profile.spec.name}: at step 0 the {lower(QUANTITIES[quantity].title)}"
    headline = f"{subject} {_what_it_does(profile, found)}.{_disagreement(found.kinds)}"
    return Verdict(found, headline, _others(profile, found), _signal(profile))


def _what_it_does(profile: Profile, found: Trend) -> str:
    quantity = QUANTITIES[found.quantity]
    if found.kind == trends.NOT_FINITE:
        return f"is not finite: seen from the output, the first infinity or NaN stands at {found.first_bad}"
    if found.kind == trends.BLOCKED:
        return f"is exactly 0 at {found.zeros} of {found.layers} {quantity.layer}s{_what_learns(profile)}"
    if found.ratio == 0:
        return (
            f"vanishes towards the input, to exactly 0 in {_format(profile)} at {found.zeros} of "
            f"{found.layers} {quantity.layer}s{_steepness(found)}"
        )
    times = with_spread(found.ratios, found.ratio, "times")
    ratio = f"at {quantity.first} it is {times} what it is at {quantity.last}"
    if found.kind in (trends.VANISHES, trends.GROWS):
        return f"{IN_WORDS[found.kind]}: {ratio}{_steepness(found)}"
    between = "no two differ by more than" if found.kind == trends.STEADY else f"but the {quantity.layer}s span"
    return f"{IN_WORDS[found.kind]}: {ratio}, {between} {decades(found.span)}"


def _steepness(found: Trend) -> str:
    if np.isnan(found.slope):
        return ""
    direction = "more" if found.slope > 0 else "less"
    return f", {decades(found.slope)} {direction} per {QUANTITIES[found.quantity].layer} towards the input"


def _what_learns(profile: Profile) -> str:
    """Which layers' weights have a gradient all the same."""
    moves = (profile.weight_grad_rms > 0).any(axis=0)
    names = [name for name, alive in zip(profile.weight_names, moves, strict=True) if alive]
    if not names:
        return ", and no layer's weights would move in the first step"
    which = listed(names) if len(names) <= 3 else f"{len(names)} of {len(moves)} layers"
    return f"; in the first step only the weights of {which} would move"


def _disagreement(kinds: Sequence[str]) -> str:
    if len(set(kinds)) == 1:
        return ""
    counts = Counter(kinds).most_common()
    return " The seeds disagree: it " + listed([f"{IN_WORDS[kind]} in {count}" for kind, count in counts]) + "."


def _others(profile: Profile, found: Trend) -> str:
    rest = [trend(profile, name) for name in QUANTITIES if name != found.quantity]
    said = listed([f"the {lower(QUANTITIES[t.quantity].title)} {IN_WORDS[t.kind]}{_in_brackets(t)}" for t in rest])
    if all(t.kind == found.kind for t in rest):
        return f"The verdict does not depend on the quantity here: {said}."
    return f"The verdict depends on the quantity: {said}."


def _in_brackets(found: Trend) -> str:
    if np.isnan(found.ratio):
        return f" (exactly 0 at {found.zeros} of {found.layers})" if found.kind == trends.BLOCKED else ""
    return f" (first to last {number(found.ratio)}, typically {number(found.typical)})"


def _signal(profile: Profile) -> str:
    variance, names = profile.variance, profile.block_names
    bad = np.flatnonzero(~np.isfinite(variance).all(axis=0))
    if len(bad):
        return f"The signal overflows {_format(profile)} from {names[bad[0]]} on."
    dead = np.flatnonzero((variance == 0).any(axis=0))
    if len(dead):
        return (
            f"The signal's variance is exactly 0 in {_format(profile)} from {names[dead[0]]} on: from there "
            "all pictures are alike."
        )
    first, last = median(variance[:, 0]), median(variance[:, -1])
    change = float(np.log10(last / first))
    course = f"{'falls' if change < 0 else 'grows'} by {decades(change)}"
    if abs(change) < ALIKE_DECADES:
        course = "hardly changes"
    return (
        f"The signal's variance {course} from the stem ({number(first)}) to the last block ({number(last)}); "
        f"the loss is {number(median(profile.loss))}."
    )


def _format(profile: Profile) -> str:
    return "float32" if profile.precision == "fp32" else "float64"
