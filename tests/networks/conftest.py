"""Small networks and helpers for the tests of resnet_core.networks."""

import dataclasses

import pytest
import torch

from resnet_core.networks.presets import PRESETS
from resnet_core.networks.spec import NetSpec


@pytest.fixture(autouse=True)
def _one_thread():
    """Tiny tensors: more threads only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=sorted(PRESETS))
def preset_name(request) -> str:
    return request.param


@pytest.fixture
def shrink():
    """A spec of the same kind that runs in a moment: narrow, and a few blocks instead of hundreds."""
    depths = {"basic": 14, "bottleneck": 20}

    def shrunk(spec: NetSpec) -> NetSpec:
        if spec.family in ("alexnet", "vgg"):
            return dataclasses.replace(spec, image_size=32, num_classes=10)
        if spec.layout == "imagenet":
            depth = 18 if spec.block == "basic" else 50
        else:
            depth = 10 if spec.family == "highway" else depths[spec.block]
        return dataclasses.replace(spec, depth=depth, width=4, num_classes=10)

    return shrunk
