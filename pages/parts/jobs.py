"""Cards of running and waiting trainings, live, and of what has just ended."""

import streamlit as st

from pages.parts import reads, table
from pages.parts.frame import dark
from pages.parts.lab import said_plainly, service, store
from resnet_core.figures.curves import small_live_curve
from resnet_core.figures.numbers import duration, percent, rate
from resnet_core.runs.run import ACTIVE, Run

TICK = 3  # seconds between two looks at the store
RECENT = 4  # finished runs shown below the busy ones


def cards() -> None:
    """The cards; they renew themselves while anything runs or waits."""
    busy = bool(store().runs(ACTIVE))
    st.fragment(_cards, run_every=TICK if busy else None)()


def _cards() -> None:
    runs = store().runs()
    busy = [run for run in runs if run.active]
    ended = [run for run in reversed(runs) if not run.active and run.origin in ("app", "cli")][:RECENT]
    busy_before = st.session_state.get("busy_runs", 0)
    st.session_state["busy_runs"] = len(busy)
    if busy_before and not busy:
        st.rerun()  # the whole page: nothing runs any more, so nothing needs to tick
    if not busy and not ended:
        empty()
    for run in busy:
        card(run)
    if ended:
        st.subheader("Ended", anchor=False)
    for run in ended:
        card(run)


def empty() -> None:
    """What would stand here."""
    with st.container(border=True):
        st.markdown(
            "**Nothing has been trained yet.**\n\nPress *Train the twins* on the left: a network with and one without skip "
            "connections start from the same weights and see the same pictures. Their curves appear here while they "
            "learn, and stay on the Compare page."
        )


def card(run: Run) -> None:
    """One training: its name, how far it is, its curve, what one can do with it."""
    with st.container(border=True, key=f"card_{run.id}"):
        name, state = st.columns([3, 2], vertical_alignment="center")
        name.markdown(f"**{run.name}**  \n:gray[{run.dataset} · seed {run.recipe['seed']}]")
        state.markdown(state_text(run))
        if run.active and run.total_steps:
            st.progress(run.progress)
        if run.reason:
            (st.error if run.state == "failed" else st.caption)(run.reason)
        if run.active and run.step:
            curve(run)
        actions(run)


def state_text(run: Run) -> str:
    """How far a run is, in one or two short lines."""
    if run.state == "queued":
        return "Waiting for its turn" if not run.step else f"Waiting to go on from step {run.step:,}"
    if run.state == "stopping":
        return "Stopping; keeping what it has learned …"
    if run.state == "running":
        if not run.total_steps or not run.step:
            return "Starting …"
        return (
            f"Epoch {run.epoch + 1} · step {run.step:,} of {run.total_steps:,}  \n"
            f"{rate(run.images_per_s)} · {duration(run.seconds_left)} left"
        )
    last = run.last_test_error
    error = "no epoch finished" if last is None else f"test error {percent(last)}"
    return {
        "done": f"Done · {error}",
        "stopped": f"Stopped at step {run.step:,} · {error}",
        "failed": f":red[Failed] at step {run.step:,} · {error}",
    }[run.state]


def curve(run: Run) -> None:
    """The training loss so far. Redrawn only when there is a new point."""
    frame = reads.steps([run])
    if len(frame):
        fig = small_live_curve(frame, table.styles([run]), dark=dark())
        st.plotly_chart(fig, key=f"live_{run.id}", theme=None, config={"displayModeBar": False})


def actions(run: Run) -> None:
    """Stop or resume, and the way to the other pages."""
    with st.container(horizontal=True):
        if run.state in ("running", "queued"):
            st.button("Stop", key=f"stop_{run.id}", icon=":material/stop:", on_click=act, args=("stop_run", run.id))
        if run.state in ("stopped", "failed"):
            st.button("Resume", key=f"resume_{run.id}", icon=":material/play_arrow:", on_click=act, args=("resume", run.id))
        if st.button("Compare", key=f"compare_{run.id}", icon=":material/compare_arrows:", on_click=table.put, args=(run.id,)):
            st.switch_page("compare.py")


def act(what: str, run: str) -> None:
    """Asks the service for one of its actions; what it cannot do is said on the card's page."""
    with said_plainly():
        getattr(service(), what)(run)
