import itertools
import math
from collections import Counter

import pytest

from resnet_core.networks.paths import count_paths, path_lengths
from resnet_core.networks.presets import preset
from resnet_core.networks.spec import NetSpec


@pytest.mark.parametrize("skips", ["111", "101", "000", "010"])
def test_paths_are_those_one_can_count(skips):
    spec = NetSpec(depth=8, skips=skips)
    choices = [(0, 1) if bit == "1" else (1,) for bit in skips]
    counted = Counter(sum(path) for path in itertools.product(*choices))
    assert path_lengths(spec) == counted
    assert count_paths(spec) == sum(counted.values())


def test_paths_of_deep_nets_are_exact():
    assert count_paths(preset("resnet-1202")) == 2**600
    assert path_lengths(preset("resnet-1202"))[300] == math.comb(600, 300)
    assert path_lengths(preset("plain-56")) == {27: 1}
    assert count_paths(preset("vgg-19")) == 1
    assert count_paths(NetSpec(skip_strength=0.0)) == 1
