"""Pictures that people hand in: files, the clipboard, the camera; and the part of one that they choose. No torch."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pages.explain.paste import accept_pastes
from resnet_core.data.pictures import Picture, read_picture
from resnet_core.errors import DataError
from resnet_core.formatting import escape_markdown

TYPES = ["png", "jpg", "jpeg", "heic", "heif", "webp", "gif"]
MAX_MB = 30
MOST_FILES = 20  # read at once
SOURCES = {"upload": "Upload", "camera": "Camera"}
UPLOADER, WHICH, READ = "picture", "picture_which", "pictures_read"

Crop = tuple[int, int, int]
"""Left, top and side of a square part, in pixels."""


def usable_sources(url: str | None) -> list[str]:
    """The ways to hand in a picture that this browser can use, at the page's address."""
    return [source for source in SOURCES if source != "camera" or camera_allowed(url)]


def camera_allowed(url: str | None) -> bool:
    """Browsers lend the camera to pages on https and on this computer itself only."""
    address = urlsplit(url or "https://")
    host = address.hostname or ""
    return address.scheme == "https" or host in ("localhost", "127.0.0.1", "::1") or host.endswith(".localhost")


def choose_own_picture(source: str) -> Picture | None:
    """The picture from files, the clipboard or the camera; a sentence for each file that holds none."""
    return _choose_file() if source == "upload" else _take_photo()


def _take_photo() -> Picture | None:
    """The photo, once one is taken."""
    photo = st.camera_input("Take a photo", key="photo")
    return _show_refusals({"photo": _read(photo.getvalue(), "photo")}).get("photo") if photo else None


def _choose_file() -> Picture | None:
    """One of the uploaded or pasted pictures: the newest, unless another is chosen."""
    files = st.file_uploader(
        "Pictures of yours",
        type=TYPES,
        accept_multiple_files=True,
        key=UPLOADER,
        max_upload_size=MAX_MB,
        help="PNG, JPEG, HEIC, WEBP or GIF. They are looked at and forgotten: nothing is kept on disk.",
    )
    accept_pastes(UPLOADER)
    if len(files) > MOST_FILES:
        st.warning(f"The first {MOST_FILES} of the {len(files)} files are read.", icon=":material/stacks:")
    before = st.session_state.get(READ, {})
    pictures = _show_refusals(_read_once(files[:MOST_FILES]))
    if not pictures:
        return None
    new = [file for file in pictures if file not in before]
    if new or st.session_state.get(WHICH) not in pictures:
        st.session_state[WHICH] = (new or list(pictures))[0]
    if len(pictures) == 1:
        return next(iter(pictures.values()))
    names = {file: f"{number}. {picture.filename}" for number, (file, picture) in enumerate(pictures.items(), 1)}
    which = st.selectbox("Which of them", list(pictures), format_func=lambda file: names.get(file, file), key=WHICH)
    return pictures[which]


def _read_once(files: Sequence[UploadedFile]) -> dict[str, Picture | str]:
    """By their ids, the pictures of uploaded files, or the sentences why not; kept for this visitor while the files
    are there.
    """
    before = st.session_state.get(READ, {})
    read = {
        file.file_id: before[file.file_id] if file.file_id in before else _read(file.getvalue(), file.name)
        for file in files
    }
    st.session_state[READ] = read
    return read


def _read(data: bytes, name: str) -> Picture | str:
    """The picture of a file, or a sentence when it is none."""
    try:
        return read_picture(data, name)
    except DataError as error:
        return str(error)


def _show_refusals(read: Mapping[str, Picture | str]) -> dict[str, Picture]:
    """Shows the sentences; returns the pictures."""
    for sentence in read.values():
        if isinstance(sentence, str):
            st.error(escape_markdown(sentence), icon=":material/broken_image:")
    return {file: picture for file, picture in read.items() if isinstance(picture, Picture)}


def choose_crop(picture: Picture) -> Crop:
    """The square part that is used: `middle_crop`, unless the person chooses another."""
    height, width = picture.array.shape[:2]
    name = picture.filename
    with st.popover("Choose the part", icon=":material/crop:"):
        share = st.slider("Size", 20, 100, 100, format="%d %%", key=f"crop_size_{name}") / 100
        side = max(1, round(min(height, width) * share))
        left = _choose_offset("Left to right", width - side, f"crop_x_{name}")
        top = _choose_offset("Top to bottom", height - side, f"crop_y_{name}")
    return left, top, side


def middle_crop(picture: Picture) -> Crop:
    """The whole short side, in the middle of the long one: what the controls of `choose_crop` stand on at first."""
    height, width = picture.array.shape[:2]
    side = min(height, width)
    return round((width - side) * 0.5), round((height - side) * 0.5), side


def _choose_offset(label: str, room: int, key: str) -> int:
    """Where the square lies along one side, in pixels; the middle to begin with."""
    if room == 0:
        return 0
    return round(room * st.slider(label, 0, 100, 50, format="%d %%", key=key) / 100)


def show_notes(picture: Picture) -> None:
    """What was done to the picture when it was read."""
    for note in picture.notes:
        st.caption(escape_markdown(note))
