import pytest

from resnet_core.networks.depths import highway_stages
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
