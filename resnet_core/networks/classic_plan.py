"""The layers of AlexNet and VGG-19, worked out from the spec. No torch."""

from dataclasses import dataclass

from resnet_core.networks.architecture import Conv

HIDDEN = 4096
"""Width of the two hidden linear layers of both."""

VGG_19 = (64, 64, "pool", 128, 128, "pool", *(256,) * 4, "pool", *(512,) * 4, "pool", *(512,) * 4, "pool")
"""Configuration E of Simonyan & Zisserman 2014, Table 1 (https://arxiv.org/abs/1409.1556)."""


@dataclass(frozen=True)
class Layer:
    """kind: "conv", "norm", "relu", "pool", "dropout" or "linear"; width: channels, features, or kernel."""

    kind: str
    width: int = 0
    conv: Conv | None = None
    in_features: int = 0


@dataclass(frozen=True)
class ClassicPlan:
    """Layers in order; `pooled_size` is the side of the map that the classifier reads."""

    features: tuple[Layer, ...]
    pooled_size: int
    classifier: tuple[Layer, ...]


def classic_plan(spec) -> ClassicPlan:
    """The plan of an AlexNet or VGG spec."""
    small = spec.image_size == 32
    if spec.family == "alexnet":
        size = 3 if small else 6
        return ClassicPlan(_alexnet_features(small), size, _alexnet_classifier(256 * size**2, spec.num_classes))
    size = 1 if small else 7
    return ClassicPlan(_vgg_features(spec.norm), size, _vgg_classifier(512 * size**2, spec.num_classes))


def _alexnet_features(small: bool) -> tuple[Layer, ...]:
    relu, pool = Layer("relu"), Layer("pool", 3)
    first = Conv(3, 64, 3) if small else Conv(3, 64, 11, stride=4, padding=2)

    def conv(in_channels: int, out_channels: int, kernel: int = 3) -> Layer:
        return Layer("conv", out_channels, Conv(in_channels, out_channels, kernel))

    return (
        *(Layer("conv", 64, first), relu, pool),
        *(conv(64, 192, 5), relu, pool),
        *(conv(192, 384), relu, conv(384, 256), relu, conv(256, 256), relu, pool),
    )


def _alexnet_classifier(in_features: int, num_classes: int) -> tuple[Layer, ...]:
    drop, relu = Layer("dropout"), Layer("relu")
    first, second, last = _linear(in_features, HIDDEN), _linear(HIDDEN, HIDDEN), _linear(HIDDEN, num_classes)
    return drop, first, relu, drop, second, relu, last


def _vgg_features(norm: str) -> tuple[Layer, ...]:
    layers: list[Layer] = []
    channels = 3
    for item in VGG_19:
        if item == "pool":
            layers.append(Layer("pool", 2))
            continue
        layers.append(Layer("conv", item, Conv(channels, item, 3)))
        layers += [Layer("norm", item)] if norm == "batch" else []
        layers.append(Layer("relu"))
        channels = item
    return tuple(layers)


def _vgg_classifier(in_features: int, num_classes: int) -> tuple[Layer, ...]:
    drop, relu = Layer("dropout"), Layer("relu")
    first, second, last = _linear(in_features, HIDDEN), _linear(HIDDEN, HIDDEN), _linear(HIDDEN, num_classes)
    return first, relu, drop, second, relu, drop, last


def _linear(in_features: int, out_features: int) -> Layer:
    return Layer("linear", out_features, in_features=in_features)
