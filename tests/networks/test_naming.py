import dataclasses

import pytest

from resnet_core.networks.presets import PRESETS
from resnet_core.networks.spec import NetSpec


@pytest.mark.parametrize(
    ("spec", "name", "short"),
    [
        (NetSpec(), "ResNet-20", "ResNet-20"),
        (NetSpec("plain", depth=56, norm="none"), "Plain-56 · no BN", "Plain-56 noBN"),
        (NetSpec(skips="110110110"), "ResNet-20 · skips 110110110", "ResNet-20 6/9 skips"),
        (NetSpec(skips="none"), "ResNet-20 · no skips", "ResNet-20 no skips"),
        (NetSpec("highway", depth=19, norm="none"), "Highway-19", "Highway-19"),
        (NetSpec("highway", depth=19), "Highway-19 · BN", "Highway-19 BN"),
    ],
)
def test_names(spec, name, short):
    assert (spec.name, spec.short_name) == (name, short)


def test_a_long_pattern_is_counted_not_spelled():
    spec = NetSpec(depth=110).every_kth(2)
    assert spec.name == "ResNet-110 · 27/54 skips"


def test_no_two_presets_share_a_name():
    names = [preset.spec.name for preset in PRESETS.values()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    "change",
    [
        {"width": 8},
        {"shortcut": "B"},
        {"init": "xavier"},
        {"init": "zero_gamma"},
        {"merge": "dropout"},
        {"order": "relu_before_add"},
        {"skip_strength": 0.25},
        {"drop_path": 0.2},
        {"family": "preact"},
    ],
)
def test_a_change_that_changes_the_network_changes_both_names(change):
    spec = dataclasses.replace(NetSpec(), **change)
    assert spec.name != NetSpec().name
    assert spec.short_name != NetSpec().short_name
