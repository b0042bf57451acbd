"""Choosing the picture for networks that take 32 x 32 pixels: a test picture or a person's own. No torch."""

from collections.abc import Sequence

import streamlit as st

from pages.explain import own_pictures
from pages.explain.dataset_picture import choose_test_picture
from pages.explain.input_picture import InputPicture
from pages.parts import address
from resnet_core.data.pictures import Picture, crop_square, to_network
from resnet_core.trained.net import TrainedNet


def choose_small_picture(nets: Sequence[TrainedNet]) -> InputPicture | None:
    """The picture that the person chooses; None before there is one."""
    labels = {"dataset": "Dataset", **own_pictures.SOURCES}
    source = address.choice(
        st.segmented_control,
        "Picture",
        {source: labels[source] for source in ["dataset", *own_pictures.usable_sources(st.context.url)]},
        key="picture_from",
        required=True,
        wrap=True,
    )
    if source == "dataset":
        return choose_test_picture(nets)
    picture = own_pictures.choose_own_picture(source)
    return _cropped(picture) if picture else None


def _cropped(picture: Picture) -> InputPicture:
    """The part of their own picture that the person chooses, drawn as they see it and as the network gets it."""
    square = crop_square(picture.array, own_pictures.choose_crop(picture))
    pixels = to_network(square)
    as_seen, as_given = st.columns(2)
    as_seen.image(square, caption="As you see it", width="stretch", output_format="PNG")
    with as_given.container(key="pixels_own"):
        st.image(pixels, caption="As the network gets it: 32 × 32", width="stretch", output_format="PNG")
    own_pictures.show_notes(picture)
    return InputPicture(pixels, None, picture.filename)
