import pytest
import torch
from torch import nn

from resnet_core.networks.build import build_net
from resnet_core.networks.merges import Add, DropoutAdd, GatedAdd, ScaledAdd, StochasticAdd
from resnet_core.networks.spec import NetSpec


def _pair() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, 4, 3, 3, generator=generator), torch.randn(2, 4, 3, 3, generator=generator)


def test_add_weakens_the_shortcut_only():
    branch, shortcut = _pair()
    assert torch.equal(Add(1.0)(branch, shortcut), branch + shortcut)
    torch.testing.assert_close(Add(0.25)(branch, shortcut), branch + shortcut / 4)


def test_scaled_add_weakens_both():
    branch, shortcut = _pair()
    torch.testing.assert_close(ScaledAdd(0.3)(branch, shortcut), 0.7 * branch + 0.3 * shortcut)


@pytest.mark.parametrize(("bias", "weight_of_branch"), [(50.0, 1.0), (-50.0, 0.0)])
def test_a_gate_far_open_or_shut_lets_one_side_through(bias, weight_of_branch):
    branch, shortcut = _pair()
    gated = GatedAdd(nn.Conv2d(4, 4, 1), exclusive=True, strength=1.0)
    nn.init.constant_(gated.gate.bias, bias)
    expected = branch if weight_of_branch else shortcut
    torch.testing.assert_close(gated(branch, shortcut), expected)


def test_a_shortcut_only_gate_leaves_the_branch_whole():
    branch, shortcut = _pair()
    gated = GatedAdd(nn.Conv2d(4, 4, 1), exclusive=False, strength=1.0)
    nn.init.zeros_(gated.gate.weight)
    nn.init.zeros_(gated.gate.bias)
    torch.testing.assert_close(gated(branch, shortcut), branch + shortcut / 2)


def test_dropout_is_on_the_shortcut_and_only_in_training():
    branch, shortcut = _pair()
    merge = DropoutAdd(1.0)
    torch.manual_seed(0)
    rest = merge(branch, shortcut) - branch
    kept = rest.abs() > 1e-6
    assert 0 < kept.sum() < kept.numel()
    torch.testing.assert_close(rest[kept], 2 * shortcut[kept])
    torch.testing.assert_close(merge.eval()(branch, shortcut), branch + shortcut)


def test_stochastic_depth_leaves_the_branch_out_as_often_as_asked():
    branch, shortcut = _pair()
    merge = StochasticAdd(0.3, 1.0)
    torch.manual_seed(0)
    outputs = [merge(branch, shortcut) for _ in range(400)]
    dropped = sum(torch.equal(out, shortcut) for out in outputs)
    kept = sum(torch.equal(out, branch + shortcut) for out in outputs)
    assert dropped + kept == 400
    assert 90 <= dropped <= 150
    torch.testing.assert_close(merge.eval()(branch, shortcut), 0.7 * branch + shortcut)


def test_stochastic_parts_repeat_from_torchs_global_seed():
    net = build_net(NetSpec(depth=14, width=4, drop_path=0.5))
    x = torch.randn(4, 3, 32, 32)
    outputs = []
    for seed in (3, 3, 4, 5, 6):
        torch.manual_seed(seed)
        outputs.append(net(x))
    assert torch.equal(outputs[0], outputs[1])
    assert any(not torch.equal(outputs[0], other) for other in outputs[2:])
