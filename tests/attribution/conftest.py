"""Networks small enough to explain by hand, and one of every kind the builder offers."""

import pytest
import torch
from torch import nn

from resnet_core.data.normalise import Normalise
from resnet_core.networks.build import build_net
from resnet_core.networks.spec import NetSpec
from resnet_core.trained.loaded import LoadedNet
from resnet_core.trained.net import DataFacts, TrainedNet

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.5)


class Linear(nn.Module):
    """Two logits, both linear in a (3, 4, 4) picture."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(5)
        self.fc = nn.Linear(48, 2)
        self.fc.weight.data = torch.randn(2, 48, generator=generator)
        self.fc.bias.data = torch.tensor([0.3, -0.2])

    def forward(self, x):
        return self.fc(x.flatten(1))

    def weight(self, target):
        return self.fc.weight.detach()[target].view(3, 4, 4)


class OneReLU(nn.Module):
    """logit 0 = relu(w·x + bias), logit 1 = -logit 0."""

    def __init__(self, weight, bias):
        super().__init__()
        self.fc = nn.Linear(48, 1)
        self.fc.weight.data = weight.reshape(1, 48).clone()
        self.fc.bias.data = torch.tensor([float(bias)])
        self.relu = nn.ReLU()

    def forward(self, x):
        response = self.relu(self.fc(x.flatten(1)))
        return torch.cat([response, -response], dim=1)


class Pooled(nn.Module):
    """One observed block of two channels, 2 x 2, averaged into two logits: Grad-CAM's own setting."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(6)
        self.block = nn.Conv2d(3, 2, 2, stride=2)
        self.block.weight.data = torch.randn(2, 3, 2, 2, generator=generator)
        self.fc = nn.Linear(2, 2, bias=False)
        self.fc.weight.data = torch.tensor([[1.0, -0.5], [-0.5, -1.0]])

    def forward(self, x):
        return self.fc(self.block(x).mean((2, 3)))

    def observed_blocks(self):
        return [("block", self.block)]


@pytest.fixture
def normalise():
    return Normalise(MEAN, STD)


@pytest.fixture
def picture():
    """A normalised picture (1, 3, 4, 4) for the toys."""
    return torch.randn(1, 3, 4, 4, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def linear():
    return Linear()


@pytest.fixture
def one_relu():
    return OneReLU


@pytest.fixture
def pooled():
    return Pooled()


KINDS = {
    "plain": {"family": "plain", "depth": 14},
    "residual": {"depth": 14},
    "some skips": {"depth": 14, "skips": "101100"},
    "option B": {"depth": 8, "shortcut": "B"},
    "option C": {"depth": 8, "shortcut": "C"},
    "weak skips": {"depth": 8, "skip_strength": 0.5},
    "preact": {"family": "preact", "depth": 8},
    "preact bottleneck": {"family": "preact", "depth": 11, "block": "bottleneck", "shortcut": "B"},
    "preact ReLU only": {"family": "preact", "depth": 8, "order": "relu_only_preact"},
    "highway": {"family": "highway", "depth": 8, "norm": "none"},
    "exclusive gate": {"depth": 8, "merge": "exclusive_gate", "gate_bias": 0.0},
    "shortcut gate": {"depth": 8, "merge": "shortcut_gate", "gate_bias": 0.0},
    "scaled": {"depth": 8, "merge": "scaled", "skip_strength": 0.5},
    "dropout shortcut": {"depth": 8, "merge": "dropout"},
    "stochastic depth": {"depth": 8, "drop_path": 0.5},
    "BN after addition": {"depth": 8, "order": "bn_after_add"},
    "ReLU before addition": {"depth": 8, "order": "relu_before_add"},
    "no BN": {"depth": 8, "norm": "none"},
    "SkipInit": {"depth": 8, "norm": "none", "init": "skipinit"},
    "Fixup": {"depth": 8, "norm": "none", "init": "fixup"},
    "ImageNet layout": {"depth": 18, "layout": "imagenet", "width": 8, "shortcut": "B"},
    "7x7 stem": {"depth": 18, "layout": "imagenet", "width": 8, "shortcut": "B", "image_size": 224},
    "AlexNet": {"family": "alexnet", "depth": 8, "norm": "none", "layout": "imagenet", "width": 64},
    "VGG": {"family": "vgg", "depth": 19, "norm": "none", "layout": "imagenet", "width": 64},
}


LARGE = ("7x7 stem", "AlexNet", "VGG")  # left to `make test`


@pytest.fixture(
    params=[pytest.param(KINDS[kind], id=kind, marks=[pytest.mark.slow] if kind in LARGE else []) for kind in KINDS]
)
def every_kind(request):
    """(net, normalised picture): one network of every kind, its weights and statistics off their start.

    Where the start is made of zeros (the last layer, SkipInit's multiplier) nothing could be attributed.
    """
    spec = NetSpec(**request.param)
    generator = torch.Generator().manual_seed(2)
    net = build_net(spec, seed=1)
    with torch.no_grad():
        for values in net.parameters():
            if values.ndim <= 1 or not values.any():
                values += 0.1 * torch.randn(values.shape, generator=generator)
        if spec.norm == "batch":
            for _ in range(3):
                net(torch.randn(8, 3, spec.image_size, spec.image_size, generator=generator))
    return net, torch.randn(1, 3, spec.image_size, spec.image_size, generator=generator)


@pytest.fixture
def resnet():
    """A small residual network in training mode with used BN statistics, and a picture for it."""
    net = build_net(NetSpec(depth=14, width=8), seed=3)
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        net(torch.rand(16, 3, 32, 32, generator=generator))
    return net, torch.randn(1, 3, 32, 32, generator=generator)


@pytest.fixture
def loaded():
    """``loaded(module, mean, std)``: a network that questions can be put to."""

    def make(module, mean, std):
        facts = DataFacts("dots", tuple("abcdefghij"), tuple(mean), tuple(std))
        return LoadedNet(TrainedNet("n", "Net", NetSpec(depth=8), facts, 0), module)

    return make
