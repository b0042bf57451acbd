"""Small networks and helpers for the tests of resnet_core.networks."""

import dataclasses
import itertools
from collections.abc import Iterator

import pytest

from resnet_core.errors import SpecError
from resnet_core.networks import options
from resnet_core.networks.presets import PRESETS
from resnet_core.networks.spec import NetSpec


def _structures() -> Iterator[NetSpec]:
    """A small network of every kind that differs in its layers: family, block, shortcut, norm, order, merge, layout."""
    inits = ("he", "skipinit", "fixup")  # those that differ in layers
    axes = (("plain", "residual", "preact", "highway"), options.BLOCKS, options.SHORTCUTS, options.NORMS, inits)
    for family, block, shortcut, norm, init, merge, order in itertools.product(*axes, options.MERGES, options.ORDERS):
        fields = {"family": family, "shortcut": shortcut, "norm": norm, "init": init, "merge": merge, "order": order}
        fields |= {"skip_strength": 0.5} if merge == "scaled" else {}
        depth = 11 if block == "bottleneck" else 8
        try:
            yield NetSpec(depth=depth, width=2, block=block, **fields)
        except SpecError:  # refused: tests/networks/test_validation.py
            continue
    for family, block, image_size in itertools.product(("plain", "residual", "preact"), options.BLOCKS, (32, 224)):
        depth = 50 if block == "bottleneck" else 18
        yield NetSpec(family, depth=depth, width=2, block=block, layout="imagenet", image_size=image_size)
    yield NetSpec("preact", depth=18, width=2, order="relu_only_preact", layout="imagenet", image_size=224)
    yield NetSpec(depth=18, width=2, norm="none", init="fixup", layout="imagenet", image_size=224)
    yield NetSpec(depth=14, width=2, drop_path=0.5, skips="101101")
    yield NetSpec("preact", depth=14, width=2, shortcut="B", skips="010010")
    yield NetSpec("highway", depth=10, width=2, skips="010101")
    yield NetSpec("vgg", depth=19, width=64, layout="imagenet")


STRUCTURES = list(_structures())


@pytest.fixture(params=STRUCTURES, ids=NetSpec.to_query)
def structure(request: pytest.FixtureRequest) -> NetSpec:
    return request.param


def _large_is_slow(name: str) -> object:
    """The name; presets of hundreds of layers and those for ImageNet (all have a twin at 32 pixels) are left to
    `make test`.
    """
    spec = PRESETS[name].spec
    return pytest.param(name, marks=pytest.mark.slow) if spec.depth > 100 or spec.image_size > 32 else name


@pytest.fixture(params=map(_large_is_slow, sorted(PRESETS)))
def preset_name(request: pytest.FixtureRequest) -> str:
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
