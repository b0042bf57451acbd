"""The layers of every network: their names, shapes and order, worked out from the spec. No torch.

One source for modules and numbers: `resnet`, `blocks` and `alexnet_vgg` create their modules from these layers, `costs`
counts from them, the Design page draws them. In which order a network applies its layers is written in the `forward` of
its modules; the order of the layers here is the same, and tests/networks/test_costs.py compares the two.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from resnet_core.networks.depths import BOTTLENECK_EXPANSION, blocks_per_stage
from resnet_core.networks.layer_types import (
    Add,
    AveragePool,
    BatchNorm,
    Conv,
    Dropout,
    DropoutAdd,
    GatedAdd,
    Identity,
    Layer,
    Linear,
    MaxPool,
    Merge,
    ReLU,
    ScalarBias,
    ScalarScale,
    ScaledAdd,
    StochasticAdd,
    ZeroPad,
)

if TYPE_CHECKING:
    from resnet_core.networks.spec import NetSpec


BLOCK_TYPES = {
    ("standard", "basic"): ("BasicBlock", "| conv1 bn1 relu1 conv2 bn2 + relu2"),
    ("standard", "bottleneck"): ("Bottleneck", "| conv1 bn1 relu1 conv2 bn2 relu2 conv3 bn3 + relu3"),
    ("bn_after_add", "basic"): ("BNAfterAddBasicBlock", "| conv1 bn1 relu1 conv2 + bn2 relu2"),
    ("bn_after_add", "bottleneck"): ("BNAfterAddBottleneck", "| conv1 bn1 relu1 conv2 bn2 relu2 conv3 + bn3 relu3"),
    ("relu_before_add", "basic"): ("ReLUBeforeAddBasicBlock", "| conv1 bn1 relu1 conv2 bn2 relu2 +"),
    ("relu_before_add", "bottleneck"): (
        "ReLUBeforeAddBottleneck",
        "| conv1 bn1 relu1 conv2 bn2 relu2 conv3 bn3 relu3 +",
    ),
    ("preact", "basic"): ("PreActBasicBlock", "bn1 relu1 | conv1 bn2 relu2 conv2 +"),
    ("preact", "bottleneck"): ("PreActBottleneck", "bn1 relu1 | conv1 bn2 relu2 conv2 bn3 relu3 conv3 +"),
    ("relu_only_preact", "basic"): ("ReLUOnlyPreActBasicBlock", "relu1 | conv1 bn1 relu2 conv2 bn2 +"),
    ("relu_only_preact", "bottleneck"): (
        "ReLUOnlyPreActBottleneck",
        "relu1 | conv1 bn1 relu2 conv2 bn2 relu3 conv3 bn3 +",
    ),
    ("fixup", "basic"): ("FixupBasicBlock", "| bias1a conv1 bias1b relu1 bias2a conv2 scale bias2b + relu2"),
    ("fixup", "bottleneck"): (
        "FixupBottleneck",
        "| bias1a conv1 bias1b relu1 bias2a conv2 bias2b relu2 bias3a conv3 scale bias3b + relu3",
    ),
    ("highway", "basic"): ("HighwayLayer", "| conv1 bn1 relu1 +"),
}
"""(order of the layers, block of the spec) -> the name of a class of `blocks`, and its layers in order.

