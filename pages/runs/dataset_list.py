"""Every dataset with its samples, and the ways to get more. No torch."""

import streamlit as st

from pages.parts.backend import service, show_errors
from pages.parts.datasets import IMBALANCE_ICON, KNOWN, show_cifar10_offer, show_samples, show_tasks
from pages.parts.starters import note_start
from resnet_core.data.cifar10 import NAME as CIFAR_10
from resnet_core.data.dataset import DatasetInfo
from resnet_core.formatting import escape_markdown, file_size


def show_datasets() -> None:
    """The list, then the form to add one."""
    for info in service().datasets():
        with st.container(border=True):
            _show_dataset(info)
    with st.container(border=True):
        _show_import_form()


def _show_dataset(info: DatasetInfo) -> None:
    """One dataset: what is in it, and what can be done with it."""
    text, action = st.columns([5, 1], vertical_alignment="center")
    text.markdown(f"**{escape_markdown(info.title)}**  \n:gray[{_facts(info) if info.ready else 'not here yet'}]")
    if info.name == CIFAR_10 and not info.ready:
        show_cifar10_offer()
    elif info.name not in KNOWN:
        with action.popover("Delete", icon=":material/delete:"):
            st.markdown("Runs trained on it stay, but cannot be resumed.")
            st.button("Delete for good", key=f"drop_{info.name}", type="primary", on_click=_delete, args=(info.name,))
    st.caption(escape_markdown(info.source))
    if info.imbalance:
        st.warning(escape_markdown(info.imbalance), icon=IMBALANCE_ICON)
    show_samples(info)


def _facts(info: DatasetInfo) -> str:
    """How much there is of it."""
    return (
        f"{len(info.classes)} classes · {info.n_train:,} training and {info.n_test:,} test pictures · "
        f"{file_size(info.bytes)}"
    )


def _delete(name: str) -> None:
    with show_errors():
        service().delete_dataset(name)


def _show_import_form() -> None:
    """The uploader for a zip of class folders or an .npz, and how far its tasks are."""
    upload = st.file_uploader(
        "Add your own pictures: a .zip with one folder per class, or an .npz",
        type=["zip", "npz"],
        key="own_upload",
        help="A zip may hold class folders directly, or train/ and test/ with class folders in each. Without a split, "
        "a fifth of each class is kept for testing. Pictures of any size are brought to 32x32 once. An .npz holds "
        "x_train, y_train, x_test, y_test.",
    )
    if upload and st.button("Add them", key="own_add", type="primary"):
        with show_errors():
            note_start(service().import_dataset(upload.name, upload.getvalue()))
    show_tasks()
