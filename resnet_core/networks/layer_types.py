"""The kinds of layers and merges that networks are made of, as plain values: the arguments of their modules. No torch.

`layers` and `merges` build their modules, `shape_trace` counts what they cost.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Layer:
    """One layer. name: of its module within the parent, as torchvision spells it: "conv1", "bn1", "relu"."""

    name: str


@dataclass(frozen=True)
class Conv(Layer):
    """A square convolution; padding: zeros on each side."""

    in_channels: int
    out_channels: int
    kernel: int
    stride: int = 1
    padding: int = 0
    bias: bool = True


@dataclass(frozen=True)
class BatchNorm(Layer):
    channels: int


@dataclass(frozen=True)
class ReLU(Layer):
    pass


@dataclass(frozen=True)
class MaxPool(Layer):
    """Max pooling at stride 2."""

    kernel: int
    padding: int = 0


@dataclass(frozen=True)
class AveragePool(Layer):
    """Adaptive average pooling to size x size."""

    size: int


@dataclass(frozen=True)
class Linear(Layer):
    in_features: int
    out_features: int


@dataclass(frozen=True)
class Dropout(Layer):
    """Dropout with probability 0.5."""


@dataclass(frozen=True)
class ScalarBias(Layer):
    """x + one learned number (Fixup)."""


@dataclass(frozen=True)
class ScalarScale(Layer):
    """x · one learned number (Fixup, SkipInit)."""


@dataclass(frozen=True)
class ZeroPad(Layer):
    """Option A where the shape changes: every stride-th pixel, new channels filled with zeros."""

    in_channels: int
    out_channels: int
    stride: int


@dataclass(frozen=True)
class Identity(Layer):
    """Takes the place of a layer that this network lacks, such as batch norm; costs count nothing for it."""


@dataclass(frozen=True)
class Merge:
    """How a block's branch and its shortcut meet. strength: what the shortcut is multiplied by."""

    strength: float


@dataclass(frozen=True)
class Add(Merge):
    """branch + strength · shortcut."""


@dataclass(frozen=True)
class ScaledAdd(Merge):
    """(1 - strength) · branch + strength · shortcut."""


@dataclass(frozen=True)
class GatedAdd(Merge):
    """g · branch + (1 - g) · strength · shortcut, with g = sigmoid(gate(shortcut)).

    exclusive: False leaves the branch as it is.
    """

    gate: Conv
    exclusive: bool


@dataclass(frozen=True)
class DropoutAdd(Merge):
    """branch + strength · dropout(shortcut)."""


@dataclass(frozen=True)
class StochasticAdd(Merge):
    """branch + strength · shortcut, the branch left out of a training step with probability `drop`."""

    drop: float
