import math

import pytest
import torch
from torch import nn

from resnet_core.networks.build import build_net
from resnet_core.networks.merges import GatedAdd
from resnet_core.networks.spec import NetSpec


def _spread(init: str) -> float:
    """Measured standard deviation of a wide 3x3 convolution's weights, over that of He's start."""
    net = build_net(NetSpec(depth=8, init=init, norm="none"))
    weight = net.layer3[0].conv2.weight
    return weight.std().item() / math.sqrt(2 / (64 * 9))


@pytest.mark.parametrize(
    ("init", "spread"),
    [
        ("he", 1.0),
        ("xavier", math.sqrt(0.5)),
        ("default", math.sqrt(1 / 6)),
        ("gaussian", 0.01 * math.sqrt(288)),
    ],
)
def test_each_start_has_its_spread(init, spread):
    assert _spread(init) == pytest.approx(spread, rel=0.03)


@pytest.mark.parametrize("init", ["he", "xavier", "gaussian"])
def test_biases_start_at_zero(init):
    net = build_net(NetSpec(depth=8, norm="none", init=init))
    assert all(not tensor.any() for name, tensor in net.named_parameters() if name.endswith("bias"))


def test_pytorchs_default_is_pytorchs_own():
    ours = build_net(NetSpec(depth=8, norm="none", init="default")).layer3[0].conv2
    theirs = nn.Conv2d(64, 64, 3)
    for name in ("weight", "bias"):
        assert getattr(ours, name).abs().max() <= getattr(theirs, name).abs().max() * 1.1
        assert getattr(ours, name).std().item() == pytest.approx(getattr(theirs, name).std().item(), rel=0.25)


@pytest.mark.parametrize(
    "spec",
    [
        NetSpec(depth=14, width=4, init="zero_gamma"),
        NetSpec(depth=14, width=4, norm="none", init="skipinit"),
        NetSpec(depth=14, width=4, norm="none", init="fixup"),
        NetSpec("preact", depth=14, width=4, norm="none", init="skipinit"),
    ],
)
def test_zero_branch_starts_make_each_block_with_a_skip_an_identity(spec):
    net = build_net(spec)
    x = torch.rand(2, 4, 32, 32)
    assert torch.equal(net.layer1[1](x), x)


@pytest.mark.parametrize("init", ["skipinit", "fixup"])
def test_a_block_without_its_skip_starts_as_he_says(init):
    partly = build_net(NetSpec(depth=14, width=4, norm="none", init=init, skips="101111"))
    he = build_net(NetSpec(depth=14, width=4, norm="none", init="he", skips="101111"))
    x = torch.rand(2, 4, 32, 32)
    torch.testing.assert_close(partly.layer1[1](x), he.layer1[1](x))


def test_fixup_shrinks_branches_by_the_number_of_blocks():
    he = build_net(NetSpec(depth=56, norm="none")).layer3[3].conv1.weight
    fixup = build_net(NetSpec(depth=56, norm="none", init="fixup")).layer3[3].conv1.weight
    torch.testing.assert_close(fixup, he / math.sqrt(27))


@pytest.mark.parametrize("spec", [NetSpec("highway", depth=10), NetSpec(depth=8, merge="shortcut_gate")])
def test_gates_start_at_their_bias(spec):
    gates = [module for module in build_net(spec).modules() if isinstance(module, GatedAdd)]
    assert len(gates) == spec.n_blocks
    assert all(torch.equal(gate.gate.bias, torch.full_like(gate.gate.bias, -2.0)) for gate in gates)


def _forward_ratio(init: str) -> float:
    """RMS of the last block's output over the stem's, in a plain net of 56 layers without batch norm."""
    net = build_net(NetSpec("plain", depth=56, norm="none", init=init))
    sizes: list[float] = []
    for _, module in net.observed_blocks():
        module.register_forward_hook(lambda _module, _in, out: sizes.append(out.square().mean().sqrt().item()))
    with torch.no_grad():
        net(torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(0)))
    return sizes[-1] / sizes[0]


def test_he_keeps_the_signal_in_a_plain_net_and_a_small_start_loses_it():
    assert 0.02 < _forward_ratio("he") < 50
    assert _forward_ratio("gaussian") < 1e-9
