"""Cards of running and waiting trainings, live, and of what has just ended. No torch."""

import math

import streamlit as st

from pages.parts import reads, table
from pages.parts.backend import said_plainly, service, store
from pages.parts.frame import dark
from resnet_core.figures.curves import small_live_curve
from resnet_core.figures.style import describe
from resnet_core.formatting import duration, percent, rate
from resnet_core.runs.related import group_runs
from resnet_core.runs.run import ACTIVE, Run

TICK = 3  # seconds between two looks at the store
RECENT = 4  # finished runs or pairs shown below the busy ones


def cards() -> None:
    """The cards; they renew themselves while anything runs or waits."""
    busy = bool(store().runs(ACTIVE))
    st.session_state["cards_tick"] = busy
    st.fragment(_cards, run_every=TICK if busy else None)()


@said_plainly()  # its own reruns come past the site map
def _cards() -> None:
    runs = store().runs()
    busy = [run for run in runs if run.active]
    ended = [run for run in runs if not run.active and run.origin in ("app", "cli")]
    if bool(busy) != st.session_state["cards_tick"]:
        st.rerun()  # the whole page: it has to begin to tick, or to cease
    if not busy and not ended:
        empty()
    for together in group_runs(busy):
        card(together)
    if ended:
        st.markdown("##### Ended")
    for together in group_runs(ended)[-RECENT:][::-1]:
        card(together)


def empty() -> None:
    """What would stand here."""
    with st.container(border=True):
        st.markdown(
            "**Nothing has been trained yet.**\n\nPress the *Train* button on the left: a network with and one without "
            "skip connections start from the same weights and see the same pictures. Their curves appear here while "
            "they learn, and stay on the Compare page."
        )


def card(together: list[Run]) -> None:
    """One training, or twins: name, how far it is, what one can do with it, and one figure with all curves."""
    with st.container(border=True, key=f"card_{together[0].id}"):
        for run in together:
            row(run)
        begun = [run for run in together if run.active and run.step]
        if begun:
            live_curve(begun)
        ids = tuple(run.id for run in together)
        if not any(run.active for run in together) and st.button(
            "Compare", key=f"compare_{ids[0]}", icon=":material/compare_arrows:", on_click=table.put, args=ids
        ):
            st.switch_page("compare/page.py")


def row(run: Run) -> None:
    """One run of a card."""
    name, state, action = st.columns([4, 5, 2], vertical_alignment="center")
    name.markdown(f"**{run.name}**  \n:gray[:small[{run.dataset} · seed {run.recipe['seed']}]]")
    state.markdown(state_text(run))
    with action:
        if run.state in ("running", "queued"):
            ask_button("Stop", "stop_run", run.id, "Keeps what it has learned; it can go on later.")
        if run.resumable:
            ask_button("Resume", "resume", run.id, "Goes on from the last checkpoint.")
    if run.active and run.total_steps:
        st.progress(run.progress)
    if run.reason:
        (st.error if run.state == "failed" else st.caption)(run.reason)


def state_text(run: Run) -> str:
    """How far a run is, in one or two short lines."""
    if run.state == "queued":
        return "Waiting for its turn" if not run.step else f"Waiting to go on from step {run.step:,}"
    if run.state == "stopping":
        return "Stopping; keeping what it has learned …"
    if run.state == "running":
        if not run.total_steps or not run.step:
            return "Starting …"
        epochs = math.ceil(run.total_steps / run.steps_per_epoch)
        return (
            f"Epoch {min(run.epoch + 1, epochs)} · step {run.step:,} of {run.total_steps:,}  \n"
            f"{rate(run.images_per_s)} · {duration(run.seconds_left)} left"
        )
    last = run.last_test_error
    error = "no epoch finished" if last is None else f"test error {percent(last)}"
    return {
        "done": f"Done · {error}",
        "stopped": f"Stopped at step {run.step:,} · {error}",
        "failed": f":red[Failed] at step {run.step:,} · {error}",
    }[run.state]


def live_curve(runs: list[Run]) -> None:
    """The training error so far; the same figure, so nothing is drawn anew, until there is a new point."""
    fig = small_live_curve(
        reads.steps(runs), table.styles(runs), dark=dark(), total_steps=max(run.total_steps for run in runs)
    )
    st.plotly_chart(fig, key=f"live_{runs[0].id}", theme=None, alt=describe(fig), config={"displayModeBar": False})


def ask_button(label: str, what: str, run: str, tip: str) -> None:
    """A button that asks the service for ``what`` it does with a run."""
    key = f"{label.lower()}_{run}"
    st.button(label, key=key, on_click=act, args=(what, run), width="stretch", help=tip)


def act(what: str, run: str) -> None:
    """Asks the service for one of its actions; what it cannot do is said on the card's page."""
    with said_plainly():
        getattr(service(), what)(run)
