"""The story's sections: one addition, deeper is worse, where the gradient goes, what they look at. No torch."""

import streamlit as st

from pages.parts import explanations, reads, table
from pages.parts.backend import service, show_errors
from pages.parts.datasets import show_imbalance
from pages.parts.frame import is_dark, show_figure
from pages.parts.starters import note_start
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
FIRST_TWINS = ("resnet-20", "short-4", "shapes-10")  # network, recipe, dataset


def show_addition() -> None:
    """The one idea, drawn."""
    st.subheader("One addition", anchor=False)
    st.markdown(
        "A **plain** network passes a picture through one block of layers after the other. "
        "A **residual** network does the same, and then *adds* what went into each block to what comes out: "
        "**F(x) + x**. The line around the block is the **skip connection** "
        "([He et al. 2015](https://arxiv.org/abs/1512.03385)). It has nothing to learn and is never switched off; "
        "a block that has nothing to contribute only needs to learn F(x) = 0."
    )
    show_figure(residual_block_drawing(is_dark()), "addition")


def show_first_twins() -> None:
    """In a lab without runs: the button that makes the figures happen."""
    with st.container(border=True):
        st.subheader("See it happen, here and now", anchor=False)
        st.markdown(
            "No network has been trained here yet. One click trains two networks of 20 layers, one with skips and one "
            "without, from the same starting weights on the same generated pictures. "
            "It takes a few minutes on a laptop, and the figures of this story will be drawn from what comes out."
        )
        st.button(
            "Train the first twins",
            type="primary",
            key="first_twins",
            icon=":material/play_arrow:",
            on_click=_train_first_twins,
        )
        if st.session_state.pop("first_twins_queued", False):
            st.switch_page("train/page.py")


def _train_first_twins() -> None:
    """Queues the first twins and puts them on the table."""
    network, recipe, dataset = FIRST_TWINS
    with show_errors():
        runs = service().submit_twins(preset(network), recipe_preset(recipe), dataset)
        note_start(*runs)
        table.put(*runs)
        st.session_state["first_twins_queued"] = True


def show_learning(networks: list[NetworkRuns]) -> None:
    """Train and test error over time, and what they say."""
    st.subheader("Deeper is not better by itself", anchor=False)
    first_runs = [network.first for network in networks]
    epochs = reads.epochs([run for network in networks for run in network.runs])
    show_figure(
        seed_curves(
            epochs,
            {network.first.id: [run.id for run in network.runs] for network in networks},
            table.run_styles(first_runs),
            is_dark(),
            x="step",
            marks=paper_marks(first_runs),
        ),
        "story_curves",
        caption=f"Thin: training error. Thick: test error. {describe_training(networks)}",
        about=explanations.CURVES,
        numbers=epochs,
    )
    st.markdown(describe_errors(networks, epochs))
    show_imbalance(first_runs)
    _show_way_on("Compare them", "compare/page.py", first_runs, "story_compare")


def show_gradients(networks: list[NetworkRuns]) -> None:
    """The gradient in every block over time, of the first seed."""
    runs = [network.first for network in networks]
    histories = {run.id: history for run in runs if len((history := reads.layers(run)).steps)}
    st.subheader("Where the gradient goes", anchor=False)
    statistic = STATISTICS[STATISTIC]
    styles = {run: style for run, style in table.run_styles(runs).items() if run in histories}
    show_figure(
        layer_heatmaps(histories, STATISTIC, styles, is_dark()),
        "story_layers",
        caption=f"{statistic.title}, picture on top, one colour scale for all. {describe_training(networks)}",
        about=explanations.LAYERS,
    )
    ratios = [
        GradientRatios(
            network.first.name,
            network.kind == "plain",
            histories[network.first.id].steps,
            first_to_last_ratio(layer_values(histories[network.first.id], statistic)),
        )
        for network in networks
        if network.first.id in histories
    ]
    st.markdown(
        f"{describe_gradient_ratios(ratios)} He et al. 2015 found healthy gradients in their plain networks too, "
        "and conjectured that they converge exponentially slowly. "
        "The Design page lets you try when a gradient vanishes, and when it explodes."
    )


def show_way_to_maps(networks: list[NetworkRuns]) -> None:
    """What the Explain page is for, and the way there."""
    st.subheader("What they look at", anchor=False)
    st.markdown(
        "The same picture, asked of each network: which pixels does its answer hang on? Take a picture of your own, "
        "or one of the test pictures, and see the maps beside each other on one scale."
    )
    _show_way_on("Explain a picture", "explain/page.py", [network.first for network in networks], "story_explain")


def _show_way_on(label: str, page: str, runs: list[Run], key: str) -> None:
    """A button that puts these runs on the table and opens a page."""
    if st.button(
        label,
        key=key,
        icon=":material/arrow_forward:",
        on_click=lambda: table.put(*(run.id for run in runs), alone=True),
    ):
        st.switch_page(page)
