import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from resnet_core.networks.build import build_net
from resnet_core.networks.spec import NetSpec
from resnet_core.training.probe import LayerProbe


class TwoLayers(nn.Module):
    """y = b(2 a(x)) with weights one can do by hand; the observed block is a's output."""

    def __init__(self):
        super().__init__()
        self.a = nn.Linear(1, 2, bias=False)
        self.b = nn.Linear(2, 1, bias=False)
        self.scale = nn.Parameter(torch.tensor(2.0))  # no layer: it has no row
        with torch.no_grad():
            self.a.weight.copy_(torch.tensor([[1.0], [3.0]]))
            self.b.weight.copy_(torch.tensor([[2.0, -1.0]]))

    def forward(self, x):
        return self.b(self.scale * self.a(x))

    def observed_blocks(self):
        return [("a", self.a)]


def test_numbers_done_by_hand():
    net = TwoLayers()
    probe = LayerProbe(net)
    assert (probe.weight_names, probe.block_names) == (("a", "b"), ("a",))
    x = torch.tensor([[1.0], [2.0]])  # a's output: [[1, 3], [2, 6]]
    with probe.observe(batch_size=2):
        net(x).mean().backward()
    before = probe.clone_weights()
    with torch.no_grad():
        net.a.weight += 0.1
        net.b.weight -= torch.tensor([[0.3, 0.0]])
    weights, blocks = probe.compute(before)
    # d mean / d b = 2 * mean over the batch of a(x) = [3, 9]; d mean / d a = 2 * b * mean x = [6, -3]
    rms = np.sqrt([(36 + 9) / 2, (9 + 81) / 2])
    weight_rms = np.sqrt([(1 + 9) / 2, (4 + 1) / 2])
    update_rms = np.sqrt([0.01, 0.09 / 2])
    expected = np.stack([rms, rms / weight_rms, update_rms / weight_rms], axis=1)
    assert weights == pytest.approx(expected, rel=1e-5)
    # Gradient of the mean loss with respect to a's output is b * 2 / 2 in each row; times the batch size.
    output = np.array([1, 3, 2, 6])
    gradient_rms = np.sqrt((16 + 4) / 2)
    assert blocks == pytest.approx(np.array([[gradient_rms, output.mean(), output.var()]]), rel=1e-5)


def test_the_blocks_gradient_does_not_depend_on_the_batch_size(toy_spec):
    net = build_net(toy_spec).eval()
    probe = LayerProbe(net)
    x, y = torch.randn(4, 3, 32, 32), torch.tensor([0, 1, 2, 0])

    def measure(times):
        with probe.observe(4 * times):
            F.cross_entropy(net(x.repeat(times, 1, 1, 1)), y.repeat(times)).backward()
        return probe.compute(probe.clone_weights())[1]

    assert measure(3) == pytest.approx(measure(1), rel=1e-3)


def test_weights_of_zero_have_no_ratio(toy_spec):
    net = build_net(toy_spec)
    nn.init.zeros_(net.fc.weight)
    probe = LayerProbe(net)
    with probe.observe(2):
        net(torch.randn(2, 3, 32, 32)).sum().backward()
    weights, blocks = probe.compute(probe.clone_weights())
    fc = probe.weight_names.index("fc")
    assert weights[fc, 0] > 0
    assert np.isnan(weights[fc, 1:]).all()
    assert np.isfinite(blocks).all()
    # Nothing flows back through a zero classifier: a gradient of zero, not a missing one.
    assert (blocks[:, 0] == 0).all()


def hooks_in(net):
    return sum(len(module._forward_hooks) for module in net.modules())


def test_no_hook_is_left_also_after_an_exception(toy_spec):
    net = build_net(toy_spec)
    probe = LayerProbe(net)
    with probe.observe(1):
        assert hooks_in(net) == len(probe.block_names)
    assert hooks_in(net) == 0
    with pytest.raises(KeyboardInterrupt), probe.observe(1):
        raise KeyboardInterrupt
    assert hooks_in(net) == 0


def test_a_vanishing_gradient_is_seen():
    """Plain, without norm and from a small start: the gradient falls by decades towards the input."""
    spec = NetSpec(family="plain", depth=20, width=4, norm="none", init="default")
    net = build_net(spec)
    probe = LayerProbe(net)
    with probe.observe(8):
        F.cross_entropy(net(torch.randn(8, 3, 32, 32)), torch.arange(8)).backward()
    gradients = probe.compute(probe.clone_weights())[1][:, 0]
    assert gradients[1] < 1e-2 * gradients[-1]


def test_a_tiny_gradient_is_not_taken_for_none(toy_spec):
    """Its square has no place in float32."""
    net = build_net(toy_spec)
    probe = LayerProbe(net)
    x = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with probe.observe(4):
        (net(x).sum() * 1e-28).backward()
    weights, blocks = probe.compute(probe.clone_weights())
    assert (blocks[:, 0] > 0).all() and (weights[:, 0] > 0).all()
    assert blocks[:, 0].max() < 1e-24
