"""How far to trust one map: measures in words with their numbers, and what they were made of as figures. No torch."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from pages.explain.input_picture import InputPicture
from pages.explain.questions import explain, measure_trust
from pages.parts.backend import store
from pages.parts.frame import is_dark, show_figure
from resnet_core.attribution.explain_result import Attribution
from resnet_core.attribution.methods import METHODS
from resnet_core.attribution.trust_text import describe_measures, describe_seed_agreement
from resnet_core.figures.trust import deletion_insertion_curves, maps_side_by_side
from resnet_core.runs.related import find_seeds
from resnet_core.trained.net import TrainedNet


def show_trust(net: TrainedNet, picture: InputPicture, attribution: Attribution, nets: Sequence[TrainedNet]) -> None:
    """The checks of one map, behind a switch. ``nets``: the networks beside it, among them other seeds of its own."""
    if not st.toggle("Check how far to trust it", key="trust", help="Some seconds of computing."):
        return
    with st.spinner("Checking …"):
        measures = measure_trust(net, picture, attribution)
        maps = {
            f"seed {seed}": explain(other, picture, attribution.method, attribution.target, attribution.params)
            for seed, other in _nets_by_seed(net, nets).items()
        }
    texts = describe_measures(measures)
    if maps:
        texts.append(describe_seed_agreement(list(maps.values())))
    st.markdown("\n".join(f"- {text}" for text in texts))
    st.caption("These checks say when a map must not be believed; none says that it may.")
    if "randomisation" in measures:
        random_weights = measures["randomisation"]["twin"]
        _show_maps({"this network": attribution, "random weights": random_weights}, "map_of_random_weights")
    if maps:
        _show_maps(maps, "maps_of_seeds")
    if "deletion_insertion" in measures:
        _show_deletion_insertion(measures["deletion_insertion"])


def _nets_by_seed(net: TrainedNet, nets: Sequence[TrainedNet]) -> dict[int, TrainedNet]:
    """The network and those that differ from it in their seed alone; empty where there are none, as for a network that
    was not trained here.
    """
    runs = {run.id: run for run in store().runs()}
    if net.id not in runs:
        return {}
    by_id = {other.id: other for other in nets}
    seeds = find_seeds(runs[net.id], [runs[other] for other in by_id if other in runs])
    return {run.recipe["seed"]: by_id[run.id] for run in seeds} if len(seeds) > 1 else {}


def _show_maps(maps: Mapping[str, Attribution], key: str) -> None:
    """Maps of one method on one scale, the first map's."""
    method = METHODS[next(iter(maps.values())).method]
    show_figure(
        maps_side_by_side({name: each.map for name, each in maps.items()}, method, is_dark()),
        key,
        caption=f"{method.title}. One scale for all: the 99th percentile of the first map.",
    )


def _show_deletion_insertion(measure: Mapping[str, Any]) -> None:
    """The probability while pixels go and come, beside random orders."""
    numbers = pd.DataFrame({name: values for name, values in measure.items() if not name.endswith("_area")})
    show_figure(
        deletion_insertion_curves(numbers, is_dark()),
        "deletion_insertion",
        caption="Deleted pixels take the mean colour; inserted ones begin from the blurred picture. "
        "Grey: the mean of three random orders.",
        about="Pixels go in the order of the map, the evidence for the class first. If the map is right, the "
        "probability falls faster than in random order when they are deleted, and rises faster when they are inserted "
        "([Petsiuk et al. 2018](https://arxiv.org/abs/1806.07421)). A half-covered picture is strange to the network, "
        "so only the gap to the random order means something.",
        numbers=numbers,
    )
