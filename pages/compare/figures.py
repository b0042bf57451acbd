"""What the Compare page is made of: error curves, gradients by layer, the table of runs. No torch."""

import pandas as pd
import streamlit as st

from pages.parts import address, reads, table
from pages.parts.backend import said_plainly, store
from pages.parts.frame import dark, figure
from pages.train import job_cards
from resnet_core.figures.curves import error_curves
from resnet_core.figures.layer_heatmaps import layer_heatmaps
from resnet_core.figures.layer_profiles import layer_profile
from resnet_core.figures.layer_statistics import STATISTICS, layer_names, layer_values
from resnet_core.figures.paper_marks import paper_marks
from resnet_core.formatting import duration, percent
from resnet_core.networks.spec import NetSpec
from resnet_core.runs.related import newest_group
from resnet_core.runs.run import LayerHistory, Run
from resnet_core.training.recipe import Recipe

ABOUT_CURVES = (
    "Each network has two lines: thin is the error on the training pictures, thick on test pictures it has never "
    "learned from. When the thick line lies far above the thin one the network has learned pictures by heart; when "
    "*both* are worse for a deeper network, that is the degradation problem of "
    "[He et al. 2015](https://arxiv.org/abs/1512.03385), which skip connections were made for."
)
ABOUT_LAYERS = (
    "How large one quantity is in each layer, from the picture (left, or top) to the answer (right, or bottom), at one "
    "training step. A line that falls steeply towards the picture means that the first layers hardly learn; one that "
    "rises means that they are shaken. [He et al. 2015](https://arxiv.org/abs/1512.03385) found healthy gradients in "
    "their plain networks with batch norm, so do not expect the gradient alone to explain the error."
)


def empty() -> None:
    """What would stand here, and a way to make it happen."""
    runs = store().runs()
    with st.container(border=True):
        if not runs:
            st.markdown("**No runs yet.** Train a network with and one without skips, and their curves stand here.")
            st.page_link("train/page.py", label="Go to Train", icon=":material/model_training:")
            return
        st.markdown("**The table is empty.** Choose runs on the left, or take the newest ones.")
        newest = [run.id for run in newest_group(runs)]
        st.button("Put the newest on the table", key="newest", type="primary", on_click=table.put, args=tuple(newest))


def curves(runs: list[Run]) -> None:
    """Train and test curves, live while one of the runs is in work and not paused."""
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
    st.fragment(_curves, run_every=job_cards.TICK if live else None)([run.id for run in runs], y, x, log_y, live)


@said_plainly()  # its own reruns come past the site map
def _curves(ids: list[str], y: str, x: str, log_y: bool, live: bool) -> None:
    runs = table.chosen()
    if live and not any(run.active for run in runs):
        st.rerun()  # all have ended: the page below is due for its last change
    frame = reads.epochs(runs)
    figure(
        error_curves(
            frame,
            table.styles(runs),
            dark(),
            y=y,
            x=x,
            log_y=log_y,
            marks=paper_marks(runs) if y == "error" else (),
        ),
        "curves",
        caption=caption(runs),
        about=ABOUT_CURVES,
        numbers=named(frame, runs),
    )


def caption(runs: list[Run]) -> str:
    """Which statistic, how many seeds, which recipe and data; what makes the runs hard to compare."""
    recipes = {Recipe.from_dict(run.recipe).describe() for run in runs}
    data = sorted({run.dataset for run in runs})
    seeds = len({run.recipe["seed"] for run in runs})
    words = [
        "Thin: training error, mean over the epoch's augmented batches. Thick: test error, whole test set.",
        f"Data: {', '.join(data)}. {seeds} seed{'s' * (seeds > 1)}.",
        recipes.pop() if len(recipes) == 1 else f"{len(recipes)} different recipes: compare with care.",
    ]
    if len({run.precision for run in runs if run.precision}) > 1:
        words.append("The runs differ in precision (bf16, fp32), which can change results.")
    return " ".join(words)


def named(frame: pd.DataFrame, runs: list[Run]) -> pd.DataFrame:
    """The frame with the runs' names beside their ids."""
    names = {run.id: run.name for run in runs}
    return frame.assign(name=frame["run"].map(names))


