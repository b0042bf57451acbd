"""How far to trust a map, in sentences made of the numbers of `trust.py`. No torch."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from resnet_core.attribution.explain_result import Attribution
from resnet_core.attribution.statistics import pairwise_rank_correlations
from resnet_core.formatting import is_number, percent


def describe_measures(measures: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A sentence for each measure of `questions.trust_report`."""
    return [describe(measures[name]) for name, describe in _SENTENCES.items() if name in measures]


def describe_seed_agreement(maps: Sequence[Attribution]) -> str:
    """How alike the maps of networks are that differ in their seed alone: two maps or more, by one method."""
    pairs = pairwise_rank_correlations([each.values for each in maps])[np.triu_indices(len(maps), 1)]
    known = pairs[~np.isnan(pairs)]
    if not len(known):
        return "**Seeds**: the maps are the same everywhere, so they cannot be compared."
    spread = f", from {known.min():.2f} to {known.max():.2f}" if len(known) > 1 else ""
    return (
        f"**Seeds**: {len(maps)} trainings that differ in the seed only give maps with a rank correlation of "
        f"{known.mean():.2f}{spread}: 1 is the same map, 0 as unlike as two random ones. "
        "What changes with the seed says nothing about the kind of network."
    )


def _completeness(m: Mapping[str, Any]) -> str:
    return (
        f"**Completeness**: the map sums to within {abs(m['delta']):.3f} of the change in the logit "
        f"({m['change']:.2f}), a gap of {percent(m['relative'])}."
    )


def _randomisation(m: Mapping[str, Any]) -> str:
    if not is_number(m["signed"]):
        return "**Random weights**: one of the two maps is the same everywhere, so they cannot be compared."
    learned = "depends" if abs(m["signed"]) < 0.5 else "hardly depends"
    return (
        f"**Random weights**: a network with random weights gives a map with rank correlation {m['signed']:.2f} to "
        f"this one; it {learned} on what the network learned (Adebayo et al. 2018)."
    )


def _deletion_insertion(m: Mapping[str, Any]) -> str:
    return (
        "**Deletion and insertion**: "
        f"deleting the marked pixels first leaves a mean probability of {percent(m['deletion_area'])} "
        f"(random order: {percent(m['deletion_random_area'])}; lower is better); "
        f"inserting them first gives {percent(m['insertion_area'])} "
        f"(random: {percent(m['insertion_random_area'])}; higher is better)."
    )


def _infidelity(m: Mapping[str, Any]) -> str:
    if not is_number(m["unexplained"]):
        return "**Infidelity**: the logit did not move whatever was covered, so there was nothing to foretell."
    return (
        f"**Infidelity**: when one of {m['samples']} random squares is covered, the map foretells "
        f"{percent(1 - m['unexplained'], 0)} of how far the logit falls; "
        f"{percent(m['unexplained'], 0)} stays unexplained (Yeh et al. 2019)."
    )


def _sensitivity(m: Mapping[str, Any]) -> str:
    if not is_number(m["largest"]):
        return "**Sensitivity**: the map is empty, so it cannot move."
    return (
        f"**Sensitivity**: when every pixel moves by up to {255 * m['radius']:.0f} of 255, which one can hardly see, "
        f"the map changes by {percent(m['mean'], 0)} of its size on average "
        f"and by {percent(m['largest'], 0)} at most in {m['samples']} tries (Yeh et al. 2019)."
    )


_SENTENCES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "completeness": _completeness,
    "randomisation": _randomisation,
    "deletion_insertion": _deletion_insertion,
    "infidelity": _infidelity,
    "sensitivity": _sensitivity,
}
