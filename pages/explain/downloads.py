"""What can be saved of the maps on the Explain page: a picture with captions, and the arrays. No torch."""

import io
import json
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import streamlit as st

from pages.explain.picture import Shown
from resnet_core.attribution.explain_result import Attribution
from resnet_core.attribution.methods import METHODS
from resnet_core.figures.attribution_png import GridWords
from resnet_core.runs.run import Run

Maps = Mapping[str, Mapping[str, Attribution]]  # run -> method -> map


def button(label: str, data: Callable[[], bytes], name: str, key: str) -> None:
    """A file that is made when somebody asks for it."""
    st.download_button(
        label, data, file_name=name, key=key, icon=":material/download:", type="tertiary", on_click="ignore"
    )


def arrays(shown: Shown, maps: Maps) -> bytes:
    """The picture and every map, signed and unscaled, with what made them."""
    data = io.BytesIO()
    named = {f"{run}.{method}": a.map for run, row in maps.items() for method, a in row.items()}
    made = {
        f"{run}.{method}": {"target": a.target, "logit": a.logit, "params": a.params}
        for run, row in maps.items()
        for method, a in row.items()
    }
    np.savez(data, picture=shown.pixels, about=json.dumps(made), **named)
    return data.getvalue()


def grid_words(runs: list[Run], classes: list[str], shown: Shown, maps: Maps, strength: float) -> GridWords:
    """What is written around the maps in the picture for slides, so that it can stand without the page."""
    asked = {run.id: classes[next(iter(maps[run.id].values())).target] for run in runs}
    many = len(set(asked.values())) > 1
    shows = f", which shows: {shown.label}" if shown.label else ""
    return GridWords(
        title=title(asked.values()),
        asked={run: f"asked about: {name}" for run, name in asked.items()} if many else {},
        notes=[
            f"Picture: {shown.source}{shows}. Networks: "
            + ", ".join(f"{run.name} ({run.id}, trained on {run.dataset})" for run in runs)
            + ".",
            *(f"{METHODS[m].title}: {text}." for m in maps[runs[0].id] if (text := settings(runs, maps, m))),
            f"One scale for each column, up to the 99th percentile of its strongest map. Maps cover the picture to "
            f"{100 * strength:.0f} %. Made with the Skip Connection Explorer.",
        ],
    )


def title(about: Iterable[str]) -> str:
    """The question that all the maps answer; ``about``: names of classes."""
    return f"What speaks for {' or '.join(sorted(set(about)))}"


def settings(runs: list[Run], maps: Maps, method: str) -> str:
    """Every setting of a method, once where the networks share it."""
    texts = {run.name: settings_text(maps[run.id][method]) for run in runs}
    if len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return "; ".join(f"{text} ({name})" for name, text in texts.items())


def settings_text(attribution: Attribution) -> str:
    """Every setting that was used, and how coarse the map is where it is coarser than the picture; empty for a method
    that has none."""
    words = [f"{name} {value}" for name, value in attribution.params.items()]
    if attribution.native is not None:
        height, width = attribution.native.shape
        words.append(f"computed at {height} × {width}, enlarged")
    return ", ".join(words)
