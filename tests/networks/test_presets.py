from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F

from resnet_core.errors import SpecError
from resnet_core.networks.build import build_net
from resnet_core.networks.costs import count_costs
from resnet_core.networks.presets import PRESETS, preset
from resnet_core.networks.spec import NetSpec

PARAMETERS = {
    "plain-8": 75_290,
    "resnet-8": 75_290,
    "plain-20": 269_722,
    "resnet-20": 269_722,
    "plain-32": 464_154,
    "resnet-32": 464_154,
    "plain-44": 658_586,
    "resnet-44": 658_586,
    "plain-56": 853_018,
    "resnet-56": 853_018,
    "plain-110": 1_727_962,
    "resnet-110": 1_727_962,
    "resnet-1202": 19_421_274,
    "preact-20": 269_722,
    "preact-110": 1_727_962,
    "preact-164": 1_703_258,
    "preact-1001": 10_327_706,
    "highway-19": 2_032_138,
    "highway-32": 901_802,
    "resnet-110-half-skip": 1_727_962,
    "resnet-110-scaled": 1_727_962,
    "resnet-110-exclusive-gate": 1_826_746,
    "resnet-110-shortcut-gate-0": 1_826_746,
    "resnet-110-shortcut-gate-6": 1_826_746,
    "resnet-110-conv1x1": 1_826_202,
    "resnet-110-dropout": 1_727_962,
    "resnet-110-option-b": 1_730_714,
    "resnet-110-stochastic-depth": 1_727_962,
    "resnet-110-bn-after-add": 1_727_962,
    "resnet-110-relu-before-add": 1_727_962,
    "preact-110-relu-only": 1_727_962,
    "plain-56-nobn-default": 850_986,
    "plain-56-nobn-xavier": 850_986,
    "plain-56-nobn-gaussian": 850_986,
    "plain-56-nobn-he": 850_986,
    "resnet-56-nobn-default": 850_986,
    "resnet-56-nobn-he": 850_986,
    "resnet-56-nobn-skipinit": 851_013,
    "resnet-56-nobn-fixup": 849_091,
    "resnet-56-zero-gamma": 853_018,
    "alexnet": 61_100_840,
    "vgg-19": 143_667_240,
    "plain-18": 11_515_688,
    "plain-34": 21_623_848,
    "resnet-18": 11_689_512,
    "resnet-34": 21_797_672,
    "resnet-50": 25_557_032,
    "resnet-101": 44_549_160,
    "resnet-152": 60_192_808,
    "alexnet-at-32": 28_711_754,
    "vgg-19-at-32": 38_947_914,
    "plain-18-at-32": 11_000_138,
    "plain-34-at-32": 21_108_298,
    "resnet-18-at-32": 11_173_962,
    "resnet-34-at-32": 21_282_122,
    "resnet-50-at-32": 23_520_842,
    "resnet-101-at-32": 42_512_970,
    "resnet-152-at-32": 58_156_618,
}

PUBLISHED_MILLIONS = {
    # He et al. 2015, Table 6
    "resnet-20": 0.27,
    "resnet-32": 0.46,
    "resnet-44": 0.66,
    "resnet-56": 0.85,
    "resnet-110": 1.7,
    "resnet-1202": 19.4,
    # Zagoruyko & Komodakis 2016, Table 5
    "preact-110": 1.7,
    "preact-164": 1.7,
    "preact-1001": 10.2,
    # torchvision's documentation
    "alexnet": 61.1,
    "vgg-19": 143.7,
    "resnet-18": 11.7,
    "resnet-34": 21.8,
    "resnet-50": 25.6,
    "resnet-101": 44.5,
    "resnet-152": 60.2,
}


def test_the_table_of_counts_is_complete():
    assert set(PARAMETERS) == set(PRESETS)


@pytest.mark.parametrize("name", sorted(PUBLISHED_MILLIONS))
def test_counts_are_the_published_ones(name):
    assert count_costs(preset(name)).parameters == pytest.approx(PUBLISHED_MILLIONS[name] * 1e6, rel=0.02)


def test_every_preset_learns_everywhere(preset_name, shrink):
    """The preset's own layers, narrow, fewer repeats: finite logits, and a gradient for each parameter."""
    spec = shrink(preset(preset_name))
    net = build_net(spec, seed=1)
    images = torch.randn(4, 3, spec.image_size, spec.image_size, generator=torch.Generator().manual_seed(0))
    logits = net(images)
    assert logits.shape == (4, spec.num_classes)
    assert torch.isfinite(logits).all()
    F.cross_entropy(logits, torch.arange(4)).backward()
    assert [name for name, parameter in net.named_parameters() if parameter.grad is None] == []


def test_every_preset_has_its_exact_number_of_parameters_and_each_gets_a_gradient(preset_name):
    """At full size, on the meta device: shapes fit from picture to logits, and backward reaches every parameter."""
    spec = preset(preset_name)
    net = build_net(spec, device="meta")
    assert sum(parameter.numel() for parameter in net.parameters()) == PARAMETERS[preset_name]
    logits = net(torch.empty(2, 3, spec.image_size, spec.image_size, device="meta"))
    assert logits.shape == (2, spec.num_classes)
    logits.sum().backward()
    assert [name for name, parameter in net.named_parameters() if parameter.grad is None] == []


def test_any_depth_has_a_name():
    assert preset("resnet-14") == NetSpec(depth=14)
    assert preset("Plain-62") == NetSpec("plain", depth=62)
    assert preset("preact-56") == NetSpec("preact", depth=56)
    assert preset("highway-33").depth == 33


def test_the_known_imagenet_names_are_the_imagenet_networks():
    assert preset("resnet-50").layout == "imagenet"
    assert preset("resnet-152").num_classes == 1000


def test_an_impossible_depth_names_the_nearest():
    with pytest.raises(SpecError, match="20 and 26"):
        preset("resnet-21")


@pytest.mark.parametrize("name", ["resnet-51x", "mobilenet", "", "resnet-999999999"])
def test_an_unknown_name_says_what_there_is(name):
    with pytest.raises(SpecError, match="resnet-N") as caught:
        preset(name)
    assert "plain-56" in str(caught.value)


def test_titles_tell_presets_apart_and_groups_stay_together():
    titles = [row.title for row in PRESETS.values()]
    assert len(set(titles)) == len(titles)
    groups = [row.group for row in PRESETS.values()]
    changes = sum(here != there for here, there in pairwise(groups))
    assert changes == len(set(groups)) - 1
