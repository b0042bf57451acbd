"""Changing one field of a design, whatever it was before."""

import pytest

from resnet_core.errors import SpecError
from resnet_core.networks.adapt import change_field, toggle_skips
from resnet_core.networks.options import CHOICES
from resnet_core.networks.presets import PRESETS, preset
from resnet_core.networks.spec import NetSpec

STARTS = ("plain-20", "resnet-56", "preact-110", "highway-19", "alexnet-at-32", "vgg-19-at-32", "resnet-50-at-32")


def test_what_fits_is_kept():
    spec = NetSpec(depth=56, norm="none", skips="1" * 13 + "0" * 14)
    changed = change_field(spec, "width", 8)
    assert changed.to_dict() == spec.to_dict() | {"width": 8}


def test_skips_that_do_not_fit_the_new_depth_are_reset():
    assert change_field(NetSpec(depth=20).with_skips("110110110"), "depth", 56) == NetSpec(depth=56)


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("family", CHOICES["family"])
def test_every_family_can_be_reached_from_every_design(start, family):
    start = preset(start) if start in PRESETS else NetSpec.from_query(start)
    changed = change_field(start, "family", family)
    assert changed.family == family and changed.num_classes == start.num_classes


@pytest.mark.parametrize("field", ["layout", "block"])
@pytest.mark.parametrize("start", ["resnet-20", "resnet-50-at-32", "resnet-34-at-32"])
def test_every_layout_and_block_of_a_residual_network_can_be_reached(start, field):
    for value in CHOICES[field]:
        assert getattr(change_field(preset(start), field, value), field) == value


@pytest.mark.parametrize(("field", "value"), [("depth", 21), ("width", 0), ("gate_bias", 99.0)])
def test_a_value_that_no_network_has_is_refused(field, value):
    with pytest.raises(SpecError, match=str(value)):
        change_field(NetSpec(), field, value)


def test_skips_of_some_blocks_are_switched_together():
    spec = NetSpec(depth=20)
    without = toggle_skips(spec, 0, 3)
    assert without.skip_mask() == (False,) * 3 + (True,) * 6
    assert toggle_skips(without, 2, 5).skip_mask() == (False,) * 2 + (True,) * 7  # one of them was off
    assert toggle_skips(without, 0, 3) == spec
    assert toggle_skips(NetSpec(family="plain", depth=8), 1, 2).skips == "010"
