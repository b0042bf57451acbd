"""How far to trust one map: measures in words with their numbers, and what they were made of as figures. No torch."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import streamlit as st

from pages.parts.frame import dark, figure
from resnet_core.attribution.explain_result import Attribution
from resnet_core.attribution.methods import METHODS
from resnet_core.attribution.statistics import agreement
from resnet_core.figures.trust import deletion_insertion_curves, maps_beside
from resnet_core.formatting import is_number, percent
from resnet_core.runs.run import Run

Measures = Mapping[str, Mapping[str, object]]

NOT_YET = "These checks say when a map must not be believed; none says that it may."


def show(
    attribution: Attribution,
    measure: Callable[[], Measures],
    seeds: list[Run],
    explain_again: Callable[[Run], Attribution],
) -> None:
    """The checks of one map, behind a switch. ``seeds``: the same training with other seeds, this one first."""
    if not st.toggle("Check how far to trust it", key="trust", help="Some seconds of computing."):
        return
    with st.spinner("Checking …"):
        measures = measure()
        maps = {f"seed {run.recipe['seed']}": explain_again(run) for run in seeds} if len(seeds) > 1 else {}
    texts = trust_texts(measures)
    if maps:
        texts.append(seeds_text(list(maps.values())))
    st.markdown("\n".join(f"- {text}" for text in texts))
    st.caption(NOT_YET)
    if "randomisation" in measures:
        twin = measures["randomisation"]["twin"]
        beside({"this network": attribution, "random weights": twin}, "map_of_random_weights")
    if maps:
        beside(maps, "maps_of_seeds")
    if "deletion_insertion" in measures:
        curves(measures["deletion_insertion"])


def beside(made: Mapping[str, Attribution], key: str) -> None:
    """Maps of one method on one scale, the first map's."""
    method = METHODS[next(iter(made.values())).method]
    figure(
        maps_beside({name: a.map for name, a in made.items()}, method, dark()),
        key,
        caption=f"{method.title}. One scale for all: the 99th percentile of the first map.",
    )


def curves(measure: Mapping[str, object]) -> None:
    """The probability while pixels go and come, beside random orders."""
    numbers = pd.DataFrame({name: values for name, values in measure.items() if not name.endswith("_area")})
    figure(
        deletion_insertion_curves(numbers, dark()),
        "deletion_insertion",
        caption="Deleted pixels take the mean colour; inserted ones begin from the blurred picture. Grey: the mean of "
        "three random orders.",
        about="Pixels go in the order of the map, the evidence for the class first. If the map is right, the "
        "probability falls faster than in random order when they are deleted, and rises faster when they are inserted "
        "([Petsiuk et al. 2018](https://arxiv.org/abs/1806.07421)). A half-covered picture is strange to the "
        "network, so only the gap to the random order means something.",
        numbers=numbers,
    )


def same_but_for_the_seed(run: Run, runs: list[Run]) -> list[Run]:
    """``run`` and, of the others, one for each other seed: trained alike, on the same data."""
    if not isinstance(run, Run):
        return [run]  # published weights: nobody knows their seed
    found = {run.recipe.get("seed"): run}
    for other in runs:
        if alike(other) == alike(run):
            found.setdefault(other.recipe.get("seed"), other)
    return list(found.values())


def alike(run: Run) -> tuple[object, ...]:
    """What two runs share that differ in their seed only."""
    recipe = {key: value for key, value in run.recipe.items() if key != "seed"}
    return run.spec, recipe, run.dataset, run.facts.get("fingerprint")


def trust_texts(measures: Measures) -> list[str]:
    """One sentence a measure, made of its numbers."""
    return [SENTENCES[name](measures[name]) for name in SENTENCES if name in measures]


def completeness_text(m: Mapping[str, float]) -> str:
    return (
        f"**Completeness**: the map sums to within {abs(m['delta']):.3f} of the change in the logit "
        f"({m['change']:.2f}), a gap of {percent(m['relative'])}."
    )


def randomisation_text(m: Mapping[str, float]) -> str:
    if not is_number(m["signed"]):
        return "**Random weights**: one of the two maps is the same everywhere, so they cannot be compared."
    learned = "depends" if abs(m["signed"]) < 0.5 else "hardly depends"
    return (
        f"**Random weights**: a network with random weights gives a map with rank correlation {m['signed']:.2f} to "
        f"this one; it {learned} on what the network learned (Adebayo et al. 2018)."
    )


def curves_text(m: Mapping[str, float]) -> str:
    return (
        f"**Deletion and insertion**: deleting the marked pixels first leaves a mean probability of "
        f"{percent(m['deletion_area'])} (random order: {percent(m['deletion_random_area'])}; lower is better); "
        f"inserting them first gives {percent(m['insertion_area'])} (random: "
        f"{percent(m['insertion_random_area'])}; higher is better)."
    )


def infidelity_text(m: Mapping[str, float]) -> str:
    if not is_number(m["unexplained"]):
        return "**Infidelity**: the logit did not move whatever was covered, so there was nothing to foretell."
    return (
        f"**Infidelity**: when one of {m['samples']} random squares is covered, the map foretells "
        f"{percent(1 - m['unexplained'], 0)} of how far the logit falls; {percent(m['unexplained'], 0)} stays "
        "unexplained (Yeh et al. 2019)."
    )


def sensitivity_text(m: Mapping[str, float]) -> str:
    if not is_number(m["largest"]):
        return "**Sensitivity**: the map is empty, so it cannot move."
    return (
        f"**Sensitivity**: when every pixel moves by up to {255 * m['radius']:.0f} of 255, which one can hardly see, "
        f"the map changes by {percent(m['mean'], 0)} of its size on average and by {percent(m['largest'], 0)} at most "
        f"in {m['samples']} tries (Yeh et al. 2019)."
    )


SENTENCES: dict[str, Callable[[Mapping[str, float]], str]] = {
    "completeness": completeness_text,
    "randomisation": randomisation_text,
    "deletion_insertion": curves_text,
    "infidelity": infidelity_text,
    "sensitivity": sensitivity_text,
}


def seeds_text(maps: list[Attribution]) -> str:
    """How alike the maps of networks are that differ in their seed only."""
    pairs = agreement([a.values for a in maps])[np.triu_indices(len(maps), 1)]
    known = pairs[~np.isnan(pairs)]
    if not len(known):
        return "**Seeds**: the maps are the same everywhere, so they cannot be compared."
    spread = f", from {known.min():.2f} to {known.max():.2f}" if len(known) > 1 else ""
    return (
        f"**Seeds**: {len(maps)} trainings that differ in the seed only give maps with a rank correlation of "
        f"{known.mean():.2f}{spread}: 1 is the same map, 0 as unlike as two random ones. What changes with the seed "
        "says nothing about the kind of network."
    )
