"""What the Story page is made of: deeper is worse, one addition, where the gradient goes,
what they look at. No torch.
"""

import numpy as np
import pandas as pd
import streamlit as st

from pages.compare.figures import ABOUT_CURVES, ABOUT_LAYERS, paper_marks
from pages.parts import reads, table
from pages.parts.backend import said_plainly, service
from pages.parts.frame import dark, figure
from pages.story.story_runs import Told
from resnet_core.figures.curves import seed_curves
from resnet_core.figures.heatmaps import layer_heatmaps
from resnet_core.figures.statistics import STATISTICS, layer_values
from resnet_core.figures.story import residual_block_drawing
from resnet_core.formatting import percent, three_digits
from resnet_core.networks.presets import preset
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
            st.switch_page("train/page.py")


def train_first() -> None:
    """Queues the first twins and puts them on the table."""
    network, recipe, data = FIRST_TWINS
    with said_plainly():
        table.put(*service().submit_twins(preset(network), recipe_preset(recipe), data))
        st.session_state["first_twins_queued"] = True


def learning(networks: list[Told]) -> None:
    """Train and test error over time, and what they say."""
    st.subheader("Deeper is not better by itself", anchor=False)
    firsts = [network.first for network in networks]
    frame = reads.epochs([run for network in networks for run in network.runs])
    figure(
        seed_curves(
            frame,
            {network.first.id: [run.id for run in network.runs] for network in networks},
            table.styles(firsts),
            dark(),
            x="step",
            marks=paper_marks(firsts),
        ),
        "story_curves",
        caption=f"Thin: training error. Thick: test error. {data_and_recipe(networks)}",
        about=ABOUT_CURVES,
        numbers=frame,
    )
    st.markdown(learned(networks, frame))
    open_on("Compare them", "compare/page.py", firsts, "story_compare")


def learned(networks: list[Told], frame: pd.DataFrame) -> str:
    """What the curves say, from their last points."""
    last = frame.sort_values("epoch").groupby("run").last()
    ends = {network: last.loc[[run.id for run in network.runs]] for network in networks}
    n = len(networks[0].runs)
    texts = [
        f"**{network.first.name}** ends with {mean_of(end.train_error)} of its training and "
        f"{mean_of(end.test_error)} of its test pictures wrong"
        for network, end in ends.items()
    ]
    how = (
        "One run each (n = 1): small differences are chance."
        if n == 1
        else f"Means over {n} seeds (n = {n}), ± one standard deviation."
    )
    return f"{'; '.join(texts)}. {how}{depth_effect({network: end.train_error for network, end in ends.items()})}"


def mean_of(errors: pd.Series) -> str:
    """The mean of some seeds, with their spread where there is one."""
    spread = f" ± {percent(errors.std())}" if len(errors) > 1 else ""
    return f"{percent(errors.mean())}{spread}"


def depth_effect(train_errors: dict[Told, pd.Series]) -> str:
    """What more depth did to the plain and to the residual networks, where two depths are there."""
    texts = []
    for kind, words in (("plain", "without skips"), ("residual", "with skips")):
        by_depth = [(network.depth, errors.mean()) for network, errors in train_errors.items() if network.kind == kind]
        if len(by_depth) < 2:
            continue
        (shallow, before), (deep, after) = sorted(by_depth)
        texts.append(
            f"going from {shallow} to {deep} layers {words} {'raised' if after > before else 'lowered'} the *training* "
            f"error by {100 * abs(after - before):.1f} percentage points"
        )
    return f" Here {' and '.join(texts)}." if texts else ""


def data_and_recipe(networks: list[Told]) -> str:
    """Which data, recipe, seeds and machine."""
    runs = networks[0].runs
    seeds = ", ".join(str(run.recipe["seed"]) for run in runs)
    return (
        f"Data: {runs[0].dataset}. {Recipe.from_dict(runs[0].recipe).describe()} "
        f"Seed{'s' * (len(runs) > 1)} {seeds}, {runs[0].device_name}."
    )


def inside(networks: list[Told]) -> None:
    """The gradient in every block over time, of the first seed."""
    runs = [network.first for network in networks]
    measured = {run.id: reads.layers(run) for run in runs}
    measured = {run: history for run, history in measured.items() if len(history.steps)}
    st.subheader("Where the gradient goes", anchor=False)
    styles = {run: style for run, style in table.styles(runs).items() if run in measured}
    figure(
        layer_heatmaps(measured, STATISTIC, styles, dark()),
        "story_layers",
        caption=f"{STATISTICS[STATISTIC].title}, picture on top, one colour scale for all. {data_and_recipe(networks)}",
        about=ABOUT_LAYERS,
    )
    st.markdown(
        gradients_told(networks, measured)
        + " He et al. 2015 found healthy gradients in their plain networks too, and conjectured that they converge "
        "exponentially slowly. The Design page lets you try when a gradient vanishes, and when it explodes."
    )


def gradients_told(networks: list[Told], measured: dict[str, LayerHistory]) -> str:
    """How the gradient at the first block stands to that at the last, before and in training, from the records."""
    lines, plain = [], []
    for network in networks:
        run = network.first
        if run.id not in measured:
            continue
        ratios = first_to_last(measured[run.id])
        if not np.isfinite(ratios[0]):  # the last block's gradient is exactly 0, as under Fixup: no ratio to tell
            continue
        plain += [ratios[0]] if network.kind == "plain" else []
        lines.append(
            f"- **{run.name}**: before training the gradient at the first block is {three_digits(ratios[0])} times "
            f"that at the last; the least it came to was {three_digits(ratios.min())} times, at step "
            f"{measured[run.id].steps[ratios.argmin()]:,}."
        )
    return "\n".join(lines) + "\n\n" + (at_the_start(plain) if plain else "")


def first_to_last(history: LayerHistory) -> np.ndarray:
    """(S,): the gradient at the first block's output over that at the last block's, at each recorded step."""
    values = layer_values(history, STATISTICS[STATISTIC])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = values[:, 1] / values[:, -1]
    return np.where(np.isnan(ratios), np.inf, ratios)  # where both are 0, nothing is known: no least value


def at_the_start(plain: list[float]) -> str:
    """Whether the gradients of the plain networks vanish towards the picture before training."""
    if all(ratio >= 1 for ratio in plain):
        what = "does not vanish on its way to the picture: it grows."
    elif all(ratio < 1 for ratio in plain):
        what = "becomes smaller on its way to the picture."
    else:
        what = "vanishes on its way to the picture in some, and grows in others."
    return f"So before training the gradient of the plain networks here {what}"


def looking(networks: list[Told]) -> None:
    """The way to the maps."""
    st.subheader("What they look at", anchor=False)
    st.markdown(
        "The same picture, asked of each network: which pixels does its answer hang on? Take a picture of your own, or "
        "one of the test pictures, and see the maps beside each other on one scale."
    )
    open_on("Explain a picture", "explain/page.py", [network.first for network in networks], "story_explain")


def open_on(label: str, page: str, runs: list[Run], key: str) -> None:
    """A button that puts these runs on the table and opens a page."""
    if st.button(
        label,
        key=key,
        icon=":material/arrow_forward:",
        on_click=lambda: table.put(*(run.id for run in runs), alone=True),
    ):
        st.switch_page(page)
