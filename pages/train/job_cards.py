"""Cards of running and waiting trainings, live, and of what has just ended. No torch."""

import itertools
import math

import streamlit as st

from pages.parts import reads, table
from pages.parts.backend import service, show_errors
from pages.parts.datasets import show_imbalance
from pages.parts.frame import is_dark
from pages.parts.starters import note_start, starter_of
from resnet_core.figures.curves import small_live_curve
from resnet_core.figures.style import alt_text
from resnet_core.formatting import duration, escape_markdown, percent, rate
from resnet_core.runs.related import group_runs
from resnet_core.runs.run import Run

RECENT = 4  # ended runs or pairs shown below the busy ones


def show_job_cards() -> None:
    """The cards; they renew themselves while anything runs or waits."""
    busy = any(run.active for run in reads.sound_runs())
    st.session_state["cards_tick"] = busy
    st.fragment(show_cards_now, run_every=reads.TICK_S if busy else None)()


@show_errors()  # its own reruns come past the site map
def show_cards_now() -> None:
    """The cards as they are now."""
    runs = reads.sound_runs()
    busy = [run for run in runs if run.active]
    ended = [run for run in runs if not run.active and run.origin in ("app", "cli")]
    if bool(busy) != st.session_state["cards_tick"]:
        st.rerun()  # the whole page: it has to begin to tick, or to cease
    if not busy and not ended:
        _show_empty()
    recent = group_runs(ended)[-RECENT:][::-1]
    tested = [run for run in [*busy, *itertools.chain(*recent)] if run.last_test_error is not None]
    show_imbalance(tested)
    for group in group_runs(busy):
        _show_card(group)
    if recent:
        st.markdown("##### Ended")
    for group in recent:
        _show_card(group)


def _show_empty() -> None:
    """What would stand here."""
    with st.container(border=True):
        st.markdown(
            "**Nothing has been trained yet.**\n\nPress the *Train* button on the left: a network with and one without "
            "skip connections start from the same weights and see the same pictures. Their curves appear here while "
            "they learn, and stay on the Compare page."
        )


def _show_card(group: list[Run]) -> None:
    """One training, or twins: name, how far it is, what one can do with it, and one figure with all curves."""
    with st.container(border=True, key=f"card_{group[0].id}"):
        for run in group:
            _show_run(run)
        begun = [run for run in group if run.active and run.step]
        if begun:
            _show_live_curve(begun)
        ids = tuple(run.id for run in group)
        if not any(run.active for run in group) and st.button(
            "Compare", key=f"compare_{ids[0]}", icon=":material/compare_arrows:", on_click=table.put, args=ids
        ):
            st.switch_page("compare/page.py")


def _show_run(run: Run) -> None:
    """One run of a card."""
    name, state, action = st.columns([4, 5, 2], vertical_alignment="center")
    about = " · ".join(filter(None, [escape_markdown(run.dataset), f"seed {run.recipe['seed']}", _whose(run)]))
    name.markdown(f"**{escape_markdown(run.name)}**  \n:gray[:small[{about}]]")
    state.markdown(_state_text(run))
    with action:
        if run.state in ("running", "queued"):
            _show_stop(run)
        if run.resumable:
            st.button(
                "Resume",
                key=f"resume_{run.id}",
                on_click=_resume,
                args=(run.id,),
                width="stretch",
                help="Goes on from the last checkpoint.",
            )
    if run.active and run.total_steps:
        st.progress(run.progress)
    if run.reason:
        (st.error if run.state == "failed" else st.caption)(escape_markdown(run.reason))


def _whose(run: Run) -> str:
    """Who has started a run that is in work, as far as that is known."""
    if not run.active:
        return ""
    if run.origin == "cli":
        return "started on the command line"
    return {"this window": "yours", "another window": "started in another window", "unknown": ""}[starter_of(run.id)]


def _show_stop(run: Run) -> None:
    """The button that stops a run; it asks first where this window has not started it."""
    if starter_of(run.id) == "this window":
        _show_stop_button("Stop", run)
        return
    with st.popover("Stop", width="stretch"):
        st.markdown("This training was not started in this window. Whose is it?")
        _show_stop_button("Stop it all the same", run)


def _show_stop_button(label: str, run: Run) -> None:
    st.button(
        label,
        key=f"stop_{run.id}",
        on_click=_stop,
        args=(run.id,),
        width="stretch",
        help="Keeps what it has learned; it can go on later.",
    )


def _stop(run: str) -> None:
    with show_errors():
        service().stop_run(run)


def _resume(run: str) -> None:
    with show_errors():
        service().resume(run)
        note_start(run)


def _state_text(run: Run) -> str:
    """How far a run is, in one or two short lines."""
    if run.state == "queued":
        return "Waiting for its turn" if not run.step else f"Waiting to go on from step {run.step:,}"
    if run.state == "stopping":
        return "Stopping; keeping what it has learned …"
    if run.state == "running":
        if not run.total_steps or not run.steps_per_epoch or not run.step:
            return "Starting …"
        epochs = math.ceil(run.total_steps / run.steps_per_epoch)
        return (
            f"Epoch {min(run.epoch + 1, epochs)} · step {run.step:,} of {run.total_steps:,}  \n"
            f"{rate(run.images_per_s)} · {duration(run.seconds_left)} left"
        )
    error = "no epoch finished" if run.last_test_error is None else f"test error {percent(run.last_test_error)}"
    return {
        "done": f"Done · {error}",
        "stopped": f"Stopped at step {run.step:,} · {error}",
        "failed": f":red[Failed] at step {run.step:,} · {error}",
    }[run.state]


def _show_live_curve(runs: list[Run]) -> None:
    """The training error so far; the same figure, so nothing is drawn anew, until there is a new point."""
    curve = small_live_curve(
        reads.steps(runs), table.run_styles(runs), dark=is_dark(), total_steps=max(run.total_steps or 0 for run in runs)
    )
    st.plotly_chart(curve, key=f"live_{runs[0].id}", theme=None, alt=alt_text(curve), config={"displayModeBar": False})
