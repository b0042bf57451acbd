"""The grid of maps, networks down and methods across; a click opens one map. No torch."""

from collections.abc import Callable

import streamlit as st

from pages.explain.input_picture import InputPicture
from pages.explain.map_settings import MapSettings
from pages.explain.predictions import Predictions
from pages.explain.questions import explain
from pages.explain.single_map import show_single_map
from pages.parts import table
from pages.parts.frame import is_dark, show_figure
from resnet_core.attribution.explain_result import Attribution
from resnet_core.attribution.map_arrays import maps_as_npz
from resnet_core.attribution.methods import METHODS
from resnet_core.figures.attribution_maps import attribution_grid
from resnet_core.figures.attribution_png import grid_png
from resnet_core.figures.attribution_text import Maps, describe_question, grid_text
from resnet_core.formatting import escape_markdown

ABOUT = (
    "Each map says on which pixels one network's score for one class depends. All maps of a column share one scale, "
    "printed below it, so a pale map means a weak dependence and not a bad picture. Maps are hints, not proofs: "
    "open one and look at how it stands up to checks "
    "([Adebayo et al. 2018](https://arxiv.org/abs/1810.03292) show how convincing maps can be independent of what "
    "a network learned)."
)


def show_maps(predictions: Predictions, picture: InputPicture, settings: MapSettings) -> None:
    """The maps; they appear as they are ready. A click opens one."""
    if not settings.methods:
        st.info("Choose at least one method.")
        return
    targets = {net.id: settings.target_of(net, predictions) for net in predictions.nets}
    question = describe_question(predictions.classes[target] for target in targets.values())
    st.markdown(f"#### {escape_markdown(question)}")
    place = st.empty()
    maps: dict[str, dict[str, Attribution]] = {net.id: {} for net in predictions.nets}
    for method in settings.methods:
        for net in predictions.nets:
            with place.container(), st.spinner(f"{METHODS[method].title} of {escape_markdown(net.name)} …"):
                maps[net.id][method] = explain(net, picture, method, targets[net.id], settings.settings.get(method, {}))
    with place.container():
        clicked = _show_grid(predictions, picture, settings, maps)
    for net_id, method in clicked:
        if method in maps.get(net_id, {}):
            net = next(net for net in predictions.nets if net.id == net_id)
            show_single_map(net, picture, maps[net_id][method], predictions.nets)


def _show_grid(
    predictions: Predictions, picture: InputPicture, settings: MapSettings, maps: Maps
) -> list[tuple[str, str]]:
    """The figure with all maps and the files made of it; returns network and method of what was clicked."""
    content = (
        picture.pixels,
        {net: {method: each.map for method, each in row.items()} for net, row in maps.items()},
        {name: METHODS[name] for name in settings.methods},
        table.net_styles(predictions.nets),
        is_dark(),
        settings.strength,
        predictions.probabilities,
        predictions.classes,
    )
    points = show_figure(
        attribution_grid(*content),
        "maps",
        caption="One scale for each column, printed below it: the 99th percentile of the column's strongest map. "
        "The + in a corner opens that map with its checks.",
        about=ABOUT,
        on_select="rerun",
    )
    shows = f", which shows: {picture.label}" if picture.label else ""
    words = grid_text(predictions.nets, f"{picture.source}{shows}", maps, settings.strength)
    with st.container(horizontal=True, gap="small"):
        _show_download("Picture (.png)", lambda: grid_png(*content, words), "attributions.png", "grid_png")
        _show_download("Arrays (.npz)", lambda: maps_as_npz(picture.pixels, maps), "attributions.npz", "arrays")
    return [(point["customdata"][0], point["customdata"][1]) for point in points]


def _show_download(label: str, data: Callable[[], bytes], name: str, key: str) -> None:
    """A file that is made when somebody asks for it."""
    st.download_button(
        label, data, file_name=name, key=key, icon=":material/download:", type="tertiary", on_click="ignore"
    )
