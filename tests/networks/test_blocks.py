import torch
from torch import Tensor

from resnet_core.networks.blocks import Block, PreActBlock
from resnet_core.networks.build import build_net
from resnet_core.networks.spec import NetSpec


def test_a_block_is_its_branch_plus_its_shortcut():
    block = build_net(NetSpec(depth=14, width=4)).layer2[0].eval()
    x = torch.rand(2, 4, 32, 32)
    torch.testing.assert_close(block(x), torch.relu(block.branch(x) + block.shortcut(x)))


def test_a_block_without_skip_is_its_branch_alone():
    block = build_net(NetSpec(depth=14, width=4, skips="110011")).layer2[0].eval()
    x = torch.rand(2, 4, 32, 32)
    torch.testing.assert_close(block(x), torch.relu(block.branch(x)))


def test_a_highway_layer_mixes_by_its_gate():
    layer = build_net(NetSpec("highway", depth=7, width=4, norm="none")).layer1[0]
    x = torch.rand(2, 4, 8, 8)
    transform = torch.relu(layer.conv1(x))
    gate = torch.sigmoid(layer.merge.gate(x))
    torch.testing.assert_close(layer(x), transform * gate + x * (1 - gate))


def test_the_merge_receives_the_end_of_the_branch_and_the_shortcut(structure):
    """What hooks on blocks and merges see, in every kind of block."""
    net = build_net(structure).eval()
    blocks = [(name, block) for name, block in net.observed_blocks() if isinstance(block, Block)]
    seen: dict[str, list[Tensor]] = {}
    for name, block in blocks:
        for module in (block, block.merge):
            if module is not None:
                module.register_forward_pre_hook(
                    lambda _module, inputs, name=name: seen.setdefault(name, []).extend(inputs)
                )
    net(torch.randn(1, 3, structure.image_size, structure.image_size))
    for name, block in blocks:
        if block.merge is None:
            assert len(seen[name]) == 1
            continue
        x, end_of_branch, shortcut = seen[name]
        y = block.activation(x) if isinstance(block, PreActBlock) else x
        branch = block.branch(y)
        torch.testing.assert_close(end_of_branch, branch if block.alpha is None else block.alpha(branch))
        source = y if block.architecture.shortcut_after_activation else x
        torch.testing.assert_close(shortcut, block.shortcut(source))
