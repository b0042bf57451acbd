import dataclasses

import pytest

from resnet_core.errors import SpecError
from resnet_core.networks.depths import depth_step, highway_stages, listed_depths
from resnet_core.networks.presets import preset
from resnet_core.networks.spec import NetSpec


@pytest.mark.parametrize(
    ("spec", "stages"),
    [
        (NetSpec(depth=20), (3, 3, 3)),
        (NetSpec(depth=1202), (200, 200, 200)),
        (NetSpec("preact", depth=164, block="bottleneck"), (18, 18, 18)),
        (NetSpec("preact", depth=1001, block="bottleneck"), (111, 111, 111)),
        (NetSpec(depth=101, block="bottleneck", layout="imagenet"), (3, 4, 23, 3)),
        (NetSpec("highway", depth=20), (6, 5, 5)),
    ],
)
def test_blocks_per_stage(spec, stages):
    assert spec.stages == stages
    assert spec.n_blocks == sum(stages)


@pytest.mark.parametrize("depth", range(7, 40))
def test_highway_layers_add_up_to_the_depth(depth):
    stages = highway_stages(depth)
    assert sum(stages) + 4 == depth
    assert max(stages) - min(stages) <= 1
    assert min(stages) >= 1


@pytest.mark.parametrize(
    "spec",
    [
        NetSpec(depth=20),
        NetSpec("preact", depth=29, block="bottleneck"),
        NetSpec("highway", depth=19),
        NetSpec(depth=18, layout="imagenet", width=64),
        NetSpec(depth=50, layout="imagenet", block="bottleneck", width=64),
        preset("alexnet-at-32"),
        preset("vgg-19-at-32"),
    ],
)
def test_listed_depths_or_the_next_step_can_be_built(spec):
    listed = listed_depths(spec)
    assert not listed or spec.depth in listed
    for depth in listed or (spec.depth, spec.depth + depth_step(spec)):
        assert dataclasses.replace(spec, depth=depth).depth == depth
    if not listed and depth_step(spec) > 1:
        with pytest.raises(SpecError, match="nearest"):
            dataclasses.replace(spec, depth=spec.depth + 1)
