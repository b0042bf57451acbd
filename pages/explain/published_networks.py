"""Networks trained on ImageNet in place of the runs: choosing them, fetching their weights. No torch."""

from collections.abc import Sequence

import streamlit as st

from pages.parts.backend import service, show_errors
from pages.parts.datasets import show_task
from pages.parts.starters import note_start
from resnet_core.formatting import percent
from resnet_core.networks.presets import PRESETS
from resnet_core.trained.imagenet import NETWORKS, Published
from resnet_core.trained.net import TrainedNet

MOST = 6
FETCHING = "fetching_weights"
TICK_S = 1


def choose_published_networks() -> list[TrainedNet]:
    """The chosen networks whose weights are here; for the others, the way to get them."""
    names = st.multiselect(
        "Networks trained on ImageNet",
        list(NETWORKS),
        key="imagenet_networks",
        persist_state="session",
        max_selections=MOST,
        select_all=False,
        format_func=lambda name: PRESETS[name].title,
        placeholder="Choose networks",
        help="The networks of the papers, with torchvision's published weights: 1000 classes, pictures of 224 x 224. "
        "Errors on ImageNet's validation pictures: "
        + ", ".join(f"{row.title} {percent(row.error)}" for row in NETWORKS.values())
        + ". Maps of the large ones take up to two minutes.",
    )
    rows = [NETWORKS[name] for name in names]
    if absent := [row for row in rows if not service().has_weights(row.name)]:
        _show_offer(absent)
    return service().nets(row.id for row in rows if row not in absent)


def _show_offer(absent: Sequence[Published]) -> None:
    """The button that fetches weights, with their size, and how far that is."""
    running = {task.source for task in service().weights_tasks() if task.state == "running"}
    if to_fetch := [row for row in absent if row.id not in running]:
        sizes = ", ".join(f"{row.title} {row.bytes / 1e6:.0f} MB" for row in to_fetch)
        st.info(f"These weights are fetched once, then kept: {sizes}.")
        st.button(
            "Fetch the weights", icon=":material/download:", key="fetch_weights", on_click=_fetch, args=(to_fetch,)
        )
    st.fragment(_show_tasks, run_every=TICK_S if running & {row.id for row in absent} else None)(absent)


def _fetch(rows: Sequence[Published]) -> None:
    """Starts fetching in the background."""
    with show_errors():
        for row in rows:
            note_start(service().fetch_weights(row.name))


def _show_tasks(absent: Sequence[Published]) -> None:
    """The newest task of each of these networks; the page begins anew when one has ended."""
    newest = {task.source: task for task in service().weights_tasks()}
    tasks = [newest[row.id] for row in absent if row.id in newest]
    for task in tasks:
        show_task(task)
    running = {task.id for task in tasks if task.state == "running"}
    before = st.session_state.get(FETCHING, set())
    st.session_state[FETCHING] = running
    if before - running:
        st.rerun()
