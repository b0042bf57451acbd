"""What the Story page is made of: deeper is worse, one addition, where the gradient goes, what they look at."""

from collections import defaultdict

import streamlit as st

from pages.parts import reads, table
from pages.parts.compare import ABOUT_CURVES, ABOUT_LAYERS
from pages.parts.frame import dark, figure
from pages.parts.lab import said_plainly, service, store
from resnet_core.figures.curves import error_curves
from resnet_core.figures.heatmaps import layer_heatmaps
from resnet_core.figures.numbers import percent, three_digits
from resnet_core.figures.statistics import STATISTICS, layer_values
from resnet_core.figures.story import residual_block_drawing
from resnet_core.networks.presets import preset
from resnet_core.networks.spec import NetSpec
from resnet_core.runs.run import LayerHistory, Run
from resnet_core.training.recipe import Recipe
from resnet_core.training.recipe import preset as recipe_preset

STATISTIC = "block_grad_rms"
FIRST_TWINS = ("resnet-20", "short-4", "shapes-10")


def addition() -> None:
    """The one idea, drawn."""
    st.subheader("One addition", anchor=False)
    st.markdown(
        "A **plain** network passes a picture through one block of layers after the other. A **residual** network "
        "does the "
        "same, and then *adds* what went into each block to what comes out: **F(x) + x**. The line around the block "
        "is the "
        "**skip connection** ([He et al. 2015](https://arxiv.org/abs/1512.03385)). It has nothing to learn and is "
        "never "
        "switched off; a block that has nothing to contribute only needs to learn F(x) = 0."
    )
    figure(residual_block_drawing(dark()), "addition")


def chosen_runs() -> list[Run]:
    """The runs that tell the story: the largest set of networks trained alike on one dataset with at least one plain
    and one residual among them; of equal ones the newest."""
    alike = defaultdict(dict)
    for run in store().runs():
        spec = NetSpec.from_dict(run.spec)
        if run.epoch and spec.kind in ("plain", "residual"):
            recipe = {key: value for key, value in run.recipe.items() if key not in ("log_every", "name")}
            alike[run.dataset, str(sorted(recipe.items()))][spec.name] = run
    sets = [list(runs.values()) for runs in alike.values()]
    sets = [runs for runs in sets if len({kind(run) for run in runs}) == 2]
    return max(sets, key=lambda runs: (min(len(runs), 4), runs[-1].id), default=[])[:4]


def kind(run: Run) -> str:
    """ "plain" or "residual"."""
    return NetSpec.from_dict(run.spec).kind


def nothing_yet() -> None:
    """The button that makes the figures happen."""
    with st.container(border=True):
        st.subheader("See it happen, here and now", anchor=False)
        st.markdown(
            "No network has been trained here yet. One click trains two networks of 20 layers, one with skips and one "
            "without, from the same starting weights on the same generated pictures. It takes a few minutes on a "
            "laptop, and the "
            "figures of this story will be drawn from what comes out."
        )
        st.button(
            "Train the first twins",
            type="primary",
            key="first_twins",
            icon=":material/play_arrow:",
            on_click=train_first,
        )
        if st.session_state.pop("first_twins_queued", False):
            st.switch_page("train.py")


def train_first() -> None:
    """Queues the first twins and puts them on the table."""
    network, recipe, data = FIRST_TWINS
    with said_plainly():
        table.put(*service().submit_twins(preset(network), recipe_preset(recipe), data))
        st.session_state["first_twins_queued"] = True


def learning(runs: list[Run]) -> None:
    """Train and test error over time, and what they say."""
    st.subheader("Deeper is not better by itself", anchor=False)
    frame = reads.epochs(runs)
    figure(
        error_curves(frame, table.styles(runs), dark()),
        "story_curves",
        caption=f"Thin: training error. Thick: test error. {data_and_recipe(runs)}",
        about=ABOUT_CURVES,
        numbers=frame,
    )
    st.markdown(learned(runs))
    open_on("Compare them", "compare.py", runs, "story_compare")


