"""Explain: one picture, the runs on the table or networks trained on ImageNet, what each of them answers and what it
looks at. No torch.
"""

from collections.abc import Sequence

import streamlit as st

from pages.explain.doubt import show_doubts
from pages.explain.large_picture import choose_large_picture
from pages.explain.map_settings import choose_map_settings
from pages.explain.maps import show_maps
from pages.explain.networks import PUBLISHED, choose_source, show_no_network
from pages.explain.object_shares import show_object_shares
from pages.explain.predictions import show_predictions, show_waiting_for_picture
from pages.explain.published_networks import choose_published_networks
from pages.explain.small_picture import choose_small_picture
from pages.parts import query
from pages.parts.backend import show_errors
from pages.parts.frame import show_header
from pages.parts.table import chosen_nets
from resnet_core.trained.net import TrainedNet


def show_answers(source: str, nets: Sequence[TrainedNet]) -> None:
    """The picture, the networks' answers to it, and their maps."""
    narrow, wide = st.columns([3, 8], gap="large")
    with narrow:
        picture = choose_large_picture() if source == PUBLISHED else choose_small_picture(nets)
    query.write()  # what follows may take long
    predictions = None
    with wide, show_errors():
        if picture:
            predictions = show_predictions(nets, picture)
        else:
            show_waiting_for_picture()
        doubts = st.container()  # filled last: it may take some seconds
        settings = choose_map_settings(nets)
    if picture and predictions:
        with show_errors():
            show_maps(predictions, picture, settings)
        with doubts:
            show_doubts(predictions.nets, picture)
        show_object_shares(predictions.nets, settings.methods, settings.settings)


show_header(
    "Explain", "One picture, several networks: what each of them answers, and which pixels the answer hangs on."
)
source = choose_source()
nets = choose_published_networks() if source == PUBLISHED else chosen_nets()
if nets:
    show_answers(source, nets)
else:
    show_no_network(source)
