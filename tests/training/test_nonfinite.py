import pytest
import torch
from torch import nn

from resnet_core.training.nonfinite import first_nonfinite


@pytest.fixture
def net():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Sequential(nn.Linear(2, 2), nn.ReLU()), nn.Linear(2, 1))
    with torch.no_grad():
        net[0].weight.fill_(1.0)  # positive inputs pass the first ReLU
    return net


def test_a_finite_network_has_no_such_place(net):
    assert first_nonfinite(net, lambda: net(torch.ones(1, 2))) is None


def test_a_parameter_comes_before_outputs(net):
    with torch.no_grad():
        net[2][0].bias[1] = torch.nan
    assert first_nonfinite(net, lambda: net(torch.ones(1, 2))) == "bias of layer 2.0"


def test_the_first_output_in_the_order_of_the_forward_pass(net):
    with torch.no_grad():
        net[2][0].weight.fill_(1e38)
        net[2][0].bias.fill_(1e38)
    found = first_nonfinite(net, lambda: net(torch.full((1, 2), 1e10)))
    assert found == "output of layer 2.0"


def test_no_hook_is_left(net):
    def fail():
        raise ValueError("in the forward pass")

    with pytest.raises(ValueError, match="forward"):
        first_nonfinite(net, fail)
    assert not any(module._forward_hooks for module in net.modules())