def learned(runs: list[Run]) -> str:
    """What the curves say, from their last points."""
    last = reads.epochs(runs).sort_values("epoch").groupby("run").last()
    ends = [
        f"**{run.name}** ends with {percent(last.train_error[run.id])} of its training and "
        f"{percent(last.test_error[run.id])} of its test pictures wrong"
        for run in runs
    ]
    return "; ".join(ends) + f". One run each (n = 1): small differences are chance.{depth_effect(runs, last)}"


def depth_effect(runs: list[Run], last) -> str:
    """What more depth did to the plain and to the residual networks, where two depths are there."""
    texts = []
    for which, name in (("plain", "without skips"), ("residual", "with skips")):
        by_depth = sorted((run for run in runs if kind(run) == which), key=lambda run: run.spec["depth"])
        if len(by_depth) < 2:
            continue
        shallow, deep = by_depth[0], by_depth[-1]
        change = last.train_error[deep.id] - last.train_error[shallow.id]
        texts.append(
            f"going from {shallow.spec['depth']} to {deep.spec['depth']} layers {name} "
            f"{'raised' if change > 0 else 'lowered'} the *training* error by {percent(abs(change))}"
        )
    return f" Here {' and '.join(texts)}." if texts else ""


def data_and_recipe(runs: list[Run]) -> str:
    """Which data, recipe, seed and machine."""
    run = runs[0]
    return (
        f"Data: {run.dataset}. {Recipe.from_dict(run.recipe).describe()} Seed {run.recipe['seed']}, {run.device_name}."
    )


def inside(runs: list[Run]) -> None:
    """The gradient in every block over time."""
    measured = {run.id: reads.layers(run) for run in runs}
    measured = {run: history for run, history in measured.items() if len(history.steps)}
    st.subheader("Where the gradient goes", anchor=False)
    styles = {run: style for run, style in table.styles(runs).items() if run in measured}
    figure(
        layer_heatmaps(measured, STATISTIC, styles, dark()),
        "story_layers",
        caption=f"{STATISTICS[STATISTIC].title}, picture on top, one colour scale for all. {data_and_recipe(runs)}",
        about=ABOUT_LAYERS,
    )
    ratios = {run.id: first_to_last(measured[run.id]) for run in runs if run.id in measured}
    st.markdown(
        " ".join(
            f"At step 0 the gradient at **{run.name}**'s first block is {three_digits(ratios[run.id])} times that "
            f"at its last."
            for run in runs
            if run.id in ratios
        )
        + " "
        + at_the_start([ratios[run.id] for run in runs if run.id in ratios and kind(run) == "plain"])
        + " He et al. 2015 found healthy gradients in their plain networks too, and conjectured that they converge "
        "exponentially slowly. The Design page lets you try when a gradient vanishes, and when it explodes."
    )


def first_to_last(history: LayerHistory) -> float:
    """The gradient at the first block's output over that at the last block's, at the first recorded step."""
    values = layer_values(history, STATISTICS[STATISTIC])[0]
    return float(values[1] / values[-1]) if values[-1] else float("inf")


def at_the_start(plain: list[float]) -> str:
    """Whether the measured gradients of the plain networks vanish towards the picture."""
    if all(ratio >= 1 for ratio in plain):
        return "So the gradient of the plain networks here does not vanish on its way to the picture: it grows."
    if all(ratio < 1 for ratio in plain):
        return "So the gradient of the plain networks here becomes smaller on its way to the picture."
    return "So the plain networks here do not agree on whether the gradient vanishes on its way to the picture."


def looking(runs: list[Run]) -> None:
    """The way to the maps."""
    st.subheader("What they look at", anchor=False)
    st.markdown(
        "The same picture, asked of each network: which pixels does its answer hang on? Take a picture of your own, or "
        "one of the test pictures, and see the maps beside each other on one scale."
    )
    open_on("Explain a picture", "explain.py", runs, "story_explain")


def open_on(label: str, page: str, runs: list[Run], key: str) -> None:
    """A button that puts these runs on the table and opens a page."""
    if st.button(
        label,
        key=key,
        icon=":material/arrow_forward:",
        on_click=lambda: table.put(*(run.id for run in runs), alone=True),
    ):
        st.switch_page(page)
