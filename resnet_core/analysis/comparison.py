"""What a change to a design did to its gradient at step 0, in one sentence with its numbers. No torch."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from resnet_core.analysis import trends
from resnet_core.analysis.phrases import format_decades, format_number, format_with_range, join_words, lowercase_first
from resnet_core.analysis.step0_result import Step0Result
from resnet_core.analysis.trends import QUANTITIES, Trend, find_trend, nanmedian
from resnet_core.analysis.verdict import KIND_PHRASES
from resnet_core.networks.options import CHOICES
from resnet_core.networks.spec import NetSpec

LOSS_FACTOR = 10.0
"""Losses at step 0 that differ by more than this factor are mentioned."""

_SKIP_FIELDS = ("skips", "skip_strength", "shortcut")


def compare_designs(results: Sequence[Step0Result], quantity: str = "grad_rms") -> list[str]:
    """A sentence for each design after the first: how it differs from the first, and what that did."""
    return [_sentence(results[0], other, quantity) for other in results[1:]]


def describe_change(before: NetSpec, after: NetSpec) -> str:
    """How the second design differs from the first: "with skips, start SkipInit instead of He"; "" for equals."""
    fields = [field.name for field in dataclasses.fields(NetSpec)]
    phrases = _describe_skips(before, after)
    for field in fields:
        old, new = getattr(before, field), getattr(after, field)
        if old == new or (field in _SKIP_FIELDS and phrases):
            continue
        if field == "family" and phrases and {old, new} == {"plain", "residual"}:
            continue
        if field == "norm":
            phrases.append("with batch norm" if new == "batch" else "without batch norm")
        elif field != "skips":
            word = _FIELD_TITLES.get(field, field.replace("_", " "))
            phrases.append(f"{word} {_value(field, new)} instead of {_value(field, old)}")
    return join_words(phrases) if phrases else ""


_FIELD_TITLES = {"init": "start"}


def _value(field: str, value: object) -> str:
    return CHOICES[field][str(value)].title if field in CHOICES else str(value)


def _describe_skips(before: NetSpec, after: NetSpec) -> list[str]:
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


def _sentence(before: Step0Result, after: Step0Result, quantity: str) -> str:
    old, new = find_trend(before, quantity), find_trend(after, quantity)
    what = describe_change(before.spec, after.spec)
    opening = f"{what[0].upper()}{what[1:]} ({before.spec.name} → {after.spec.name})" if what else "Measured again"
    ratios = f"{_first_to_last(old)} to {_first_to_last(new)}"
    return (
        f"{opening}: the {lowercase_first(QUANTITIES[quantity].title)}, first to last, goes from {ratios}; "
        f"{_outcome(old, new)}{_losses(before, after)}."
    )


def _first_to_last(found: Trend) -> str:
    if np.isnan(found.ratio):
        return "infinity or NaN" if found.kind == trends.NOT_FINITE else "no ratio at all (exactly 0)"
    return format_with_range(found.ratios, found.ratio)


def _outcome(old: Trend, new: Trend) -> str:
    if old.kind != new.kind:
        return f"it {KIND_PHRASES[old.kind]} before the change and {KIND_PHRASES[new.kind]} after it"
    kept = f"it {KIND_PHRASES[new.kind]} before and after"
    shift = new.drift - old.drift
    if not np.isfinite(shift):
        return kept
    if _overlap(old.ratios, new.ratios):
        return f"{kept}, and the seeds' ranges overlap"
    return f"{kept}, the ratio now {format_decades(shift)} {'higher' if shift > 0 else 'lower'}"


def _overlap(some: Sequence[float], others: Sequence[float]) -> bool:
    return max(np.nanmin(some), np.nanmin(others)) <= min(np.nanmax(some), np.nanmax(others))


def _losses(before: Step0Result, after: Step0Result) -> str:
    old, new = nanmedian(before.loss), nanmedian(after.loss)
    if np.isfinite(old) and np.isfinite(new) and 1 / LOSS_FACTOR <= new / max(old, 1e-30) <= LOSS_FACTOR:
        return ""
    return f"; the loss goes from {format_number(old)} to {format_number(new)}"
