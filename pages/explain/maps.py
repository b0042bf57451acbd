"""What the Explain page is made of: the grid of maps, one map large with its measures of trust. No torch."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from pages.explain import downloads, trust
from pages.explain.picture import Shown
from pages.parts import table
from pages.parts.backend import service
from pages.parts.frame import dark, figure
from resnet_core.attribution.answers_text import describe_answers
from resnet_core.attribution.explain_result import Attribution
from resnet_core.attribution.methods import METHODS, Method, Param
from resnet_core.figures.attribution_maps import attribution_grid, attribution_map
from resnet_core.figures.attribution_png import grid_png
from resnet_core.figures.predictions import prediction_bars
from resnet_core.runs.related import find_seeds
from resnet_core.runs.run import Run

WHOSE = {"first": "What the first network answers", "own": "Each network's own answer"}
FIRST = ["saliency", "integrated_gradients", "grad_cam"]
ABOUT = (
    "Each map says on which pixels one network's score for one class depends. All maps of a column share one scale, "
    "printed below it, so a pale map means a weak dependence and not a bad picture. Maps are hints, not proofs: open "
    "one and look at how it stands up to checks "
    "([Adebayo et al. 2018](https://arxiv.org/abs/1810.03292) show how convincing maps can be independent of what "
    "a network learned)."
)


@dataclass(frozen=True)
class Asked:
    """What the person wants to know."""

    methods: tuple[str, ...]
    target: str  # a class for all networks, or a key of WHOSE
    params: Mapping[str, Mapping[str, object]]
    strength: float


def empty() -> None:
    """What would stand here, and the way there."""
    with st.container(border=True):
        st.markdown(
            "**No trained network is on the table.** Choose one or more on the left; if there are none, train one: a "
            "minute is enough for a first look."
        )
        st.page_link("train/page.py", label="Go to Train", icon=":material/model_training:")


def waiting() -> None:
    """Before there is a picture."""
    with st.container(border=True):
        st.markdown("**Choose a picture on the left.** What each network answers, and what it looks at, stands here.")


def controls(runs: list[Run]) -> Asked:
    """Methods, the class that is asked about, the methods' settings."""
    methods = st.pills(
        "Methods",
        list(METHODS),
        selection_mode="multi",
        wrap=True,
        default=FIRST,
        key="methods",
        persist_state="session",
        format_func=lambda name: METHODS[name].title,
        help="\n\n".join(f"**{method.title}**: {method.question}" for method in METHODS.values()),
    )
    classes = runs[0].facts.get("classes", [])
    target = st.selectbox(
        "Class asked about",
        [*WHOSE, *classes],
        key="target",
        persist_state="session",
        format_func=lambda name: WHOSE.get(name, name),
        help="A map is always about one class: which pixels speak for it, and which against. To compare networks, ask "
        "them about the same class.",
    )
    with st.expander("Strength and settings of the methods"):
        strength = st.slider("Strength of the maps over the picture", 0, 100, 75, format="%d %%", key="strength") / 100
        params = {name: settings(METHODS[name]) for name in methods if METHODS[name].params}
    return Asked(tuple(name for name in METHODS if name in methods), target, params, strength)


def settings(method: Method) -> dict[str, object]:
    """One control a setting, built from the table of methods."""
    st.markdown(f"**{method.title}**")
    return {param.name: control(method.name, param) for param in method.params}


def control(method: str, param: Param) -> object:
    """A select box, a number or a text, as the setting wants it."""
    key = f"{method}_{param.name}"
    if param.choices:
        return st.selectbox(param.title, param.choices, param.choices.index(param.default), key=key, help=param.help)
    if isinstance(param.default, str):
        return st.text_input(param.title, param.default, key=key, help=param.help)
    step = 1 if isinstance(param.default, int) else 0.01
    return st.number_input(param.title, param.low, param.high, param.default, step, key=key, help=param.help)


@dataclass(frozen=True, eq=False)
class Answers:
    """What each of the comparable networks answers."""

    runs: list[Run]
    classes: list[str]
    probabilities: dict[str, np.ndarray]  # run -> (num_classes,)


def predictions(runs: list[Run], shown: Shown) -> Answers:
    """The networks' answers as bars."""
    classes = runs[0].facts["classes"]
    alike = [run for run in runs if run.facts["classes"] == classes]
    found = Answers(alike, classes, {run.id: predict(run, shown) for run in alike})
    if len(alike) < len(runs):
        st.caption(
            "Networks that know other classes than the first one are left out: their answers cannot be compared."
        )
    figure(
        prediction_bars(
            found.probabilities,
            classes,
            table.styles(alike),
            dark(),
            true_class=classes.index(shown.label) if shown.label in classes else None,
            top=5,
        ),
        "predictions",
        caption=describe_answers(
            {run.name: classes[int(found.probabilities[run.id].argmax())] for run in alike}, len(classes)
        ),
        numbers=lambda: pd.DataFrame(
            {run.name: found.probabilities[run.id] for run in alike}, index=pd.Index(classes, name="class")
        ).reset_index(),
    )
    return found


def target_of(run: Run, found: Answers, asked: Asked) -> int:
    """The index of the class this run is asked about."""
    if asked.target in found.classes:
        return found.classes.index(asked.target)
    return int(found.probabilities[run.id if asked.target == "own" else found.runs[0].id].argmax())


