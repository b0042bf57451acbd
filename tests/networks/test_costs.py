import itertools
import math
from collections import Counter

import pytest
import torch
from torch import nn

from resnet_core.networks.build import build_net
from resnet_core.networks.costs import count_costs, path_lengths, tensor_shapes
from resnet_core.networks.presets import PRESETS, preset
from resnet_core.networks.spec import NetSpec

VGG_BN = NetSpec("vgg", depth=19, width=64, layout="imagenet")


def _run(spec: NetSpec) -> dict[str, tuple[nn.Module, torch.Size]]:
    """What a forward pass calls, in order: name -> module and the shape it gives for one picture."""
    net = build_net(spec, device="meta")
    called = {}
    for name, module in net.named_modules():
        if name and not isinstance(module, nn.Sequential) and not hasattr(module, "plan"):
            module.register_forward_hook(
                lambda called_module, _in, out, name=name: called.__setitem__(name, (called_module, out.shape[1:]))
            )
    net(torch.empty(1, 3, spec.image_size, spec.image_size, device="meta"))
    return called


def _macs(module: nn.Module, shape: torch.Size) -> int:
    if isinstance(module, nn.Conv2d | nn.Linear):
        return module.weight.numel() * math.prod(shape[1:])
    return 0


SPECS = [*(row.spec for row in PRESETS.values()), VGG_BN, NetSpec(skips="110110110")]


@pytest.mark.parametrize("spec", SPECS)
def test_rows_are_the_real_modules_with_their_shapes_and_costs(spec):
    called = _run(spec)
    rows = {row.name: row for row in count_costs(spec).layers}
    assert len(rows) == len(count_costs(spec).layers)
    assert list(rows) == list(called)
    for name, (module, shape) in called.items():
        assert rows[name].out_shape == tuple(shape)
        if rows[name].kind != "merge":
            own = sum(parameter.numel() for parameter in module.parameters())
            assert rows[name].params == own, name
            assert rows[name].macs == _macs(module, shape), name


@pytest.mark.parametrize("spec", SPECS)
def test_tensors_are_those_of_the_state_dict(spec):
    state = build_net(spec, device="meta").state_dict()
    assert tensor_shapes(spec) == {name: tuple(tensor.shape) for name, tensor in state.items()}


def test_totals_are_the_sums(preset_name):
    summary = count_costs(preset(preset_name))
    net = build_net(preset(preset_name), device="meta")
    assert summary.parameters == sum(parameter.numel() for parameter in net.parameters())
    assert summary.macs == sum(row.macs for row in summary.layers)


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


@pytest.mark.parametrize("skips", ["111", "101", "000", "010"])
def test_paths_are_those_one_can_count(skips):
    spec = NetSpec(depth=8, skips=skips)
    choices = [(0, 1) if bit == "1" else (1,) for bit in skips]
    counted = Counter(sum(path) for path in itertools.product(*choices))
    assert path_lengths(spec) == counted
    assert count_costs(spec).n_paths == sum(counted.values())


def test_paths_of_deep_nets_are_exact():
    summary = count_costs(preset("resnet-1202"))
    assert summary.n_paths == 2**600
    assert summary.path_lengths[300] == math.comb(600, 300)
    assert count_costs(preset("plain-56")).path_lengths == {27: 1}
    assert count_costs(preset("vgg-19")).n_paths == 1
    assert count_costs(NetSpec(skip_strength=0.0)).n_paths == 1
