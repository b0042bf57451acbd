"""Where the picture comes from: an upload, the camera, or a dataset; and what the network gets of it."""

import hashlib
from dataclasses import dataclass
from urllib.parse import urlsplit

import numpy as np
import streamlit as st

from pages.parts.frame import dark, figure
from pages.parts.lab import said_plainly
from pages.parts.survey import SEARCHED, dataset, survey
from resnet_core.attribution.search import SEARCHES
from resnet_core.data.catalog import catalog
from resnet_core.data.dataset import Dataset
from resnet_core.data.pictures import Picture, crop_square, read_picture, to_network
from resnet_core.errors import DataError
from resnet_core.figures.thumbnails import thumbnails
from resnet_core.home import default_home
from resnet_core.runs.run import Run

TYPES = ["png", "jpg", "jpeg", "webp", "gif"]
MAX_MB = 30
MOST_FILES = 20  # read at once
STRIP = 18  # small pictures shown of those found
IN_ORDER = "in_order"


@dataclass(frozen=True, eq=False)
class Shown:
    """The picture that is asked about."""

    pixels: np.ndarray  # uint8 (32, 32, 3), as the network gets it
    label: str | None  # its class, where it is known
    source: str  # in words
    dataset: str | None = None  # that it is a test picture of

    @property
    def key(self) -> str:
        """The same for the same pixels."""
        return hashlib.sha256(self.pixels.tobytes()).hexdigest()


def choose(runs: list[Run]) -> Shown | None:
    """The picture that the person chooses, drawn as they see it and as the network gets it."""
    source = st.segmented_control(
        "Picture",
        ["dataset", "upload", *(["camera"] if camera_allowed(st.context.url) else [])],
        default="dataset",
        required=True,
        key="picture_from",
        bind="query-params",
        wrap=True,
        format_func={"dataset": "Dataset", "upload": "Upload", "camera": "Camera"}.get,
    )
    if source == "dataset":
        return from_dataset(runs)
    if source == "upload":
        return from_files()
    photo = st.camera_input("Take a photo", key="photo")
    return from_file(read(photo.getvalue(), "photo"), "photo") if photo else None


def camera_allowed(url: str | None) -> bool:
    """Browsers lend the camera to pages on https and on this computer itself only."""
    address = urlsplit(url or "https://")
    host = address.hostname or ""
    return address.scheme == "https" or host in ("localhost", "127.0.0.1", "::1") or host.endswith(".localhost")


def from_files() -> Shown | None:
    """One of the uploaded pictures; each file that is none gets its sentence."""
    files = st.file_uploader(
        "Pictures of yours",
        type=TYPES,
        accept_multiple_files=True,
        key="picture",
        max_upload_size=MAX_MB,
        help="PNG, JPEG, WEBP or GIF. They are looked at and forgotten: nothing is kept on disk.",
    )
    if len(files) > MOST_FILES:
        st.warning(f"The first {MOST_FILES} of the {len(files)} files are read.", icon=":material/stacks:")
    good = []
    for file, found in zip(files, read_once(files[:MOST_FILES]), strict=False):
        if isinstance(found, Picture):
            good.append((file.name, found))
        else:
            st.error(found, icon=":material/broken_image:")
    if not good:
        return None
    index = 0
    if len(good) > 1:
        names = [f"{number}. {name}" for number, (name, _) in enumerate(good, 1)]
        index = st.selectbox("Which of them", range(len(good)), format_func=names.__getitem__, key="picture_which")
    name, picture = good[index]
    return from_file(picture, name)


def read_once(files: list) -> list[Picture | str]:
    """The pictures of uploaded files, or the sentences why not; kept for this visitor while the files are there."""
    before = st.session_state.get("pictures_read", {})
    found = {
        file.file_id: before[file.file_id] if file.file_id in before else read(file.getvalue(), file.name)
        for file in files
    }
    st.session_state["pictures_read"] = found
    return list(found.values())


def read(data: bytes, name: str) -> Picture | str:
    """The picture of a file, or a sentence when it is none."""
    try:
        return read_picture(data, name)
    except DataError as error:
        return str(error)


def from_file(picture: Picture | str, name: str) -> Shown | None:
    """A picture with the part that the person chooses."""
    if isinstance(picture, str):
        st.error(picture, icon=":material/broken_image:")
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
    number_key = f"picture_number_{name}"
    anew = {"on_change": begin_anew, "args": (number_key,)}
    kind = st.selectbox("Class", ["any", *data.classes], key=f"picture_class_{name}", **anew)
    search = st.selectbox(
        "Find",
        [IN_ORDER, *searches(runs, data)],
        key=f"picture_search_{name}",
        format_func=lambda name: SEARCHES[name].title if name in SEARCHES else "All, in their order",
        help=f"Asks the networks about the first {SEARCHED:,} test pictures.\n\n"
        + "\n\n".join(f"**{search.title}**: {search.help}" for search in SEARCHES.values()),
        **anew,
    )
    rows = np.arange(len(data.y_test))
    if search != IN_ORDER:
        with said_plainly():
            rows = hits(runs, data, search)
    if kind != "any":
        rows = rows[data.y_test[rows] == data.classes.index(kind)]
    if not len(rows):
        st.info("No test picture is like that: choose another class or another search.")
        return None
    row = rows[leaf(data, rows, number_key) - 1]
    pixels, label = np.array(data.x_test[row]), data.classes[data.y_test[row]]
    with st.container(key="pixels_dataset"):
        st.image(pixels, caption=f"{label}: test picture {row}, as the network gets it", width=240, output_format="PNG")
    return Shown(pixels, label, f"{data.title}, test picture {row}", data.name)


def begin_anew(number_key: str) -> None:
    """What is chosen from has changed: back to its first picture."""
    st.session_state[number_key] = 1


def comparable(runs: list[Run]) -> list[Run]:
    """The networks that know the same classes as the first."""
    return [run for run in runs if run.facts["classes"] == runs[0].facts["classes"]]


def searches(runs: list[Run], data: Dataset) -> list[str]:
    """The searches that make sense for these networks and these pictures."""
    same = list(data.classes) == runs[0].facts["classes"]
    count = len(comparable(runs))
    return [name for name, search in SEARCHES.items() if count >= search.networks and (same or not search.needs_truth)]


def hits(runs: list[Run], data: Dataset, search: str) -> np.ndarray:
    """Indices of test pictures, the most telling first."""
    logits = survey(comparable(runs), data, SEARCHED)
    return SEARCHES[search].order(logits, np.array(data.y_test[: logits.shape[1]]))


def leaf(data: Dataset, rows: np.ndarray, number_key: str) -> int:
    """The number, from 1, that the person chooses: typed, or by a click on a small picture."""
    number = st.number_input(
        f"Number (of {len(rows):,})",
        1,
        len(rows),
        key=number_key,
        help="Which of the test pictures; none was trained on.",
    )
    first = (number - 1) // STRIP * STRIP
    part = rows[first : first + STRIP]
    strip_key = f"strip_{number_key}_{first}"
    figure(
        thumbnails(
            data.x_test[part],
            [f"{first + i}: {data.classes[data.y_test[row]]}" for i, row in enumerate(part, 1)],
            number - 1 - first,
            dark(),
        ),
        strip_key,
        on_select=lambda: pick(strip_key, number_key, first),
    )
    return number


def pick(strip_key: str, number_key: str, first: int) -> None:
    """A click on a small picture chooses its number."""
    points = st.session_state[strip_key]["selection"]["points"]
    if points:
        st.session_state[number_key] = first + points[0]["customdata"][0] + 1
