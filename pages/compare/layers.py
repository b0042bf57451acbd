"""What was measured inside the runs on the table, layer by layer: at one step and over all steps. No torch."""

from collections.abc import Mapping

import streamlit as st

from pages.parts import address, explanations, reads, table
from pages.parts.frame import is_dark, show_figure
from resnet_core.figures.layer_heatmaps import layer_heatmaps
from resnet_core.figures.layer_profiles import layer_profile_at_step
from resnet_core.figures.layer_statistics import STATISTICS, layer_frame
from resnet_core.runs.run import LayerHistory, Run


def show_layers(runs: list[Run]) -> None:
    """The chosen quantity by layer, at a step and over all steps, all runs on one scale."""
    histories = {run.id: history for run in runs if len((history := reads.layers(run)).steps)}
    st.subheader("Inside, layer by layer", anchor=False)
    if not histories:
        st.info("What happens in each layer is recorded from the first step on; it stands here once a run has begun.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = address.choice(
            st.selectbox,
            "Quantity",
            {name: statistic.title for name, statistic in STATISTICS.items()},
            key="statistic",
            width=380,
            help="\n\n".join(f"**{s.title}**: {s.meaning}" for s in STATISTICS.values()),
        )
        step = _choose_step(histories)
    statistic = STATISTICS[name]
    styles = {run: style for run, style in table.run_styles(runs).items() if run in histories}
    names = {run.id: run.name for run in runs}
    show_figure(
        layer_profile_at_step(histories, step, name, styles, is_dark()),
        "layers_at_step",
        caption=f"{statistic.title} at step {step:,} (or the nearest one recorded), on the batch of that step, "
        f"while it trained. {statistic.meaning}",
        about=explanations.LAYERS,
        numbers=lambda: layer_frame(histories, name, names),
    )
    show_figure(
        layer_heatmaps(histories, name, styles, is_dark(), step=step),
        "layers_over_time",
        caption=f"{statistic.title} in every layer (picture on top) over all steps. One colour scale for all runs.",
        numbers=lambda: layer_frame(histories, name, names),
    )


def _choose_step(histories: Mapping[str, LayerHistory]) -> int:
    """One of the recorded steps of the longest run."""
    steps: list[int] = max((history.steps for history in histories.values()), key=lambda steps: steps[-1]).tolist()
    if len(steps) == 1:
        return steps[0]

    def parse(text: str) -> int:
        return _nearest(address.parse_number("step", text, steps[0], steps[-1], steps[0]), steps)

    carried = address.Carried("step", "step", steps[0], parse)
    st.session_state["step"] = _nearest(carried.restore(), steps)  # other runs may have been recorded at others
    step = st.select_slider(
        "Step",
        steps,
        format_func=lambda step: f"{step:,}",
        key="step",
        persist_state="session",
        width="stretch",
        help="Step 0 is the network before its first update.",
    )
    carried.write(step)
    return step


def _nearest(step: int, steps: list[int]) -> int:
    """The recorded step that is closest."""
    return min(steps, key=lambda recorded: abs(recorded - step))
