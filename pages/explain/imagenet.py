"""Networks trained on ImageNet in place of the runs: choosing them, fetching their
weights, a picture at 224. No torch.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from pages.explain import own_pictures, picture
from pages.parts import address
from pages.parts.backend import said_plainly, service
from resnet_core.data.pictures import Picture, to_network
from resnet_core.formatting import percent
from resnet_core.networks.presets import PRESETS
from resnet_core.trained.imagenet import NETWORKS, SIDE, Published, center_crop, is_here, published_net

RUNS, IMAGENET = "runs", "imagenet"
MOST = 6


@dataclass(frozen=True)
class Trained:
    """A network whose weights are here, with what the page asks of a run."""

    row: Published
    facts: dict[str, Any]
    weights_step: int = 0
    dataset: str = "imagenet"

    @property
    def id(self) -> str:
        return self.row.id

    @property
    def name(self) -> str:
        return self.row.title

    @property
    def spec(self) -> dict[str, Any]:
        return PRESETS[self.row.name].spec.to_dict()


def wanted() -> bool:
    """Whether the page is about networks trained on ImageNet, and not about the runs on the table."""
    which = address.choice(
        st.segmented_control,
        "Which networks",
        {RUNS: "The runs on the table", IMAGENET: "Trained on ImageNet"},
        key="networks_from",
        required=True,
    )
    return which == IMAGENET


def networks() -> list[Trained]:
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
    home = service().home
    absent = [NETWORKS[name] for name in names if not is_here(home, name)]
    if absent:
        offer(absent)
    here = [NETWORKS[name] for name in names if is_here(home, name)]
    return [Trained(row, published_net(row.name).facts.to_dict()) for row in here]


def offer(absent: list[Published]) -> None:
    """The button that fetches weights, with their size, and how far that is."""
    running = {task.source for task in service().data_tasks() if task.state == "running"}
    ask_for = [row for row in absent if row.id not in running]
    if ask_for:
        sizes = ", ".join(f"{row.title} {row.bytes / 1e6:.0f} MB" for row in ask_for)
        st.info(f"These weights are fetched once, then kept: {sizes}.")
        st.button("Fetch the weights", icon=":material/download:", key="fetch_weights", on_click=fetch, args=(ask_for,))
    st.fragment(progress, run_every=1 if running & {row.id for row in absent} else None)(absent)


def fetch(rows: list[Published]) -> None:
    """Starts fetching in the background."""
    with said_plainly():
        for row in rows:
            service().fetch_weights(row.name)


def progress(absent: list[Published]) -> None:
    """The newest fetch of each of these networks; the page begins anew when one has ended."""
    newest = {task.source: task for task in service().data_tasks()}
    tasks = [newest[row.id] for row in absent if row.id in newest]
    for task in tasks:
        if task.state == "running":
            st.progress(task.fraction, text=f"{task.title}: {task.message}")
        elif task.state == "failed":
            st.error(task.error, icon=":material/error:")
    running = {task.id for task in tasks if task.state == "running"}
    before = st.session_state.get("fetching_weights", set())
    st.session_state["fetching_weights"] = running
    if before - running:
        st.rerun()


def empty() -> None:
    """Before a network is chosen and here."""
    with st.container(border=True):
        st.markdown("**Choose a network above.** Its answers to a picture, and what it looks at, stand here.")


def choose_picture() -> picture.Shown | None:
    """The picture that the person chooses, at the size that these networks take."""
    source = st.segmented_control(
        "Picture",
        [*own_pictures.sources(st.context.url), "dataset"],
        default="upload",
        required=True,
        key="imagenet_picture_from",
        wrap=True,
        format_func=picture.SOURCES.get,
    )
    if source == "dataset":
        return from_dataset()
    own = own_pictures.handed_in(source)
    return from_picture(own) if own else None


def from_picture(own: Picture) -> picture.Shown:
    """A picture of the person's own: as torchvision cuts it, or the square that they choose."""
    middle = np.array_equal(square := own_pictures.crop(own), to_middle(own.array))
    pixels = center_crop(square) if middle else to_network(square, SIDE)
    how = "its middle, as these networks were tested" if middle else "the part you chose"
    st.image(pixels, caption=f"As the network gets it: {SIDE} × {SIDE}, {how}", output_format="PNG")
    own_pictures.notes(own)
    return picture.Shown(pixels, None, own.filename)


def to_middle(pixels: np.ndarray) -> np.ndarray:
    """The part that the controls of the crop stand on to begin with."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    left, top = round((width - side) * 0.5), round((height - side) * 0.5)
    return pixels[top : top + side, left : left + side]


def from_dataset() -> picture.Shown | None:
    """A test picture of 32 x 32, enlarged."""
    ready = {info.name: info for info in service().datasets() if info.ready}
    if not ready:
        picture.wait_for_pictures()
        return None
    name = st.selectbox("Dataset", list(ready), format_func=lambda name: ready[name].title, key="imagenet_dataset")
    data = picture.dataset(name, ready[name].fingerprint)
    number = st.number_input("Number", 1, len(data.y_test), 1, key=f"imagenet_number_{name}")
    row = min(number, len(data.y_test)) - 1
    pixels, label = to_network(np.array(data.x_test[row]), SIDE), data.classes[data.y_test[row]]
    st.image(pixels, caption=f"{label}: test picture {row}, enlarged to {SIDE} × {SIDE}", output_format="PNG")
    st.caption("So few pixels are far from what these networks have learned from: expect odd answers.")
    return picture.Shown(pixels, None, f"{data.title}, test picture {row}")
