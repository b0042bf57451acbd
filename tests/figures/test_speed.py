"""A figure stands between a click and its answer: 50 ms of processor time each, once plotly is warm."""

import time

import numpy as np
import pytest

from resnet_core.attribution.methods import METHODS
from resnet_core.figures.attribution_maps import attribution_grid
from resnet_core.figures.curves import error_curves
from resnet_core.figures.layer_heatmaps import layer_heatmaps
from resnet_core.figures.layer_profiles import layer_profile_at_step
from resnet_core.figures.network_drawing import network_drawing
from resnet_core.networks.spec import NetSpec


@pytest.mark.parametrize("kind", ["curves", "profile", "heatmaps", "drawing", "grid"])
def test_a_figure_is_made_within_50_ms(kind, epochs, history, twins):
    histories = {"a": history(9, 200), "b": history(9, 200)}
    methods = dict(list(METHODS.items())[:4])
    maps = {run: {name: np.ones((32, 32), np.float32) for name in methods} for run in twins}
    picture = np.zeros((32, 32, 3), np.uint8)
    make = {
        "curves": lambda: error_curves(epochs, twins, False),
        "profile": lambda: layer_profile_at_step(histories, 0, "weight_grad_rms", twins, False),
        "heatmaps": lambda: layer_heatmaps(histories, "weight_grad_rms", twins, False),
        "drawing": lambda: network_drawing(NetSpec(depth=110), False),
        "grid": lambda: attribution_grid(picture, maps, methods, twins, False),
    }[kind]

    def seconds():
        start = time.process_time()
        make()
        return time.process_time() - start

    assert min(seconds() for _ in range(4)) < 0.05
