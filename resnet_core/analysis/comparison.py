"""What a change to a design did to its gradient at step 0, in one sentence with its numbers. No torch."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from resnet_core.analysis import trends
from resnet_core.analysis.phrases import decades, listed, lower, number, with_spread
from resnet_core.analysis.step0_result import Profile
from resnet_core.analysis.trends import QUANTITIES, Trend, median, trend
from resnet_core.analysis.verdict import IN_WORDS
from resnet_core.networks.options import CHOICES
from resnet_core.networks.spec import NetSpec

LOSS_FACTOR = 10.0
"""Losses at step 0 that differ by more than this are mentioned."""

_SKIP_FIELDS = ("skips", "skip_strength", "shortcut")


def compare(profiles: Sequence[Profile], quantity: str = "grad_rms") -> list[str]:
    """A sentence for each profile after the first: what is changed against the first, and what that did."""
    return [_sentence(profiles[0], other, quantity) for other in profiles[1:]]


def change(before: NetSpec, after: NetSpec) -> str:
    """How the second design differs from the first: "with skips, start SkipInit instead of He"; "" for
    equals.
    """
    fields = [field.name for field in dataclasses.fields(NetSpec)]
    said = _skips(before, after)
    for field in fields:
        old, new = getattr(before, field), getattr(after, field)
        if old == new or (field in _SKIP_FIELDS and said):
            continue
        if field == "family" and said and {old, new} == {"plain", "residual"}:
            continue
        if field == "norm":
            said.append("with batch norm" if new == "batch" else "without batch norm")
        elif field != "skips":
            word = _WORDS.get(field, field.replace("_", " "))
            said.append(f"{word} {_value(field, new)} instead of {_value(field, old)}")
    return listed(said) if said else ""


_WORDS = {"init": "start"}


def _value(field: str, value: object) -> str:
    return CHOICES[field][value].title if field in CHOICES else str(value)


def _skips(before: NetSpec, after: NetSpec) -> list[str]:
    old, new = sum(before.active_skips()), sum(after.active_skips())
    if (not old and not new) or before.active_skips() == after.active_skips():
        return []
    if not old:
        return ["with skips" if new == after.n_blocks else f"with {new} of {after.n_blocks} skips"]
    if not new:
        return ["without skips"]
    if before.n_blocks == after.n_blocks:
        return [f"with {new} of {after.n_blocks} skips instead of {old}"]
    return []


def _sentence(before: Profile, after: Profile, quantity: str) -> str:
    old, new = trend(before, quantity), trend(after, quantity)
    what = change(before.spec, after.spec)
    opening = f"{what[0].upper()}{what[1:]} ({before.spec.name} → {after.spec.name})" if what else "Measured again"
    ratios = f"{_first_to_last(old)} to {_first_to_last(new)}"
    return (
        f"{opening}: the {lower(QUANTITIES[quantity].title)}, first to last, goes from {ratios}; "
        f"{_outcome(old, new)}{_losses(before, after)}."
    )


def _first_to_last(found: Trend) -> str:
    if np.isnan(found.ratio):
        return "infinity or NaN" if found.kind == trends.NOT_FINITE else "no ratio at all (exactly 0)"
    return with_spread(found.ratios, found.ratio)


def _outcome(old: Trend, new: Trend) -> str:
    if old.kind != new.kind:
        return f"it {IN_WORDS[old.kind]} before the change and {IN_WORDS[new.kind]} after it"
    kept = f"it {IN_WORDS[new.kind]} before and after"
    shift = new.drift - old.drift
    if not np.isfinite(shift):
        return kept
    if _overlap(old.ratios, new.ratios):
        return f"{kept}, and the seeds' ranges overlap"
    return f"{kept}, the ratio now {decades(shift)} {'higher' if shift > 0 else 'lower'}"


def _overlap(some: Sequence[float], others: Sequence[float]) -> bool:
    return max(np.nanmin(some), np.nanmin(others)) <= min(np.nanmax(some), np.nanmax(others))


def _losses(before: Profile, after: Profile) -> str:
    old, new = median(before.loss), median(after.loss)
    if np.isfinite(old) and np.isfinite(new) and 1 / LOSS_FACTOR <= new / max(old, 1e-30) <= LOSS_FACTOR:
        return ""
    return f"; the loss goes from {number(old)} to {number(new)}"
