import dataclasses
from collections import Counter

import pytest
import torch
import torchvision
from torch import nn

from resnet_core.networks.build import build_net
from resnet_core.networks.presets import PRESETS, preset
from resnet_core.networks.spec import NetSpec


@pytest.mark.parametrize("depth", [18, 34, 50, *(pytest.param(deep, marks=pytest.mark.slow) for deep in (101, 152))])
def test_torchvisions_weights_load_and_give_the_same_logits(depth):
    theirs = getattr(torchvision.models, f"resnet{depth}")(weights=None)
    with torch.no_grad():
        for name, buffer in theirs.named_buffers():
            if name.endswith("running_mean"):
                buffer.uniform_(-0.1, 0.1)
            elif name.endswith("running_var"):
                buffer.uniform_(0.8, 1.2)
    ours = build_net(preset(f"resnet-{depth}"), device="meta")
    ours.load_state_dict(theirs.state_dict(), strict=True, assign=True)
    images = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(ours.eval()(images), theirs.eval()(images), atol=1e-5, rtol=0)


def test_module_names_are_torchvisions():
    theirs = torchvision.models.resnet18(weights=None)
    ours = build_net(preset("resnet-18"), device="meta")
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert {"conv1", "bn1", "relu", "maxpool", "layer1.0.conv1", "layer4.1.bn2", "avgpool", "fc"} <= {
        name for name, _ in ours.named_modules()
    }


def test_observed_blocks_are_the_stem_and_every_block_in_order(preset_name, shrink):
    spec = shrink(PRESETS[preset_name].spec)
    net = build_net(spec)
    observed = net.observed_blocks()
    assert len(observed) == 1 + spec.n_blocks
    called = []
    for name, module in observed:
        assert net.get_submodule(name) is module
        module.register_forward_hook(lambda _module, _inputs, output, name=name: called.append((name, output)))
    net(torch.randn(2, 3, 32, 32))
    assert [name for name, _ in called] == [name for name, _ in observed]
    assert all(output.dim() == 4 for _, output in called)


def test_the_observed_output_is_what_the_next_block_receives():
    net = build_net(NetSpec(depth=14, width=4))
    outputs, inputs = [], []
    for _, module in net.observed_blocks():
        module.register_forward_hook(lambda _module, _inputs, output: outputs.append(output))
    for _, block in net.blocks():
        block.register_forward_hook(lambda _module, received, _output: inputs.append(received[0]))
    net(torch.randn(2, 3, 32, 32))
    assert all(torch.equal(out, into) for out, into in zip(outputs[:-1], inputs, strict=True))


def test_every_relu_is_a_module_of_its_own_and_never_in_place(preset_name, shrink):
    net = build_net(shrink(PRESETS[preset_name].spec), device="meta")
    uses: Counter[nn.Module] = Counter()
    for module in net.modules():
        if isinstance(module, nn.ReLU):
            assert not module.inplace
            module.register_forward_hook(lambda used, _inputs, _output: uses.update([used]))
    net(torch.empty(2, 3, 32, 32, device="meta"))
    assert set(uses.values()) == {1}
    assert len(uses) == sum(isinstance(module, nn.ReLU) for module in net.modules())


@pytest.mark.parametrize("spec", [NetSpec(depth=14, width=4), NetSpec("preact", depth=14, width=4)])
def test_a_skip_toggled_off_changes_the_output_and_nothing_in_the_state(spec):
    off = spec.with_skips("110111")
    on_net, off_net = build_net(spec), build_net(off)
    off_net.load_state_dict(on_net.state_dict())
    images = torch.randn(2, 3, 32, 32)
    assert not torch.allclose(on_net.eval()(images), off_net.eval()(images))


def test_a_plain_net_is_the_residual_one_without_skips():
    plain, bare = NetSpec("plain", depth=14, width=4), NetSpec(depth=14, width=4, skips="none")
    images = torch.randn(2, 3, 32, 32)
    assert torch.equal(build_net(plain)(images), build_net(bare)(images))


def test_skip_strength_zero_is_no_skip():
    weak, bare = NetSpec(depth=14, width=4, skip_strength=0.0), NetSpec(depth=14, width=4, skips="none")
    images = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(build_net(weak)(images), build_net(bare)(images))


@pytest.mark.parametrize("width", [1, 5])
def test_any_width(width):
    net = build_net(NetSpec(depth=8, width=width, num_classes=3))
    assert net(torch.randn(2, 3, 32, 32)).shape == (2, 3)


def test_highways_with_and_without_norm_and_with_toggles():
    spec = NetSpec("highway", depth=10, width=4)
    for variant in (spec, dataclasses.replace(spec, norm="none"), spec.with_skips("010101")):
        assert torch.isfinite(build_net(variant)(torch.randn(2, 3, 32, 32))).all()
