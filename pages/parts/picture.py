"""Where the picture comes from: an upload, the camera, or a dataset; and what the network gets of it."""

import hashlib
from dataclasses import dataclass

import numpy as np
import streamlit as st

from resnet_core.data.catalog import catalog, load_dataset
from resnet_core.data.pictures import crop_square, read_picture, to_network
from resnet_core.errors import DataError
from resnet_core.home import default_home
from resnet_core.runs.run import Run

TYPES = ["png", "jpg", "jpeg", "webp", "gif"]
MAX_MB = 30


@dataclass(frozen=True, eq=False)
class Shown:
    """The picture that is asked about."""

    pixels: np.ndarray  # uint8 (32, 32, 3), as the network gets it
    label: str | None  # its class, where it is known
    source: str  # in words

    @property
    def key(self) -> str:
        """The same for the same pixels."""
        return hashlib.sha256(self.pixels.tobytes()).hexdigest()


def choose(runs: list[Run]) -> Shown | None:
    """The picture that the person chooses, drawn as they see it and as the network gets it."""
    source = st.segmented_control(
        "Picture",
        ["dataset", "upload", "camera"],
        default="dataset",
        required=True,
        key="picture_from",
        bind="query-params",
        format_func={"dataset": "Dataset", "upload": "Upload", "camera": "Camera"}.get,
    )
    if source == "dataset":
        return from_dataset(runs)
    data = uploaded() if source == "upload" else photographed()
    return from_file(*data) if data else None


def uploaded() -> tuple[bytes, str] | None:
    """An uploaded file's bytes and name."""
    upload = st.file_uploader(
        "A picture of yours",
        type=TYPES,
        key="picture",
        max_upload_size=MAX_MB,
        help="PNG, JPEG, WEBP or GIF. It is looked at and forgotten: nothing is kept on disk.",
    )
    return (upload.getvalue(), upload.name) if upload else None


def photographed() -> tuple[bytes, str] | None:
    """A photo from the camera; browsers allow it on https and on this computer only."""
    photo = st.camera_input(
        "Take a photo", key="photo", help="Works on https:// addresses and on this computer itself."
    )
    return (photo.getvalue(), "photo") if photo else None


def from_file(data: bytes, name: str) -> Shown | None:
    """The picture of a file, with the crop that the person chooses; a sentence when it is none."""
    try:
        picture = read_picture(data, name)
    except DataError as error:
        st.error(str(error), icon=":material/broken_image:")
        return None
    square = crop(picture.array, name)
    pixels = to_network(square)
    as_seen, as_given = st.columns(2)
    as_seen.image(square, caption="As you see it", width="stretch", output_format="PNG")
    with as_given.container(key="pixels_own"):
        st.image(pixels, caption="As the network gets it: 32 × 32", width="stretch", output_format="PNG")
    for note in picture.notes:
        st.caption(note)
    return Shown(pixels, None, name)


def crop(pixels: np.ndarray, name: str) -> np.ndarray:
    """The square part that is used: the whole short side unless the person zooms in."""
    height, width = pixels.shape[:2]
    with st.popover("Choose the part", icon=":material/crop:"):
        share = st.slider("Size", 20, 100, 100, format="%d %%", key=f"crop_size_{name}") / 100
        side = max(1, round(min(height, width) * share))
        left = place("Left to right", width - side, f"crop_x_{name}")
        top = place("Top to bottom", height - side, f"crop_y_{name}")
    return crop_square(pixels, (left, top, side))


def place(label: str, room: int, key: str) -> int:
    """Where the square lies along one side, in pixels; the middle to begin with."""
    if room == 0:
        return 0
    return round(room * st.slider(label, 0, 100, 50, format="%d %%", key=key) / 100)


def from_dataset(runs: list[Run]) -> Shown | None:
    """A test picture, by class and number."""
    ready = {info.name: info for info in catalog(default_home()) if info.ready}
    if not ready:
        st.info("No dataset is here yet. Upload a picture instead.")
        return None
    names = list(ready)
    wanted = runs[0].dataset if runs[0].dataset in ready else names[0]
    name = st.selectbox(
        "Dataset", names, index=names.index(wanted), format_func=lambda name: ready[name].title, key="picture_dataset"
    )
    data = dataset(name, ready[name].fingerprint)
    kind = st.selectbox("Class", ["any", *data.classes], key=f"picture_class_{name}")
    rows = np.arange(len(data.y_test)) if kind == "any" else np.flatnonzero(data.y_test == data.classes.index(kind))
    number = st.number_input(
        "Number", 1, len(rows), 1, key=f"picture_number_{name}", help="Which of the test pictures; none was trained on."
    )
    row = rows[min(number, len(rows)) - 1]
    pixels, label = np.array(data.x_test[row]), data.classes[data.y_test[row]]
    with st.container(key="pixels_dataset"):
        st.image(pixels, caption=f"{label}: test picture {row}, as the network gets it", width=240, output_format="PNG")
    return Shown(pixels, label, f"{data.title}, test picture {row}")


@st.cache_resource(max_entries=4, show_spinner="Opening the dataset …")
def dataset(name: str, fingerprint: str | None):
    """The dataset, memory-mapped; keyed by its content."""
    return load_dataset(name, default_home())
