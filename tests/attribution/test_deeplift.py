"""DeepLIFT's rules by hand, and Captum's where Captum is right."""

import pytest
import torch
import torch.nn.functional as F
from captum.attr import DeepLift
from torch import nn

from resnet_core.attribution.deeplift import deeplift_multipliers
from resnet_core.networks.build import build_net
from resnet_core.networks.spec import NetSpec


class Scalar(nn.Module):
    """A function of (N, 1, 1, K) summed over K into one logit."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x * 1.0).flatten(1).sum(1, keepdim=True)


def multipliers(function, x, baseline):
    x, baseline = (torch.tensor(values).view(1, 1, 1, -1) for values in (x, baseline))
    return deeplift_multipliers(Scalar(function), x, baseline, torch.tensor([0])).flatten().tolist()


@pytest.mark.parametrize(
    "relu",
    [F.relu, torch.relu, torch.Tensor.relu, nn.ReLU(), nn.ReLU(inplace=True)],
    ids=["functional", "torch", "tensor", "module", "module in place"],
)
def test_relu_is_the_ratio_of_differences(relu):
    found = multipliers(relu, [3.0, -1.0, 2.0, -2.0], [-1.0, 3.0, 1.0, -1.0])
    assert found == pytest.approx([3 / 4, 3 / 4, 1, 0])


def test_gradient_where_nothing_differs():
    assert multipliers(torch.relu, [2.0, -2.0], [2.0, -2.0]) == pytest.approx([1, 0])
    assert multipliers(torch.sigmoid, [0.0], [0.0]) == pytest.approx([0.25])


@pytest.mark.parametrize("function", [torch.sigmoid, torch.tanh])
def test_saturating_functions(function):
    rise = (function(torch.tensor(4.0)) - function(torch.tensor(-1.0))) / 5
    assert multipliers(function, [4.0], [-1.0]) == pytest.approx([float(rise)], rel=1e-5)


def test_product_gives_each_factor_the_mean_of_the_other():
    def product(x):
        return x[..., :1] * x[..., 1:]

    assert multipliers(product, [3.0, 5.0], [1.0, 2.0]) == pytest.approx([3.5, 2.0])
    assert 3.5 * 2 + 2.0 * 3 == 3 * 5 - 1 * 2


def test_product_with_a_weight_is_linear():
    weight = nn.Parameter(torch.tensor([2.0]))
    assert multipliers(lambda x: x * weight, [3.0], [1.0]) == pytest.approx([2.0])


@pytest.mark.parametrize(
    ("x", "baseline", "expected"),
    [
        ([1.0, 5.0, 2.0], [1.0, 1.0, 1.0], [0, 2, 0]),  # the middle wins both windows: all of 2·(5 - 1)
        ([1.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0, 7 / 4, 0]),  # its fall from 4 explains 1 - 4 and 0 - 4
    ],
)
def test_overlapping_max_pool(x, baseline, expected):
    pool = nn.MaxPool2d((1, 2), stride=1)
    found = multipliers(pool, x, baseline)
    assert found == pytest.approx(expected)


def test_max_pool_with_padding_and_stride():
    pool = nn.MaxPool2d(3, stride=2, padding=1)
    generator = torch.Generator().manual_seed(0)
    x, baseline = torch.randn(2, 4, 3, 9, 9, generator=generator)
    net = nn.Sequential(nn.Conv2d(3, 2, 1), pool, nn.Flatten(), nn.Linear(50, 1))
    found = deeplift_multipliers(net, x, baseline, torch.zeros(4, dtype=torch.long))
    with torch.no_grad():
        change = (net(x) - net(baseline))[:, 0]
    torch.testing.assert_close(((x - baseline) * found).sum((1, 2, 3)), change, rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings("ignore:Setting forward, backward hooks")
@pytest.mark.parametrize(
    "spec",
    [{"depth": 14}, {"family": "plain", "depth": 14}, {"family": "preact", "depth": 8}, {"norm": "none"}],
    ids=str,
)
def test_same_as_captum_where_captum_is_complete(spec):
    net = build_net(NetSpec(width=8, **spec), seed=0).eval()
    x, baseline = torch.randn(2, 2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    targets = torch.tensor([3, 5])
    captums = DeepLift(net, eps=1e-6).attribute(x.clone().requires_grad_(), baseline, target=targets).detach()
    ours = (x - baseline) * deeplift_multipliers(net, x, baseline, targets)
    torch.testing.assert_close(ours, captums, rtol=1e-3, atol=1e-3 * float(captums.abs().max()))


def test_one_module_used_twice():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.relu = nn.Linear(3, 3), nn.ReLU()

        def forward(self, x):
            return self.relu(self.fc(self.relu(self.fc(x.flatten(1)))))

    net = Twice()
    x, baseline = torch.randn(2, 1, 3, 1, 1, generator=torch.Generator().manual_seed(2))
    for target in range(3):
        found = deeplift_multipliers(net, x, baseline, torch.tensor([target]))
        with torch.no_grad():
            change = (net(x) - net(baseline))[0, target]
        assert float(((x - baseline) * found).sum()) == pytest.approx(float(change), abs=1e-5)