| stands where branch and shortcut part, + where they are merged. (In pre-activation blocks the shortcut may part at the
block's input: `BlockArchitecture.shortcut_after_activation`.)
"""

NETWORK_TYPES = {
    "standard": ("ResNet", "conv1 bn1 relu maxpool | avgpool | fc"),
    "preact": ("PreActResNet", "conv1 maxpool | bn_last relu_last avgpool | fc"),
    "relu_only_preact": ("ReLUOnlyPreActResNet", "conv1 bn1 maxpool | relu_last avgpool | fc"),
    "fixup": ("FixupResNet", "conv1 bias1 relu maxpool | avgpool | bias2 fc"),
}
"""Order of the layers -> the name of a class of `resnet`, and its layers before the first block, after the last block
and behind the flattening. Orders that are not here have the standard ones.
"""


@dataclass(frozen=True)
class BlockArchitecture:
    """The layers of one block, in the order in which they are applied.

    name: of its module in the network: "layer2.0". class_name: of its class in `blocks`.
    before: applied before branch and shortcut part (pre-activation). after: applied to the result of the merge.
    shortcut: "identity", "pad" (option A where the shape changes) or "project", whether or not it has its skip.
    downsample: the layers on the shortcut; none without a skip or on an identity.
    merge: None without a skip.
    shortcut_after_activation: whether the shortcut starts behind the layers `before` rather than at the block's input.
    can_skip: False for the plain layers between the stages of a highway network, which have no place for a skip.
    """

    name: str
    class_name: str
    before: tuple[Layer, ...]
    branch: tuple[Layer, ...]
    after: tuple[Layer, ...]
    shortcut: str = "identity"
    downsample: tuple[Layer, ...] = ()
    merge: Merge | None = None
    shortcut_after_activation: bool = False
    can_skip: bool = True

    @property
    def layers(self) -> tuple[Layer, ...]:
        """All but those of shortcut and merge."""
        return (*self.before, *self.branch, *self.after)

    @property
    def convs(self) -> tuple[Conv, ...]:
        return tuple(layer for layer in self.branch if isinstance(layer, Conv))

    @property
    def in_channels(self) -> int:
        return self.convs[0].in_channels

    @property
    def out_channels(self) -> int:
        return self.convs[-1].out_channels

    @property
    def stride(self) -> int:
        return math.prod(conv.stride for conv in self.convs)


@dataclass(frozen=True)
class ResNetArchitecture:
    """The layers of a plain, residual, pre-activation or highway network. class_name: of its class in `resnet`.

    stem: before the first block. head: after the last block, up to the global pooling; then the features are flattened
    and the classifier follows.
    """

    class_name: str
    stem: tuple[Layer, ...]
    stages: tuple[tuple[BlockArchitecture, ...], ...]
    head: tuple[Layer, ...]
    classifier: tuple[Layer, ...]

    @property
    def blocks(self) -> tuple[BlockArchitecture, ...]:
        return tuple(block for stage in self.stages for block in stage)

    @property
    def stem_output(self) -> str:
        """Name of the layer whose output enters the first block."""
        return [layer.name for layer in self.stem if not isinstance(layer, Identity)][-1]


@dataclass(frozen=True)
class AlexNetVGGArchitecture:
    """The layers of AlexNet or VGG; what the pooling gives is flattened before the classifier."""

    features: tuple[Layer, ...]
    avgpool: AveragePool
    classifier: tuple[Layer, ...]


def resnet_architecture(spec: NetSpec) -> ResNetArchitecture:
    """The layers of a plain, residual, pre-activation or highway network."""
    class_name, layers = NETWORK_TYPES.get(_order(spec), NETWORK_TYPES["standard"])
    stem, head, classifier = layers.split("|")
    stages = _highway_stages(spec) if spec.family == "highway" else _residual_stages(spec)
    features = stages[-1][-1].out_channels
    given = {
        "conv1": _stem_conv(spec),
        "maxpool": Identity("maxpool") if spec.image_size == 32 else MaxPool("maxpool", 3, padding=1),
        "avgpool": AveragePool("avgpool", 1),
        "fc": Linear("fc", features, spec.num_classes),
    }
    return ResNetArchitecture(
        class_name=class_name,
        stem=_layers(stem, spec, spec.width, given),
        stages=stages,
        head=_layers(head, spec, features, given),
        classifier=_layers(classifier, spec, features, given),
    )


def _order(spec: NetSpec) -> str:
    """The order of layers in a block, as `BLOCK_TYPES` names it."""
    if spec.family in ("highway", "preact") and spec.order == "standard":
        return spec.family
    return "fixup" if spec.init == "fixup" else spec.order


def _layers(names: str, spec: NetSpec, channels: int, given: Mapping[str, Layer]) -> tuple[Layer, ...]:
    """The layers of these names.

    channels: what the first one receives. given: by name, the layers that follow from more than name and channels.
    """
    layers: list[Layer] = []
    for name in names.split():
        layer = given[name] if name in given else _layer(name, spec, channels)
        channels = layer.out_channels if isinstance(layer, Conv) else channels
        layers.append(layer)
    return tuple(layers)


def _layer(name: str, spec: NetSpec, channels: int) -> Layer:
    if name.startswith("bn"):
        return BatchNorm(name, channels) if spec.norm == "batch" else Identity(name)
    if name.startswith("relu"):
        return ReLU(name)
    return ScalarBias(name) if name.startswith("bias") else ScalarScale(name)


def _conv(name: str, in_channels: int, out_channels: int, kernel: int, stride: int = 1, bias: bool = True) -> Conv:
    """A convolution padded so that stride 1 keeps the size."""
    return Conv(name, in_channels, out_channels, kernel, stride, kernel // 2, bias)


def _has_bias(spec: NetSpec) -> bool:
    """Whether convolutions have a bias: not before batch norm, nor where Fixup has scalar biases instead."""
    return spec.norm == "none" and spec.init != "fixup"


def _stem_conv(spec: NetSpec) -> Conv:
    kernel, stride = (3, 1) if spec.image_size == 32 else (7, 2)
    return _conv("conv1", 3, spec.width, kernel, stride, _has_bias(spec))


def _residual_stages(spec: NetSpec) -> tuple[tuple[BlockArchitecture, ...], ...]:
    stages: list[tuple[BlockArchitecture, ...]] = []
    channels, index = spec.width, 0
    for stage, count in enumerate(blocks_per_stage(spec)):
        blocks: list[BlockArchitecture] = []
        for position in range(count):
            stride = 2 if stage and not position else 1
            convs = _block_convs(spec, channels, spec.width * 2**stage, stride)
            blocks.append(_residual_block(f"layer{stage + 1}.{position}", spec, convs, index))
            channels, index = convs[-1].out_channels, index + 1
        stages.append(tuple(blocks))
    return tuple(stages)


def _block_convs(spec: NetSpec, in_channels: int, width: int, stride: int) -> tuple[Conv, ...]:
    bias = _has_bias(spec)
    if spec.block == "basic":
        return (
            _conv("conv1", in_channels, width, 3, stride, bias),
            _conv("conv2", width, width, 3, bias=bias),
        )
    # The stride sits on the 3x3, as in torchvision's ResNet-50.
    return (
        _conv("conv1", in_channels, width, 1, bias=bias),
        _conv("conv2", width, width, 3, stride, bias),
        _conv("conv3", width, width * BOTTLENECK_EXPANSION, 1, bias=bias),
    )


def _residual_block(name: str, spec: NetSpec, convs: tuple[Conv, ...], index: int) -> BlockArchitecture:
    """The block of these convolutions. index: its place among all blocks, from 0."""
    class_name, layers = BLOCK_TYPES[_order(spec), spec.block]
    before, branch, after = re.split(r"[|+]", layers)
    if spec.init == "skipinit":
        branch += " alpha"
    given = {conv.name: conv for conv in convs}
    in_channels, out_channels = convs[0].in_channels, convs[-1].out_channels
    stride = math.prod(conv.stride for conv in convs)
    skip = spec.skip_mask()[index]
    shortcut = _shortcut(spec, in_channels, out_channels, stride)
    return BlockArchitecture(
        name=name,
        class_name=class_name,
        before=_layers(before, spec, in_channels, given),
        branch=_layers(branch, spec, in_channels, given),
        after=_layers(after, spec, out_channels, given),
        shortcut=shortcut,
        downsample=_downsample(shortcut, spec, in_channels, out_channels, stride) if skip else (),
        merge=_merge(spec, out_channels, index) if skip else None,
        # He et al. 2016, section 4.1: the first block, and those with a projection, part after their first activation.
        shortcut_after_activation=spec.family == "preact" and (index == 0 or shortcut == "project"),
    )


def _shortcut(spec: NetSpec, in_channels: int, out_channels: int, stride: int) -> str:
    changes = in_channels != out_channels or stride > 1
    if spec.shortcut == "C" or (spec.shortcut == "B" and changes):
        return "project"
    return "pad" if changes else "identity"


def _downsample(shortcut: str, spec: NetSpec, in_channels: int, out_channels: int, stride: int) -> tuple[Layer, ...]:
    if shortcut == "identity":
        return ()
    if shortcut == "pad":
        return (ZeroPad("downsample", in_channels, out_channels, stride),)
    projection = _conv("downsample.0", in_channels, out_channels, 1, stride, _has_bias(spec))
    if spec.norm == "none" or spec.family == "preact":
        return (projection,)
    return projection, BatchNorm("downsample.1", out_channels)


def _merge(spec: NetSpec, channels: int, index: int) -> Merge:
    strength = spec.skip_strength
    if spec.merge in ("exclusive_gate", "shortcut_gate"):
        return GatedAdd(strength, _conv("gate", channels, channels, 1), spec.merge == "exclusive_gate")
    if spec.merge == "scaled":
        return ScaledAdd(strength)
    if spec.merge == "dropout":
        return DropoutAdd(strength)
    if spec.drop_path:
        # Linear decay: Huang et al. 2016, eq. 4.
        return StochasticAdd(strength, spec.drop_path * (index + 1) / spec.n_blocks)
    return Add(strength)


def _highway_stages(spec: NetSpec) -> tuple[tuple[BlockArchitecture, ...], ...]:
    """Highway layers; where the shape changes a plain layer, as in section 2.1 of Srivastava et al. 2015."""
    mask = iter(spec.skip_mask())
    stages: list[tuple[BlockArchitecture, ...]] = []
    for stage, count in enumerate(blocks_per_stage(spec)):
        width = spec.width * 2**stage
        blocks = [_highway_layer(f"layer{stage + 1}.0", spec, width // 2, width, can_skip=False)] if stage else []
        for position in range(len(blocks), len(blocks) + count):
            blocks.append(_highway_layer(f"layer{stage + 1}.{position}", spec, width, width, skip=next(mask)))
        stages.append(tuple(blocks))
    return tuple(stages)


def _highway_layer(
    name: str, spec: NetSpec, in_channels: int, out_channels: int, skip: bool = False, can_skip: bool = True
) -> BlockArchitecture:
    class_name, layers = BLOCK_TYPES["highway", "basic"]
    stride = out_channels // in_channels
    conv = _conv("conv1", in_channels, out_channels, 3, stride, _has_bias(spec))
    gate = _conv("gate", out_channels, out_channels, 3)
    return BlockArchitecture(
        name=name,
        class_name=class_name,
        before=(),
        branch=_layers(layers.strip("|+ "), spec, in_channels, {"conv1": conv}),
        after=(),
        merge=GatedAdd(spec.skip_strength, gate, exclusive=True) if skip else None,
        can_skip=can_skip,
    )


HIDDEN = 4096
"""Width of the two hidden linear layers of AlexNet and VGG."""

VGG_19 = (64, 64, "pool", 128, 128, "pool", *(256,) * 4, "pool", *(512,) * 4, "pool", *(512,) * 4, "pool")
"""Configuration E of Simonyan & Zisserman 2014, Table 1 (https://arxiv.org/abs/1409.1556): channels, and pools."""


def alexnet_vgg_architecture(spec: NetSpec) -> AlexNetVGGArchitecture:
    """The layers of AlexNet or VGG."""
    small = spec.image_size == 32
    if spec.family == "alexnet":
        size = 3 if small else 6
        return AlexNetVGGArchitecture(
            _alexnet_features(small),
            AveragePool("avgpool", size),
            _alexnet_classifier(256 * size**2, spec.num_classes),
        )
    size = 1 if small else 7
    return AlexNetVGGArchitecture(
        _vgg_features(batch_norm=spec.norm == "batch"),
        AveragePool("avgpool", size),
        _vgg_classifier(512 * size**2, spec.num_classes),
    )


def _alexnet_features(small: bool) -> tuple[Layer, ...]:
    first = _conv("0", 3, 64, 3) if small else Conv("0", 3, 64, 11, stride=4, padding=2)
    return (
        *(first, ReLU("1"), MaxPool("2", 3)),
        *(_conv("3", 64, 192, 5), ReLU("4"), MaxPool("5", 3)),
        *(_conv("6", 192, 384, 3), ReLU("7")),
        *(_conv("8", 384, 256, 3), ReLU("9")),
        *(_conv("10", 256, 256, 3), ReLU("11"), MaxPool("12", 3)),
    )


def _alexnet_classifier(in_features: int, num_classes: int) -> tuple[Layer, ...]:
    return (
        *(Dropout("0"), Linear("1", in_features, HIDDEN), ReLU("2")),
        *(Dropout("3"), Linear("4", HIDDEN, HIDDEN), ReLU("5")),
        Linear("6", HIDDEN, num_classes),
    )


def _vgg_features(batch_norm: bool) -> tuple[Layer, ...]:
    layers: list[Layer] = []
    channels = 3
    for item in VGG_19:
        if isinstance(item, str):
            layers.append(MaxPool(str(len(layers)), 2))
            continue
        layers.append(_conv(str(len(layers)), channels, item, 3))
        if batch_norm:
            layers.append(BatchNorm(str(len(layers)), item))
        layers.append(ReLU(str(len(layers))))
        channels = item
    return tuple(layers)


def _vgg_classifier(in_features: int, num_classes: int) -> tuple[Layer, ...]:
    return (
        *(Linear("0", in_features, HIDDEN), ReLU("1"), Dropout("2")),
        *(Linear("3", HIDDEN, HIDDEN), ReLU("4"), Dropout("5")),
        Linear("6", HIDDEN, num_classes),
    )
