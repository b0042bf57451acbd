"""Choosing the picture for networks trained on ImageNet, which take 224 x 224 pixels. No torch."""

import numpy as np
import streamlit as st

from pages.explain import own_pictures
from pages.explain.dataset_picture import show_waiting_for_datasets
from pages.explain.input_picture import InputPicture
from pages.parts.datasets import open_dataset, ready_datasets
from resnet_core.data.pictures import Picture, crop_square, to_network
from resnet_core.formatting import escape_markdown
from resnet_core.trained.imagenet import SIDE, center_crop


def choose_large_picture() -> InputPicture | None:
    """The picture that the person chooses, as these networks get it; None before there is one."""
    labels = {**own_pictures.SOURCES, "dataset": "Dataset"}
    source = st.segmented_control(
        "Picture",
        [*own_pictures.usable_sources(st.context.url), "dataset"],
        default="upload",
        required=True,
        key="imagenet_picture_from",
        wrap=True,
        format_func=labels.__getitem__,
    )
    if source == "dataset":
        return _choose_test_picture()
    picture = own_pictures.choose_own_picture(source)
    return _cropped(picture) if picture else None


def _cropped(picture: Picture) -> InputPicture:
    """A picture of the person's own: as these networks were tested, or the square that the person chooses."""
    crop = own_pictures.choose_crop(picture)
    square = crop_square(picture.array, crop)
    if crop == own_pictures.middle_crop(picture):
        pixels, part = center_crop(square), "its middle, as these networks were tested"
    else:
        pixels, part = to_network(square, SIDE), "the part you chose"
    st.image(pixels, caption=f"As the network gets it: {SIDE} × {SIDE}, {part}", output_format="PNG")
    own_pictures.show_notes(picture)
    return InputPicture(pixels, None, picture.filename)


def _choose_test_picture() -> InputPicture | None:
    """A test picture of 32 x 32, enlarged."""
    ready = ready_datasets()
    if not ready:
        show_waiting_for_datasets()
        return None
    name = st.selectbox("Dataset", list(ready), format_func=lambda name: ready[name].title, key="imagenet_dataset")
    dataset = open_dataset(name, ready[name].fingerprint)
    number = st.number_input("Number", 1, len(dataset.y_test), 1, key=f"imagenet_number_{name}")
    row = min(number, len(dataset.y_test)) - 1
    pixels, label = to_network(np.array(dataset.x_test[row]), SIDE), dataset.classes[dataset.y_test[row]]
    caption = f"{escape_markdown(label)}: test picture {row}, enlarged to {SIDE} × {SIDE}"
    st.image(pixels, caption=caption, output_format="PNG")
    st.caption("So few pixels are far from what these networks have learned from: expect odd answers.")
    return InputPicture(pixels, None, f"{dataset.title}, test picture {row}")
