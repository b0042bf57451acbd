"""Training and test curves of the runs on the table, live while one of them is in work. No torch."""

import pandas as pd
import streamlit as st

from pages.parts import address, explanations, reads, table
from pages.parts.backend import show_errors
from pages.parts.frame import is_dark, show_figure
from resnet_core.figures.curves import error_curves
from resnet_core.figures.paper_marks import paper_marks
from resnet_core.formatting import escape_markdown
from resnet_core.runs.run import Run
from resnet_core.training.recipe import Recipe


def show_curves(runs: list[Run]) -> None:
    """The figure and what can be chosen about it; live while one of the runs is in work and not paused."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        y = address.choice(
            st.segmented_control,
            "What",
            {"error": "Error", "loss": "Loss"},
            key="y",
            required=True,
            help="**Error**: the share of pictures answered wrongly. **Loss**: the cross-entropy that training lowers.",
        )
        x = address.choice(
            st.segmented_control,
            "Over",
            {"epoch": "Epochs", "step": "Steps"},
            key="x",
            required=True,
            help="An **epoch** shows the network every training picture once; a **step** one batch.",
        )
        log_y = address.toggle("Log scale", key="log")
        active = any(run.active for run in runs)
        paused = active and st.toggle("Pause", key="pause", help="Keeps the figure still, so that you can zoom.")
    live = active and not paused
    st.fragment(show_curves_now, run_every=reads.TICK_S if live else None)(y, x, log_y, live)


@show_errors()  # its own reruns come past the site map
def show_curves_now(y: str, x: str, log_y: bool, live: bool) -> None:
    """The figure with what is recorded now."""
    runs = table.chosen_runs()
    if live and not any(run.active for run in runs):
        st.rerun()  # all have ended: the page below is due for its last change
    epochs = reads.epochs(runs)
    show_figure(
        error_curves(
            epochs,
            table.run_styles(runs),
            is_dark(),
            y=y,
            x=x,
            log_y=log_y,
            marks=paper_marks(runs) if y == "error" else (),
        ),
        "curves",
        caption=_caption(runs),
        about=explanations.CURVES,
        numbers=_with_names(epochs, runs),
    )


def _caption(runs: list[Run]) -> str:
    """Which statistic, how many seeds, which recipe and data; what makes the runs hard to compare."""
    recipes = {Recipe.from_dict(run.recipe).describe() for run in runs}
    datasets = sorted({run.dataset for run in runs})
    n_seeds = len({run.recipe["seed"] for run in runs})
    sentences = [
        "Thin: training error, mean over the epoch's augmented batches. Thick: test error, whole test set.",
        f"Data: {escape_markdown(', '.join(datasets))}. {n_seeds} seed{'s' * (n_seeds > 1)}.",
        recipes.pop() if len(recipes) == 1 else f"{len(recipes)} different recipes: compare with care.",
    ]
    if len({run.precision for run in runs if run.precision}) > 1:
        sentences.append("The runs differ in precision (bf16, fp32), which can change results.")
    return " ".join(sentences)


def _with_names(epochs: pd.DataFrame, runs: list[Run]) -> pd.DataFrame:
    """The frame with the runs' names beside their ids."""
    return epochs.assign(name=epochs["run"].map({run.id: run.name for run in runs}))
