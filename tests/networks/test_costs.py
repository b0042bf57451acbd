import math

import pytest
import torch
from torch import nn

from resnet_core.networks.blocks import Block
from resnet_core.networks.build import build_net
from resnet_core.networks.costs import count_costs, tensor_shapes
from resnet_core.networks.layers import ScalarBias, ScalarScale, ZeroPad
from resnet_core.networks.network import Network
from resnet_core.networks.presets import preset
from resnet_core.networks.spec import NetSpec


def _is_container(module: nn.Module) -> bool:
    """Modules that have no row of their own: their layers have. An nn.Identity takes the place of a missing layer."""
    return isinstance(module, Network | Block | nn.Sequential | nn.Identity)


def _calls(net: Network, image_size: int) -> list[tuple[str, nn.Module, tuple[int, ...]]]:
    """(name, module, output shape for one picture) of each layer that a forward pass calls, in the order of calls."""
    calls = []
    for name, module in net.named_modules():
        if not _is_container(module):
            module.register_forward_hook(
                lambda called, _inputs, out, name=name: calls.append((name, called, tuple(out.shape[1:])))
            )
    net(torch.empty(1, 3, image_size, image_size, device="meta"))
    return calls


def _macs(module: nn.Module, shape: tuple[int, ...]) -> int:
    if isinstance(module, nn.Conv2d | nn.Linear):
        return module.weight.numel() * math.prod(shape[1:])
    return 0


KINDS = {
    nn.Conv2d: "conv",
    nn.Linear: "linear",
    nn.BatchNorm2d: "norm",
    nn.ReLU: "relu",
    nn.Sigmoid: "sigmoid",
    nn.MaxPool2d: "pool",
    nn.AdaptiveAvgPool2d: "pool",
    nn.Dropout: "dropout",
    ZeroPad: "pad",
    ScalarBias: "shift",
    ScalarScale: "scale",
}


def _check_costs(spec: NetSpec) -> None:
    """The layers that the modules' forward calls, and those that the costs count, are the same in the same order."""
    net, costs = build_net(spec, device="meta"), count_costs(spec)
    calls = _calls(net, spec.image_size)
    assert [(row.name, row.out_shape) for row in costs.layers] == [(name, shape) for name, _, shape in calls]
    for row, (_, module, shape) in zip(costs.layers, calls, strict=True):
        assert row.kind == KINDS.get(type(module), "merge"), row
        own = 0 if row.kind == "merge" else sum(parameter.numel() for parameter in module.parameters())
        assert (row.params, row.macs) == (own, _macs(module, shape)), row
    assert costs.macs == sum(row.macs for row in costs.layers)
    assert costs.parameters == sum(parameter.numel() for parameter in net.parameters())
    assert tensor_shapes(spec) == {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}


def test_costs_count_the_layers_that_forward_calls(structure):
    _check_costs(structure)


def test_costs_of_presets_count_the_layers_that_forward_calls(preset_name):
    _check_costs(preset(preset_name))


@pytest.mark.parametrize(
    ("name", "giga"),
    [
        # torchvision's documentation, "GIPS/GFLOPS" of each model: multiply-adds at 224.
        ("alexnet", 0.71),
        ("vgg-19", 19.63),
        ("resnet-18", 1.81),
        ("resnet-34", 3.66),
        ("resnet-50", 4.09),
        ("resnet-101", 7.80),
        ("resnet-152", 11.51),
    ],
)
def test_multiply_adds_are_the_published_ones(name, giga):
    assert count_costs(preset(name)).macs / 1e9 == pytest.approx(giga, abs=0.006)


def _kept_by_autograd(spec: NetSpec) -> int:
    """Bytes per picture that PyTorch really keeps for backward: each distinct tensor once."""
    net = build_net(spec)
    images = torch.randn(2, 3, spec.image_size, spec.image_size)
    weights = {parameter.data_ptr() for parameter in net.parameters()}
    kept: dict[int, torch.Tensor] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.data_ptr() not in weights and tensor.dim() >= 2:
            kept[tensor.data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        logits = net(images)
    total = sum(tensor.numel() * tensor.element_size() for tensor in kept.values()) // len(images)
    logits.sum().backward()
    return total


@pytest.mark.parametrize(
    "spec",
    [
        *(NetSpec(family, depth=14) for family in ("plain", "residual", "preact", "highway")),
        NetSpec("highway", depth=14, norm="none"),
        NetSpec("preact", depth=20, block="bottleneck", shortcut="B"),
        NetSpec("preact", depth=14, order="relu_only_preact"),
        NetSpec(depth=14, shortcut="C"),
        NetSpec(depth=14, skips="101010"),
        NetSpec(depth=14, merge="exclusive_gate"),
        NetSpec(depth=14, merge="shortcut_gate"),
        NetSpec(depth=14, merge="dropout"),
        NetSpec(depth=14, merge="scaled", skip_strength=0.5),
        NetSpec(depth=14, order="bn_after_add"),
        NetSpec(depth=14, order="relu_before_add"),
        NetSpec(depth=14, norm="none", init="skipinit"),
        NetSpec(depth=14, norm="none", init="fixup"),
        preset("resnet-18-at-32"),
        preset("alexnet-at-32"),
        preset("vgg-19-at-32"),
        preset("resnet-18"),
        preset("alexnet"),
    ],
)
def test_activation_memory_is_what_autograd_keeps(spec):
    assert count_costs(spec).activation_bytes_per_image == _kept_by_autograd(spec)


@pytest.mark.parametrize(
    ("spec", "pixels"),
    [
        # Araujo et al. 2019, https://distill.pub/2019/computing-receptive-fields: 195 and 435.
        (preset("alexnet"), 195),
        (preset("resnet-18"), 435),
        (NetSpec("plain", depth=20), 81),
        (NetSpec(depth=20), 81),
    ],
)
def test_receptive_field(spec, pixels):
    assert count_costs(spec).receptive_field == pixels


def test_receptive_field_is_the_reach_of_the_gradient():
    """Positive weights: one pixel of the last map depends on exactly that square of the picture."""
    spec = NetSpec("plain", depth=8, width=2, norm="none")
    net = build_net(spec)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.fill_(0.1)
    image = torch.ones(1, 3, 96, 96, requires_grad=True)
    maps = []
    net.layer3.register_forward_hook(lambda _module, _in, out: maps.append(out))
    net(image)
    maps[0][0, 0, 12, 12].backward()
    rows = (image.grad[0, 0].abs().sum(1) > 0).nonzero()
    assert rows.max() - rows.min() + 1 == count_costs(spec).receptive_field
