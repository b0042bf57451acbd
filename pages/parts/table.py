"""The table: the runs a person has chosen, the same on every page, carried in the URL as ``?runs=a,b``. No torch."""

from collections import Counter
from collections.abc import Iterable
from typing import NoReturn

import streamlit as st

from pages.parts.backend import store
from resnet_core.figures.style import RunStyle, style_runs
from resnet_core.networks.spec import NetSpec
from resnet_core.runs.run import Run

KEY, LABELS, PUT_NEXT = "table", "table_labels", "put_next"
PLACES = 8  # as many colours as can be told apart


def picker() -> None:
    """The widget that holds the choice. Called once a rerun by the site map, so the choice outlives a page."""
    runs = labels(list(reversed(store().runs())))
    if KEY not in st.session_state:
        st.session_state[KEY] = from_url(runs)
    if PUT_NEXT in st.session_state:
        put(*st.session_state.pop(PUT_NEXT))
    here = [run for run in st.session_state[KEY] if run in runs]
    before = st.session_state.get(LABELS, {})
    if here != st.session_state[KEY] or any(runs[run] != before.get(run, runs[run]) for run in here):
        st.session_state[KEY] = here  # the browser holds labels: it has to be told when one has changed
    st.session_state[LABELS] = runs
    st.multiselect(
        "On the table",
        list(runs),
        format_func=lambda run: runs.get(run, run),
        key=KEY,
        max_selections=PLACES,
        select_all=False,
        placeholder="Choose runs" if runs else "No runs yet",
        help="The runs that every page shows. The address in your browser carries them: send it to someone and "
        "they see the same.",
    )
    publish()


def labels(runs: list[Run]) -> dict[str, str]:
    """What each run is called in a list, by its id. No two alike: the widget tells options apart by their labels."""
    names = Counter(run.name for run in runs)
    return {run.id: run.name if names[run.name] == 1 else f"{run.name} · {run.id}" for run in runs}


def from_url(known: Iterable[str]) -> list[str]:
    """The runs that the address names and that exist; a warning names those that do not."""
    asked = [run for run in st.query_params.get("runs", "").split(",") if run]
    known = set(known)
    missing = [run[:40] for run in asked if run not in known]
    if missing:
        st.session_state["missing_runs"] = missing
    return [run for run in dict.fromkeys(asked) if run in known][:PLACES]


def warn_of_missing() -> None:
    """Says once, on top of the page, which runs of a link are not here."""
    missing = st.session_state.get("missing_runs")
    if missing:
        names = ", ".join(f"`{run}`" for run in missing[:5])
        st.warning(
            f"This link names runs that are not here: {names}. They may have been deleted, or belong to another "
            "server; ask its owner to export them, or choose others on the left.",
            icon=":material/link_off:",
        )
        if st.button("Fine", key="forget_missing"):
            del st.session_state["missing_runs"]
            st.rerun()


def publish() -> None:
    """Writes the choice into the address."""
    if st.session_state[KEY]:
        st.query_params["runs"] = ",".join(st.session_state[KEY])
    else:
        st.query_params.pop("runs", None)


def put(*runs: str, alone: bool = False) -> None:
    """Puts runs on the table (``alone``: and clears it first). Only from a callback, before the widget is made."""
    before = [] if alone else list(st.session_state.get(KEY, []))
    st.session_state[KEY] = [*before, *(run for run in runs if run not in before)][-PLACES:]


def put_next(*runs: str) -> NoReturn:
    """Puts runs on the table from the middle of a page: the page begins anew with them on it."""
    st.session_state[PUT_NEXT] = runs
    st.rerun()


def chosen() -> list[Run]:
    """The runs on the table, in the order of choice."""
    known = {run.id: run for run in store().runs()}
    return [known[run] for run in st.session_state.get(KEY, []) if run in known]


def styles(runs: list[Run]) -> dict[str, RunStyle]:
    """The colour and the signs of these runs. A run keeps its colour while it is on the table, also when another
    leaves; those that are not on it come after."""
    on_table = chosen()
    others = [run for run in runs if run.id not in {other.id for other in on_table}]
    named = [(run.id, run.name, NetSpec.from_dict(run.spec).kind) for run in [*on_table, *others]]
    every = style_runs(named, before=st.session_state.get("styles"))
    st.session_state["styles"] = {run.id: every[run.id] for run in on_table}
    return {run.id: every[run.id] for run in runs}