def maps(found: Answers, shown: Shown, asked: Asked) -> None:
    """Networks down, methods across; maps appear as they are ready. A click opens one."""
    if not asked.methods:
        st.info("Choose at least one method.")
        return
    targets = {run.id: target_of(run, found, asked) for run in found.runs}
    st.markdown(f"#### {downloads.title(found.classes[target] for target in targets.values())}")
    place = st.empty()
    made: dict[str, dict[str, Attribution]] = {run.id: {} for run in found.runs}
    for method in asked.methods:
        for run in found.runs:
            with place.container(), st.spinner(f"{METHODS[method].title} of {run.name} …"):
                made[run.id][method] = explain(run, shown, method, targets[run.id], asked.params.get(method, {}))
    with place.container():
        event = grid(found, shown, asked, made)
    for point in event.selection.points if event else []:
        run, method = point["customdata"][:2]
        if method in made.get(run, {}):
            large(next(r for r in found.runs if r.id == run), shown, made[run][method], found.runs)


def grid(found: Answers, shown: Shown, asked: Asked, made: Mapping[str, Mapping[str, Attribution]]) -> object:
    """The figure with all maps and the files made of it; returns what was clicked."""
    content = (
        shown.pixels,
        {run: {name: a.map for name, a in row.items()} for run, row in made.items()},
        {name: METHODS[name] for name in asked.methods},
        table.styles(found.runs),
        dark(),
        asked.strength,
        found.probabilities,
        found.classes,
    )
    event = figure(
        attribution_grid(*content),
        "maps",
        caption="One scale for each column, printed below it: the 99th percentile of the column's strongest map. The + "
        "in a corner opens that map with its checks.",
        about=ABOUT,
        on_select="rerun",
    )
    words = downloads.grid_words(found.runs, found.classes, shown, made, asked.strength)
    with st.container(horizontal=True, gap="small"):
        downloads.button("Picture (.png)", lambda: grid_png(*content, words), "attributions.png", "grid_png")
        downloads.button("Arrays (.npz)", lambda: downloads.arrays(shown, made), "attributions.npz", "arrays")
    return event


def large(run: Run, shown: Shown, attribution: Attribution, others: list[Run]) -> None:
    """One map, large, with what it means and how far to trust it."""
    method = METHODS[attribution.method]
    with st.container(border=True):
        st.markdown(f"##### {method.title} of {run.name}")
        st.markdown(f"*{method.question}*  \n{method.limits} [{method.paper}]({method.url})")
        if method.warning:
            st.warning(method.warning, icon=":material/warning:")
        smooth = attribution.native is None or st.toggle(
            "Enlarge smoothly",
            True,
            key="smooth",
            help="Off: the map in the resolution it was computed in. The smooth one is an enlargement, not more "
            "knowledge.",
        )
        values = attribution.map if smooth else enlarged(attribution.native, attribution.map.shape)
        figure(
            attribution_map(shown.pixels, values, method, dark()),
            "map",
            caption=f"Settings: {downloads.settings_text(attribution) or 'none'}. Logit {attribution.logit:.2f}.",
        )
        trust.show(
            attribution,
            lambda: trust_of(run, shown, attribution),
            find_seeds(run, others) if isinstance(run, Run) else [],
            lambda other: explain(other, shown, attribution.method, attribution.target, attribution.params),
        )


def enlarged(native: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Each value of a coarse map as a block, without smoothing."""
    rows, columns = (np.arange(many) * few // many for many, few in zip(size, native.shape, strict=True))
    return native[rows][:, columns]


def predict(run: Run, shown: Shown) -> np.ndarray:
    """Class probabilities (num_classes,)."""
    return _predict(run.id, run.weights_step, shown.key, shown)


@st.cache_data(max_entries=512, show_spinner=False)
def _predict(run: str, step: int, picture: str, _shown: Shown) -> np.ndarray:
    return service().ask("predict", _shown.pixels, runs=[run])[0]


def explain(run: Run, shown: Shown, method: str, target: int, params: Mapping[str, object]) -> Attribution:
    """One map; computed once for each picture, network, method and settings."""
    kept = _explain_large if shown.pixels.shape[0] > 64 else _explain
    return kept(run.id, run.weights_step, shown.key, method, target, json.dumps(params, sort_keys=True), shown)


@st.cache_data(max_entries=512, show_spinner=False)
def _explain(run: str, step: int, picture: str, method: str, target: int, params: str, _shown: Shown) -> Attribution:
    return _asked(run, method, target, params, _shown)


@st.cache_data(max_entries=96, show_spinner=False)  # a map of 224 x 224 takes almost a megabyte
def _explain_large(
    run: str, step: int, picture: str, method: str, target: int, params: str, _shown: Shown
) -> Attribution:
    return _asked(run, method, target, params, _shown)


def _asked(run: str, method: str, target: int, params: str, shown: Shown) -> Attribution:
    parts = service().ask("explain", shown.pixels, [method], target, {method: json.loads(params)}, runs=[run])
    return next(attribution for _, attribution in parts)


def trust_of(run: Run, shown: Shown, attribution: Attribution) -> dict[str, dict[str, object]]:
    """The measures of one map."""
    return _trust(
        run.id,
        run.weights_step,
        shown.key,
        attribution.method,
        attribution.target,
        json.dumps(attribution.params, sort_keys=True),
        shown,
        attribution,
    )


@st.cache_data(max_entries=128, show_spinner=False)
def _trust(
    run: str, step: int, picture: str, method: str, target: int, params: str, _shown: Shown, _attribution: Attribution
) -> dict[str, dict[str, object]]:
    return dict(service().ask("trust", _shown.pixels, _attribution, runs=[run]))
