import pytest

from resnet_core.networks import blocks, resnet
from resnet_core.networks.architecture import (
    BLOCK_TYPES,
    NETWORK_TYPES,
    alexnet_vgg_architecture,
    resnet_architecture,
)
from resnet_core.networks.layer_types import Add, Layer, StochasticAdd
from resnet_core.networks.presets import PRESETS, preset
from resnet_core.networks.spec import NetSpec

RESNETS = sorted(name for name, row in PRESETS.items() if row.spec.family not in ("alexnet", "vgg"))


@pytest.mark.parametrize("name", RESNETS)
def test_each_block_takes_what_the_one_before_gives(name):
    net = resnet_architecture(preset(name))
    channels = net.stem[0].out_channels
    for block in net.blocks:
        assert block.in_channels == channels
        channels = block.out_channels


@pytest.mark.parametrize("name", RESNETS)
def test_the_depth_is_the_number_of_layers_with_weights_on_the_longest_path(name):
    spec = preset(name)
    assert 2 + sum(len(block.convs) for block in resnet_architecture(spec).blocks) == spec.depth


def test_every_type_has_its_class():
    assert {class_name for class_name, _ in BLOCK_TYPES.values()} == set(blocks.BLOCKS)
    assert {class_name for class_name, _ in NETWORK_TYPES.values()} == set(resnet.NETWORKS)


def test_shortcut_options_differ_where_the_paper_says():
    def kinds(option: str) -> list[str]:
        return [block.shortcut for block in resnet_architecture(NetSpec(depth=14, shortcut=option)).blocks]

    assert kinds("A") == ["identity", "identity", "pad", "identity", "pad", "identity"]
    assert kinds("B") == ["identity", "identity", "project", "identity", "project", "identity"]
    assert kinds("C") == ["project"] * 6


def test_a_shortcut_has_layers_only_where_it_is_no_identity():
    def names(**fields) -> list[list[str]]:
        architecture = resnet_architecture(NetSpec(depth=8, **fields))
        return [[layer.name for layer in block.downsample] for block in architecture.blocks]

    assert names() == [[], ["downsample"], ["downsample"]]
    assert names(shortcut="B") == [[], *[["downsample.0", "downsample.1"]] * 2]
    assert names(shortcut="B", norm="none") == [[], ["downsample.0"], ["downsample.0"]]
    assert names(skips="none") == [[], [], []]


def test_orders_of_layers():
    def names(layers: tuple[Layer, ...]) -> str:
        return " ".join(layer.name if type(layer).__name__ != "Identity" else "-" for layer in layers)

    def order(**fields) -> tuple[str, str, str]:
        block = resnet_architecture(NetSpec(depth=14, **fields)).blocks[1]
        return names(block.before), names(block.branch), names(block.after)

    assert order() == ("", "conv1 bn1 relu1 conv2 bn2", "relu2")
    assert order(order="bn_after_add") == ("", "conv1 bn1 relu1 conv2", "bn2 relu2")
    assert order(order="relu_before_add") == ("", "conv1 bn1 relu1 conv2 bn2 relu2", "")
    assert order(family="preact") == ("bn1 relu1", "conv1 bn2 relu2 conv2", "")
    assert order(family="preact", order="relu_only_preact") == ("relu1", "conv1 bn1 relu2 conv2 bn2", "")
    assert order(norm="none", init="skipinit") == ("", "conv1 - relu1 conv2 - alpha", "relu2")
    assert order(norm="none", init="fixup")[1] == "bias1a conv1 bias1b relu1 bias2a conv2 scale bias2b"


def test_a_preactivation_shortcut_starts_at_the_activation_only_where_the_paper_says():
    blocks = resnet_architecture(NetSpec("preact", depth=14, shortcut="B")).blocks
    assert [block.shortcut_after_activation for block in blocks] == [True, False, True, False, True, False]
    assert not any(block.shortcut_after_activation for block in resnet_architecture(NetSpec(shortcut="B")).blocks)


def test_stochastic_depth_rises_linearly_to_its_end():
    merges = [block.merge for block in resnet_architecture(NetSpec(depth=14, drop_path=0.6)).blocks]
    assert [merge.drop for merge in merges] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])


def test_a_block_without_skip_is_never_dropped():
    first, second, third = resnet_architecture(NetSpec(depth=8, drop_path=0.6, skips="101")).blocks
    assert second.merge is None
    assert (first.merge, third.merge) == (StochasticAdd(1.0, 0.6 / 3), StochasticAdd(1.0, 0.6))
    assert resnet_architecture(NetSpec(depth=8, drop_path=0.0)).blocks[0].merge == Add(1.0)


def test_vgg_has_sixteen_convolutions_in_five_groups():
    features = alexnet_vgg_architecture(preset("vgg-19")).features
    kinds = "".join(type(layer).__name__[0] for layer in features)
    assert kinds == "M".join(["CR" * 2, "CR" * 2, "CR" * 4, "CR" * 4, "CR" * 4, ""])
