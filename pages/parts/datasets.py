"""What several pages show of datasets: choosing one, its pictures, fetching CIFAR-10, tasks at work. No torch."""

from collections.abc import Iterable

import numpy as np
import streamlit as st

from pages.parts import address
from pages.parts.backend import service, show_errors
from pages.parts.starters import note_start, starter_of
from resnet_core.compute.status import DataTask
from resnet_core.data.cifar10 import NAME as CIFAR_10
from resnet_core.data.dataset import Dataset, DatasetInfo
from resnet_core.data.shapes10 import NAME as SHAPES_10
from resnet_core.errors import DataError
from resnet_core.formatting import escape_markdown
from resnet_core.runs.run import Run
from resnet_core.trained.net import TrainedNet

KNOWN = (SHAPES_10, CIFAR_10)
"""Datasets that come with the lab: they cannot be deleted."""

TICK_S = 1
IMBALANCE_ICON = ":material/balance:"
CLASSES_SHOWN = 10


def can_be_drawn_from(info: DatasetInfo) -> bool:
    """Whether its pictures can be had at once: Shapes-10 is generated where it is not here yet."""
    return info.ready or info.name == SHAPES_10


def ready_datasets() -> dict[str, DatasetInfo]:
    """The datasets that are here, by name."""
    return {info.name: info for info in service().datasets() if info.ready}


@st.cache_resource(max_entries=4, show_spinner="Opening the dataset …")
def open_dataset(name: str, fingerprint: str | None) -> Dataset:
    """The dataset, memory-mapped; keyed by its content."""
    dataset = service().dataset(name)
    check_unchanged(name, fingerprint)
    return dataset


def check_unchanged(name: str, fingerprint: str | None) -> None:
    """Raises DataError when another dataset has taken the name meanwhile: for what is cached by name and content, and
    asked for by name. None stands for data that are made when they are first used.
    """
    now = {info.name: info.fingerprint for info in service().datasets()}
    if fingerprint is not None and now.get(name) != fingerprint:
        raise DataError(f"The dataset {name} was replaced just now: try again.")


def own_dataset(net: TrainedNet) -> Dataset | None:
    """Data like those a network learned from, where they are still here: of the same name and classes."""
    info = ready_datasets().get(net.facts.dataset)
    same = info is not None and tuple(info.classes) == net.facts.classes
    return open_dataset(info.name, info.fingerprint) if info and same else None


def choose_dataset() -> DatasetInfo | None:
    """The dataset to train on, or None while it is not here."""
    infos = {info.name: info for info in service().datasets()}
    name = address.choice(
        st.selectbox,
        "Dataset",
        {name: dataset_label(info) for name, info in infos.items()},
        key="dataset",
        help="What the networks learn. Shapes-10 is generated here and needs no download.",
    )
    info = infos[name]
    if not info.ready and name == CIFAR_10:
        show_cifar10_offer()
        return None
    show_samples(info)
    if info.imbalance:
        st.warning(escape_markdown(info.imbalance), icon=IMBALANCE_ICON)
    return info


def show_imbalance(runs: Iterable[Run]) -> None:
    """Warns, beside the runs' test errors, of data whose classes are far from balanced."""
    infos = {info.name: info for info in service().datasets() if info.imbalance}
    trained_on = {(run.dataset, run.facts.get("fingerprint")) for run in runs}
    for name in sorted(infos.keys() & {name for name, _ in trained_on}):
        if {(name, infos[name].fingerprint), (name, None), (name, "")} & trained_on:
            st.warning(escape_markdown(infos[name].imbalance), icon=IMBALANCE_ICON)


def dataset_label(info: DatasetInfo) -> str:
    """Name and size, as the select box shows it."""
    fetched = info.ready or info.name != CIFAR_10
    size = f"{info.n_train:,} + {info.n_test:,} pictures" if fetched else "not here yet"
    return f"{info.title} ({size})"


def show_samples(info: DatasetInfo) -> None:
    """A strip with some pictures of each class."""
    if can_be_drawn_from(info):
        pictures, classes = _samples(info.name, info.fingerprint)
        with st.container(key=f"pixels_{info.name}"):
            st.image(
                _strip(pictures),
                width="stretch",
                output_format="PNG",
                caption=escape_markdown(", ".join(classes[:CLASSES_SHOWN]))
                + (" …" if len(classes) > CLASSES_SHOWN else ""),
            )


@st.cache_data(max_entries=16, show_spinner=False)
def _samples(name: str, fingerprint: str | None) -> tuple[np.ndarray, tuple[str, ...]]:
    """A few pictures of each class; keyed by the content."""
    samples = service().preview(name, per_class=2)
    check_unchanged(name, fingerprint)
    return samples


def _strip(pictures: np.ndarray) -> np.ndarray:
    """(C, k, 32, 32, 3) -> one picture: some classes side by side, their samples below each other."""
    return np.concatenate([np.concatenate(list(column), axis=0) for column in pictures[:CLASSES_SHOWN]], axis=1)


def show_cifar10_offer() -> None:
    """The button that fetches CIFAR-10, and how far it is."""
    st.info("CIFAR-10 (60,000 pictures of ten kinds of things, Krizhevsky 2009) is fetched once: 170 MB.")
    if not any(task.state == "running" for task in service().dataset_tasks()):
        st.button("Fetch CIFAR-10", icon=":material/download:", key="fetch_cifar10", on_click=_fetch_cifar10)
    show_tasks()


def _fetch_cifar10() -> None:
    with show_errors():
        note_start(service().fetch_dataset(CIFAR_10))


def show_tasks() -> None:
    """The tasks that fetch or import data, live while one runs; of those that failed, not those of others."""
    running = any(task.state == "running" for task in service().dataset_tasks())
    st.fragment(_show_tasks, run_every=TICK_S if running else None)()


def show_task(task: DataTask) -> None:
    """How far a task is, or why it failed; the failures of other windows are theirs to see."""
    others = starter_of(task.id) == "another window"
    if task.state == "running":
        whose = " (started in another window)" if others else ""
        st.progress(task.fraction, text=escape_markdown(f"{task.title}{whose}: {task.message}"))
    elif task.state == "failed" and not others:
        st.error(escape_markdown(task.error), icon=":material/error:")


def _show_tasks() -> None:
    tasks = service().dataset_tasks()
    for task in tasks:
        show_task(task)
    was_running = st.session_state.get("data_running", False)
    st.session_state["data_running"] = any(task.state == "running" for task in tasks)
    if was_running and not st.session_state["data_running"]:
        st.rerun()
