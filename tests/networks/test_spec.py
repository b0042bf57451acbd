import dataclasses

import pytest

from resnet_core.errors import SpecError
from resnet_core.networks.presets import PRESETS
from resnet_core.networks.spec import NetSpec


def test_a_spec_is_a_value_that_can_key_a_cache():
    assert {NetSpec(depth=20): 1}[NetSpec(depth=20, skips="1" * 9)] == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        NetSpec().depth = 32


def test_skips_have_one_spelling():
    assert NetSpec(depth=8, skips="111").skips == "all"
    assert NetSpec(depth=8, skips="000").skips == "none"
    assert NetSpec(depth=8, skips="101").skips == "101"
    assert NetSpec("plain").skips == "none"


def test_skip_mask_follows_the_pattern_from_the_input_on():
    spec = NetSpec(depth=8, skips="100")
    assert spec.skip_mask() == (True, False, False)
    assert NetSpec(depth=8).skip_mask() == (True,) * 3


def test_with_skips_takes_words_patterns_and_masks():
    spec = NetSpec(depth=8)
    assert spec.with_skips([True, False, True]) == spec.with_skips("101")
    assert spec.with_skips("none").with_skips("all") == spec
    assert NetSpec("plain", depth=8).with_skips("010") == NetSpec(depth=8, skips="010")
    assert NetSpec("plain", depth=8).with_skips("none") == NetSpec("plain", depth=8)


def test_every_kth_and_one_stage():
    spec = NetSpec(depth=20)
    assert spec.every_kth(2).skips == "101010101"
    assert spec.only_stage(2).skips == "000111000"
    with pytest.raises(SpecError, match="1 to 3"):
        spec.only_stage(4)
    with pytest.raises(SpecError):
        spec.every_kth(0)


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        (NetSpec("plain"), "plain"),
        (NetSpec(), "residual"),
        (NetSpec("preact"), "residual"),
        (NetSpec("highway", norm="none"), "highway"),
        (NetSpec(skips="110110110"), "mixed"),
        (NetSpec(skips="none"), "plain"),
        (NetSpec(skip_strength=0.0), "plain"),
    ],
)
def test_kind_is_what_the_signal_sees(spec, kind):
    assert spec.kind == kind


def test_twin_of_a_residual_net_is_the_plain_one_and_back():
    spec = NetSpec(depth=56, width=8, init="xavier", norm="none", num_classes=7)
    assert spec.twin() == dataclasses.replace(spec, family="plain", skips="none")
    assert spec.twin().twin() == spec


def test_every_preset_with_skips_has_a_twin_without_and_can_be_toggled(preset_name):
    spec = PRESETS[preset_name].spec
    if spec.family in ("alexnet", "vgg"):
        with pytest.raises(SpecError, match="no place for a skip"):
            spec.twin()
        return
    assert {spec.kind == "plain", spec.twin().kind == "plain"} == {True, False}
    toggled = spec.with_skips([index % 2 == 0 for index in range(spec.n_blocks)])
    assert toggled.kind == "mixed"


def test_dict_holds_everything_and_comes_back(preset_name):
    spec = PRESETS[preset_name].spec
    assert NetSpec.from_dict(spec.to_dict()) == spec


def test_dict_with_an_unknown_field_is_refused_by_name():
    with pytest.raises(SpecError, match="'colour'"):
        NetSpec.from_dict({"depth": 20, "colour": "red"})


def test_dict_may_leave_fields_out():
    assert NetSpec.from_dict({"family": "plain", "depth": 32}) == NetSpec("plain", depth=32)
