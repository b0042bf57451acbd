"""One line on the machine: what computes, how many trainings run and wait. No torch."""

import streamlit as st

from pages.parts.backend import service, show_errors
from resnet_core.formatting import escape_markdown

TICK_S = 4


def show_machine() -> None:
    """The line; it renews itself while the machine is getting ready or at work."""
    machine = service().machine()
    st.session_state["machine_ready"] = machine.ready
    idle = machine.ready and not machine.n_running and not machine.n_waiting
    st.fragment(show_machine_line, run_every=None if idle else TICK_S)()


@show_errors()  # its own reruns come past the site map
def show_machine_line() -> None:
    """The line as it is now."""
    machine = service().machine()
    if machine.ready and not st.session_state["machine_ready"]:
        st.rerun()  # the whole page: it may wait for this
    if machine.problem:
        st.caption(f":red[{escape_markdown(machine.problem)}]")
    elif not machine.ready:
        st.caption(":gray[Getting ready to compute …]")
    else:
        st.caption(f"{escape_markdown(machine.text)} · {machine.n_running} running, {machine.n_waiting} waiting")