def gradients(runs: list[Run]) -> None:
    """The chosen quantity by layer, at a step and over all steps, twins on one scale."""
    measured = {run.id: history for run in runs if len((history := reads.layers(run)).steps)}
    st.subheader("Inside, layer by layer", anchor=False)
    if not measured:
        st.info("What happens in each layer is recorded from the first step on; it stands here once a run has begun.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        statistic = address.choice(
            st.selectbox,
            "Quantity",
            {name: statistic.title for name, statistic in STATISTICS.items()},
            key="statistic",
            width=380,
            help="\n\n".join(f"**{s.title}**: {s.meaning}" for s in STATISTICS.values()),
        )
        step = step_slider(measured)
    shown = {run: style for run, style in table.styles(runs).items() if run in measured}
    stat = STATISTICS[statistic]
    figure(
        layer_profile(measured, step, statistic, shown, dark()),
        "layers_at_step",
        caption=f"{stat.title} at step {step:,} (or the nearest one recorded), on the batch of that step, while it "
        f"trained. {stat.meaning}",
        about=ABOUT_LAYERS,
        numbers=lambda: layer_frame(measured, statistic, runs),
    )
    figure(
        layer_heatmaps(measured, statistic, shown, dark(), step=step),
        "layers_over_time",
        caption=f"{stat.title} in every layer (picture on top) over all steps. One colour scale for all runs.",
        numbers=lambda: layer_frame(measured, statistic, runs),
    )


def step_slider(measured: dict[str, LayerHistory]) -> int:
    """One of the recorded steps of the longest run."""
    steps = max((history.steps for history in measured.values()), key=lambda steps: steps[-1]).tolist()
    if len(steps) == 1:
        return steps[0]
    return st.select_slider(
        "Step",
        steps,
        value=steps[0],
        format_func=lambda step: f"{step:,}",
        key="step",
        width="stretch",
        help="Step 0 is the network before its first update.",
    )


def layer_frame(measured: dict[str, LayerHistory], statistic: str, runs: list[Run]) -> pd.DataFrame:
    """The figure's numbers, one row a run, step and layer."""
    names = {run.id: run.name for run in runs}
    parts = []
    for run, history in measured.items():
        wide = pd.DataFrame(
            layer_values(history, STATISTICS[statistic]),
            index=pd.Index(history.steps, name="step"),
            columns=pd.Index(layer_names(history, STATISTICS[statistic]), name="layer"),
        )
        parts.append(wide.stack().rename(statistic).reset_index().assign(run=run, name=names[run]))
    return pd.concat(parts)


def run_table(runs: list[Run]) -> None:
    """The runs on the table, with all that made them."""
    st.subheader("The runs", anchor=False)
    rows = pd.DataFrame(
        {
            "run": [run.name for run in runs],
            "state": [run.state for run in runs],
            "data": [run.dataset for run in runs],
            "last test error": [percent(run.last_test_error, 2) for run in runs],
            "best test error": [percent(run.best_test_error, 2) for run in runs],
            "epochs": [run.epoch for run in runs],
            "seed": [run.recipe["seed"] for run in runs],
            "recipe": [run.recipe["name"] for run in runs],
            "time": [duration(run.seconds) for run in runs],
            "parameters": [run.parameters for run in runs],
            "skips on": [skips(run) for run in runs],
            "device": [run.device_name for run in runs],
            "precision": [run.precision for run in runs],
            "id": [run.id for run in runs],
        }
    )
    st.dataframe(
        rows,
        hide_index=True,
        height="auto",
        column_config={"parameters": st.column_config.NumberColumn("parameters", format="localized")},
    )
    st.caption(
        "The best test error is chosen by looking at the test set, so it is a little too good; the last one is not. "
        "Take runs off the table in the box on the left."
    )


def skips(run: Run) -> str:
    """How many of the blocks have their skip."""
    mask = NetSpec.from_dict(run.spec).active_skips()
    return f"{sum(mask)} of {len(mask)}"
