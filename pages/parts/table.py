"""The table: the runs a person has chosen, the same on every page, in the address as ``?runs=a,b``. No torch."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NoReturn

import streamlit as st

from pages.parts import query
from pages.parts.reads import sound_runs
from resnet_core.figures.style import RunStyle, style_runs
from resnet_core.formatting import escape_markdown
from resnet_core.networks.spec import NetSpec
from resnet_core.runs.run import Run
from resnet_core.trained.net import TrainedNet

KEY, LABELS, PUT_NEXT = "table", "table_labels", "put_next"
MISSING, STYLES = "missing_runs", "styles"
PLACES = 8  # as many colours as can be told apart


def show_picker() -> None:
    """The widget that holds the choice. Called once a rerun by the site map, so the choice outlives a page."""
    labels = unique_labels(list(reversed(sound_runs())))
    if KEY not in st.session_state or query.went_back():
        st.session_state[KEY] = runs_in_address(labels)
    if PUT_NEXT in st.session_state:
        put(*st.session_state.pop(PUT_NEXT))
    here = [run for run in st.session_state[KEY] if run in labels]
    before = st.session_state.get(LABELS, {})
    if here != st.session_state[KEY] or any(labels[run] != before.get(run, labels[run]) for run in here):
        st.session_state[KEY] = here  # the browser holds labels: it has to be told when one has changed
    st.session_state[LABELS] = labels
    st.multiselect(
        "On the table",
        list(labels),
        format_func=lambda run: labels.get(run, run),
        key=KEY,
        max_selections=PLACES,
        select_all=False,
        placeholder="Choose runs" if labels else "No runs yet",
        help="The runs that every page shows. The address in your browser carries them: "
        "send it to someone and they see the same.",
    )
    query.set_text("runs", ",".join(st.session_state[KEY]) or None)


def unique_labels(runs: Sequence[Run]) -> dict[str, str]:
    """What each run is called in a list, by its id. No two alike: the widget tells options apart by their labels."""
    names = Counter(run.name for run in runs)
    return {run.id: run.name if names[run.name] == 1 else f"{run.name} · {run.id}" for run in runs}


def runs_in_address(known: Iterable[str]) -> list[str]:
    """The runs that the address names and that exist; those that do not are noted for `show_missing_runs`."""
    named = [run for run in (query.text_of("runs") or "").split(",") if run]
    known = set(known)
    missing = [run[:40] for run in named if run not in known]
    if missing:
        st.session_state[MISSING] = missing
    return [run for run in dict.fromkeys(named) if run in known][:PLACES]


def show_missing_runs() -> None:
    """Says on top of the page which runs of a link are not here, until the person has read it."""
    missing = st.session_state.get(MISSING)
    if missing:
        names = ", ".join(escape_markdown(run) for run in missing[:5])
        st.warning(
            f"This link names runs that are not here: {names}. They may have been deleted, or belong to another "
            "server; ask its owner to export them, or choose others on the left.",
            icon=":material/link_off:",
        )
        if st.button("Fine", key="forget_missing"):
            del st.session_state[MISSING]
            st.rerun()


def put(*runs: str, alone: bool = False) -> None:
    """Puts runs on the table (``alone``: and clears it first). Only from a callback, before the widget is made."""
    before = [] if alone else list(st.session_state.get(KEY, []))
    st.session_state[KEY] = [*before, *(run for run in runs if run not in before)][-PLACES:]


def put_and_rerun(*runs: str) -> NoReturn:
    """Puts runs on the table from the middle of a page: the page begins anew with them on it."""
    st.session_state[PUT_NEXT] = runs
    st.rerun()


def chosen_runs() -> list[Run]:
    """The runs on the table, in the order of choice."""
    known = {run.id: run for run in sound_runs()}
    return [known[run] for run in st.session_state.get(KEY, []) if run in known]


def chosen_nets() -> list[TrainedNet]:
    """The networks of the runs on the table, those without weights left out."""
    return [net for run in chosen_runs() if (net := run.net()) is not None]


def run_styles(runs: Iterable[Run]) -> dict[str, RunStyle]:
    """Colour and signs of these runs, see `_styles`."""
    return _styles([(run.id, run.name, NetSpec.from_dict(run.spec).kind) for run in runs])


def net_styles(nets: Iterable[TrainedNet]) -> dict[str, RunStyle]:
    """Colour and signs of these networks, see `_styles`."""
    return _styles([(net.id, net.name, net.spec.kind) for net in nets])


def _styles(named: Sequence[tuple[str, str, str]]) -> dict[str, RunStyle]:
    """Styles by id, of (id, name, kind). A run keeps its colour while it is on the table, also when another leaves;
    what is not on it comes after.
    """
    on_table = {run.id: (run.id, run.name, NetSpec.from_dict(run.spec).kind) for run in chosen_runs()}
    others = [row for row in named if row[0] not in on_table]
    every = style_runs([*on_table.values(), *others], before=st.session_state.get(STYLES))
    st.session_state[STYLES] = {run: every[run] for run in on_table}
    return {row[0]: every[row[0]] for row in named}
