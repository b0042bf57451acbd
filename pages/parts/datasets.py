"""Choosing a dataset, seeing what is in it, fetching CIFAR-10 and adding one's own pictures. No torch."""

import numpy as np
import streamlit as st

from pages.parts.backend import said_plainly, service
from resnet_core.compute.service import DataTask
from resnet_core.data.dataset import DatasetInfo
from resnet_core.formatting import file_size


def choose() -> DatasetInfo | None:
    """The dataset that is chosen, or None while it is not ready to train on."""
    infos = {info.name: info for info in service().datasets()}
    name = st.selectbox(
        "Dataset",
        list(infos),
        format_func=lambda name: title(infos[name]),
        key="dataset",
        persist_state="session",
        help="What the networks learn. Shapes-10 is generated here and needs no download.",
    )
    info = infos[name]
    if not info.ready and name == "cifar-10":
        offer_cifar10()
        return None
    show(info)
    return info


def title(info: DatasetInfo) -> str:
    """Name and size, as the select box shows it."""
    fetched = info.ready or info.name != "cifar-10"
    size = f"{info.n_train:,} + {info.n_test:,} pictures" if fetched else "not here yet"
    return f"{info.title} ({size})"


def show(info: DatasetInfo) -> None:
    """A strip with some pictures of each class."""
    if info.ready or info.name == "shapes-10":
        pictures, classes = samples(info.name, info.fingerprint)
        with st.container(key=f"pixels_{info.name}"):
            st.image(
                strip(pictures),
                width="stretch",
                output_format="PNG",
                caption=", ".join(classes[:10]) + (" …" if len(classes) > 10 else ""),
            )


@st.cache_data(max_entries=16, show_spinner=False)
def samples(name: str, fingerprint: str | None) -> tuple[np.ndarray, tuple[str, ...]]:
    """A few pictures of each class; keyed by the content."""
    return service().preview(name, per_class=2)


def strip(pictures: np.ndarray) -> np.ndarray:
    """(C, k, 32, 32, 3) -> one picture: at most ten classes side by side, their samples below each other."""
    return np.concatenate([np.concatenate(list(column), axis=0) for column in pictures[:10]], axis=1)


def offer_cifar10() -> None:
    """The button that fetches CIFAR-10, and how far it is."""
    st.info("CIFAR-10 (60,000 pictures of ten kinds of things, Krizhevsky 2009) is fetched once: 170 MB.")
    running = [task for task in tasks() if task.state == "running"]
    if not running:
        st.button("Fetch CIFAR-10", icon=":material/download:", key="fetch_cifar10", on_click=fetch, args=("cifar-10",))
    progress()


def own_pictures() -> None:
    """The uploader for a zip of class folders or an .npz."""
    upload = st.file_uploader(
        "Add your own pictures: a .zip with one folder per class, or an .npz",
        type=["zip", "npz"],
        key="own_upload",
        help="A zip may hold class folders directly, or train/ and test/ with class folders in each. Without a split, "
        "a fifth of each class is kept for testing. Pictures of any size are brought to 32x32 once. An .npz holds "
        "x_train, y_train, x_test, y_test.",
    )
    if upload and st.button("Add them", key="own_add", type="primary"):
        with said_plainly():
            service().import_dataset(upload.name, upload.getvalue())
    progress()


def fetch(name: str) -> None:
    """Starts fetching a dataset in the background."""
    with said_plainly():
        service().fetch_dataset(name)


def progress() -> None:
    """The tasks that fetch or import data, live while one runs."""
    running = any(task.state == "running" for task in tasks())
    st.fragment(_progress, run_every=1 if running else None)()


def tasks() -> list[DataTask]:
    """Those about datasets: weights of networks are fetched on the Explain page."""
    return [task for task in service().data_tasks() if task.kind != "weights"]


def _progress() -> None:
    known = tasks()
    for task in known:
        if task.state == "running":
            st.progress(task.fraction, text=f"{task.title}: {task.message}")
        elif task.state == "failed":
            st.error(task.error, icon=":material/error:")
    was_running = st.session_state.get("data_running", False)
    st.session_state["data_running"] = any(task.state == "running" for task in known)
    if was_running and not st.session_state["data_running"]:
        st.rerun()


def facts(info: DatasetInfo) -> str:
    """One line for the list of datasets."""
    return (
        f"{len(info.classes)} classes · {info.n_train:,} training and {info.n_test:,} test pictures · "
        f"{file_size(info.bytes)}"
    )
