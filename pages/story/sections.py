"""What the Story page is made of: deeper is worse, one addition, where the gradient goes,
what they look at. No torch.
"""

import streamlit as st

from pages.compare.figures import ABOUT_CURVES, ABOUT_LAYERS
from pages.parts import reads, table
from pages.parts.backend import said_plainly, service
from pages.parts.frame import dark, figure
from resnet_core.analysis.gradient_ratio import GradientRatios, describe_gradient_ratios, first_to_last_ratio
from resnet_core.figures.block_drawing import residual_block_drawing
from resnet_core.figures.curves import seed_curves
from resnet_core.figures.layer_heatmaps import layer_heatmaps
from resnet_core.figures.layer_statistics import STATISTICS, layer_values
from resnet_core.figures.paper_marks import paper_marks
from resnet_core.networks.presets import preset
from resnet_core.runs.depth_comparison import NetworkRuns
from resnet_core.runs.depth_comparison_text import describe_errors, describe_training
from resnet_core.runs.run import Run
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


def learning(networks: list[NetworkRuns]) -> None:
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
        caption=f"Thin: training error. Thick: test error. {describe_training(networks)}",
        about=ABOUT_CURVES,
        numbers=frame,
    )
    st.markdown(describe_errors(networks, frame))
    open_on("Compare them", "compare/page.py", firsts, "story_compare")


def inside(networks: list[NetworkRuns]) -> None:
    """The gradient in every block over time, of the first seed."""
    runs = [network.first for network in networks]
    measured = {run.id: reads.layers(run) for run in runs}
    measured = {run: history for run, history in measured.items() if len(history.steps)}
    st.subheader("Where the gradient goes", anchor=False)
    statistic = STATISTICS[STATISTIC]
    styles = {run: style for run, style in table.styles(runs).items() if run in measured}
    figure(
        layer_heatmaps(measured, STATISTIC, styles, dark()),
        "story_layers",
        caption=f"{statistic.title}, picture on top, one colour scale for all. {describe_training(networks)}",
        about=ABOUT_LAYERS,
    )
    ratios = [
        GradientRatios(
            network.first.name,
            network.kind == "plain",
            history.steps,
            first_to_last_ratio(layer_values(history, statistic)),
        )
        for network in networks
        if (history := measured.get(network.first.id))
    ]
    st.markdown(
        describe_gradient_ratios(ratios)
        + " He et al. 2015 found healthy gradients in their plain networks too, and conjectured that they converge "
        "exponentially slowly. The Design page lets you try when a gradient vanishes, and when it explodes."
    )


def looking(networks: list[NetworkRuns]) -> None:
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
