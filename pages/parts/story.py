"""What the Story page is made of: the addition, how twins learn, what happens inside, what they look at."""

import streamlit as st

from pages.parts import reads, table
from pages.parts.frame import dark, figure
from pages.parts.lab import said_plainly, service, store
from resnet_core.figures.curves import error_curves
from resnet_core.figures.heatmaps import layer_heatmaps
from resnet_core.networks.presets import preset
from resnet_core.runs.run import Run


def addition() -> None:
    pass


def twins() -> list[Run]:
    runs = [run for run in store().runs() if run.epoch]
    return runs[-2:]


def learning(pair: list[Run]) -> None:
    figure(error_curves(reads.epochs(pair), table.styles(pair), dark()), "story_curves", caption="")


def inside(pair: list[Run]) -> None:
    figure(layer_heatmaps({r.id: reads.layers(r) for r in pair}, "block_grad_rms", table.styles(pair), dark()), "story_heat")


def looking(pair: list[Run]) -> None:
    pass


def nothing_yet() -> None:
    st.info("No runs yet.")
