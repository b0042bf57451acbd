import time

import pytest
import torch

from resnet_core.networks.build import build_net
from resnet_core.networks.presets import PRESETS, preset
from resnet_core.networks.spec import NetSpec


def _same(one: dict, other: dict) -> bool:
    return list(one) == list(other) and all(torch.equal(one[name], other[name]) for name in one)


def test_the_seed_decides_the_weights():
    spec = NetSpec(depth=8)
    first = build_net(spec, seed=3).state_dict()
    assert _same(first, build_net(spec, seed=3).state_dict())
    assert not torch.equal(first["conv1.weight"], build_net(spec, seed=4).state_dict()["conv1.weight"])


def test_the_global_random_state_is_neither_used_nor_changed():
    torch.manual_seed(1)
    first = build_net(NetSpec(depth=8)).state_dict()
    before = torch.get_rng_state()
    second = build_net(NetSpec(depth=8)).state_dict()
    assert _same(first, second)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("init", ["he", "xavier", "default", "gaussian"])
@pytest.mark.parametrize("norm", ["batch", "none"])
def test_twins_share_every_tensor_and_start_alike(init, norm):
    spec = NetSpec(depth=14, norm=norm, init=init)
    assert _same(build_net(spec, 7).state_dict(), build_net(spec.twin(), 7).state_dict())


def test_tensors_of_the_same_name_start_alike_whatever_the_shortcut():
    with_projections = build_net(NetSpec(depth=14, shortcut="B"), 7).state_dict()
    without = build_net(NetSpec(depth=14), 7).state_dict()
    assert set(without) < set(with_projections)
    assert all(torch.equal(without[name], with_projections[name]) for name in without)


def test_layers_of_the_same_shape_start_differently():
    net = build_net(NetSpec(depth=14))
    assert not torch.equal(net.layer1[0].conv1.weight, net.layer1[0].conv2.weight)


def test_every_tensor_is_filled(preset_name, shrink):
    net = build_net(shrink(PRESETS[preset_name].spec))
    for name, tensor in net.state_dict().items():
        assert torch.isfinite(tensor).all(), name
        assert tensor.abs().max() < 100, name


def test_the_deepest_network_is_built_in_seconds():
    started = time.process_time()
    net = build_net(preset("resnet-1202"))
    assert time.process_time() - started < 15
    assert sum(parameter.numel() for parameter in net.parameters()) == 19_421_274


def test_a_net_travels_through_its_state_dict():
    spec = NetSpec(depth=8, merge="exclusive_gate", shortcut="B")
    one, other = build_net(spec, 1), build_net(spec, 2)
    other.load_state_dict(one.state_dict())
    images = torch.randn(2, 3, 32, 32)
    assert torch.equal(one.eval()(images), other.eval()(images))
