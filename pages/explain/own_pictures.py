"""Pictures that people hand in: files, the clipboard, the camera; and the part of one that they choose. No torch."""

from urllib.parse import urlsplit

import numpy as np
import streamlit as st

from pages.explain.paste import take_pastes
from resnet_core.data.pictures import Picture, crop_square, read_picture
from resnet_core.errors import DataError

TYPES = ["png", "jpg", "jpeg", "heic", "heif", "webp", "gif"]
MAX_MB = 30
MOST_FILES = 20  # read at once
SOURCES = {"upload": "Upload", "camera": "Camera"}
UPLOADER, WHICH, READ = "picture", "picture_which", "pictures_read"


def sources(url: str | None) -> list[str]:
    """The ways to hand in a picture that this browser can use, at the page's address."""
    return [source for source in SOURCES if source != "camera" or camera_allowed(url)]


def camera_allowed(url: str | None) -> bool:
    """Browsers lend the camera to pages on https and on this computer itself only."""
    address = urlsplit(url or "https://")
    host = address.hostname or ""
    return address.scheme == "https" or host in ("localhost", "127.0.0.1", "::1") or host.endswith(".localhost")


def handed_in(source: str) -> Picture | None:
    """The picture from a file, the clipboard or the camera; what is none gets its sentence."""
    return from_files() if source == "upload" else from_camera()


def from_camera() -> Picture | None:
    """The photo, once one is taken."""
    photo = st.camera_input("Take a photo", key="photo")
    return good_ones({"photo": read(photo.getvalue(), "photo")}).get("photo") if photo else None


def from_files() -> Picture | None:
    """One of the uploaded or pasted pictures: the newest, unless another is chosen."""
    files = st.file_uploader(
        "Pictures of yours",
        type=TYPES,
        accept_multiple_files=True,
        key=UPLOADER,
        max_upload_size=MAX_MB,
        help="PNG, JPEG, HEIC, WEBP or GIF. They are looked at and forgotten: nothing is kept on disk.",
    )
    take_pastes(UPLOADER)
    if len(files) > MOST_FILES:
        st.warning(f"The first {MOST_FILES} of the {len(files)} files are read.", icon=":material/stacks:")
    before = st.session_state.get(READ, {})
    good = good_ones(read_once(files[:MOST_FILES]))
    if not good:
        return None
    new = [file for file in good if file not in before]
    if new or st.session_state.get(WHICH) not in good:
        st.session_state[WHICH] = (new or list(good))[0]
    if len(good) == 1:
        return next(iter(good.values()))
    names = {file: f"{number}. {picture.filename}" for number, (file, picture) in enumerate(good.items(), 1)}
    return good[st.selectbox("Which of them", list(good), format_func=lambda file: names.get(file, file), key=WHICH)]


def read_once(files: list) -> dict[str, Picture | str]:
    """By their ids, the pictures of uploaded files, or the sentences why not; kept for this visitor while the files
    are there."""
    before = st.session_state.get(READ, {})
    found = {
        file.file_id: before[file.file_id] if file.file_id in before else read(file.getvalue(), file.name)
        for file in files
    }
    st.session_state[READ] = found
    return found


def read(data: bytes, name: str) -> Picture | str:
    """The picture of a file, or a sentence when it is none."""
    try:
        return read_picture(data, name)
    except DataError as error:
        return str(error)


def good_ones(found: dict[str, Picture | str]) -> dict[str, Picture]:
    """Those that are pictures; of the others the sentences are said."""
    for sentence in found.values():
        if isinstance(sentence, str):
            st.error(sentence, icon=":material/broken_image:")
    return {key: picture for key, picture in found.items() if isinstance(picture, Picture)}


def crop(picture: Picture) -> np.ndarray:
    """The square part that is used: the whole short side, in the middle, unless the person zooms in."""
    height, width = picture.array.shape[:2]
    name = picture.filename
    with st.popover("Choose the part", icon=":material/crop:"):
        share = st.slider("Size", 20, 100, 100, format="%d %%", key=f"crop_size_{name}") / 100
        side = max(1, round(min(height, width) * share))
        left = place("Left to right", width - side, f"crop_x_{name}")
        top = place("Top to bottom", height - side, f"crop_y_{name}")
    return crop_square(picture.array, (left, top, side))


def place(label: str, room: int, key: str) -> int:
    """Where the square lies along one side, in pixels; the middle to begin with."""
    if room == 0:
        return 0
    return round(room * st.slider(label, 0, 100, 50, format="%d %%", key=key) / 100)


def notes(picture: Picture) -> None:
    """What was done to the picture when it was read."""
    for note in picture.notes:
        st.caption(note)
