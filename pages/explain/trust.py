"""How far to trust one map: measures in words with their numbers, and what they were made of as figures. No torch."""

from collections.abc import Callable, Mapping

import pandas as pd
import streamlit as st

from pages.parts.frame import dark, figure
from resnet_core.attribution.explain_result import Attribution
from resnet_core.attribution.methods import METHODS
from resnet_core.attribution.trust_text import describe_measures, describe_seed_agreement
from resnet_core.figures.trust import deletion_insertion_curves, maps_beside
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
    texts = describe_measures(measures)
    if maps:
        texts.append(describe_seed_agreement(list(maps.values())))
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
