"""A forward pass on shapes alone: each step notes its layer, its cost, and what it keeps for
the backward pass. No torch.

No torch. One picture goes through; `costs` reads the notes.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from resnet_core.networks.architecture import Conv

FLOAT_BYTES = 4
INDEX_BYTES = 8
"""A max pool keeps the place of each maximum as a 64-bit integer."""

NO_TENSORS: Mapping[str, tuple[int, ...]] = {}


@dataclass(frozen=True)
class LayerRow:
    """One layer: its module's name, its kind, what it gives for one picture, its parameters, its
    multiply-adds.

    kind: "conv", "linear", "norm", "relu", "sigmoid", "pool", "dropout", "pad", "shift", "scale" or "merge".
    out_shape: (C, H, W), or (features,) behind the last pool. macs: of convolutions and linear layers, else
        0.
    """

    name: str
    kind: str
    out_shape: tuple[int, ...]
    params: int
    macs: int


@dataclass(frozen=True)
class Value:
    """A tensor that is not there: its number, its shape without the batch, and what one of its pixels sees.

    field: side, in pixels of the picture, of the square that an entry depends on along its longest path.
    jump: distance in the picture between two neighbouring entries.
    """

    number: int
    shape: tuple[int, ...]
    field: int = 1
    jump: int = 1

    @property
    def size(self) -> int:
        return math.prod(self.shape)


@dataclass
class Tape:
    """The notes of one pass. `saved` maps the number of each value that backward needs to its bytes, `tensors` the
    name of each tensor of the state dict to its shape.
    """

    rows: list[LayerRow] = field(default_factory=list)
    tensors: dict[str, tuple[int, ...]] = field(default_factory=dict)
    saved: dict[int, int] = field(default_factory=dict)
    extra_bytes: int = 0
    count: int = 0

    def value(self, shape: tuple[int, ...], like: Value | None = None) -> Value:
        """A new value, seeing as much as `like` does."""
        self.count += 1
        return Value(self.count, shape, like.field if like else 1, like.jump if like else 1)

    def save(self, *values: Value) -> None:
        """Backward needs these; each is kept once, however many layers need it."""
        for value in values:
            self.saved[value.number] = value.size * FLOAT_BYTES

    def conv(self, name: str, conv: Conv, bias: bool, x: Value) -> Value:
        self.save(x)
        side = _out_side(x.shape[1], conv.kernel, conv.stride, conv.pad)
        out = self._window((conv.out_channels, side, side), x, conv.kernel, conv.stride)
        learned = {"weight": (conv.out_channels, conv.in_channels, conv.kernel, conv.kernel)}
        macs = math.prod(learned["weight"]) * side**2
        if bias:
            learned["bias"] = (conv.out_channels,)
        return self._note(name, "conv", out, learned, macs=macs)

    def linear(self, name: str, features: int, x: Value) -> Value:
        self.save(x)
        (inputs,) = x.shape
        out = self.value((features,), x)
        learned = {"weight": (features, inputs), "bias": (features,)}
        return self._note(name, "linear", out, learned, macs=inputs * features)

    def norm(self, name: str, x: Value) -> Value:
        self.save(x)
        channels = x.shape[:1]
        learned = {"weight": channels, "bias": channels}
        counted = {"running_mean": channels, "running_var": channels, "num_batches_tracked": ()}
        return self._note(name, "norm", self.value(x.shape, x), learned, counted)

    def relu(self, name: str, x: Value) -> Value:
        out = self.value(x.shape, x)
        self.save(out)
        return self._note(name, "relu", out)

    def max_pool(self, name: str, kernel: int, padding: int, x: Value) -> Value:
        self.save(x)
        side = _out_side(x.shape[1], kernel, 2, padding)
        out = self._window((x.shape[0], side, side), x, kernel, 2)
        self.extra_bytes += out.size * INDEX_BYTES
        return self._note(name, "pool", out)

    def average_pool(self, name: str, side: int, x: Value) -> Value:
        """Down to side x side. To one pixel it is a mean, whose backward needs nothing but the shape."""
        if side > 1:
            self.save(x)
        out = self._window((x.shape[0], side, side), x, x.shape[1] // side, x.shape[1] // side)
        return self._note(name, "pool", out)

    def flatten(self, x: Value) -> Value:
        """The same numbers as one row: no layer, and no new memory."""
        return Value(x.number, (x.size,), x.field, x.jump)

    def pad(self, name: str, channels: int, stride: int, x: Value) -> Value:
        side = _out_side(x.shape[1], 1, stride, 0)
        return self._note(name, "pad", self._window((channels, side, side), x, 1, stride))

    def same(self, name: str, kind: str, x: Value) -> Value:
        """A layer that keeps the shape and learns nothing: "dropout", "sigmoid"."""
        return self._note(name, kind, self.value(x.shape, x))

    def shift(self, name: str, x: Value) -> Value:
        return self._note(name, "shift", self.value(x.shape, x), {"value": (1,)})

    def scale(self, name: str, x: Value) -> Value:
        self.save(x)
        return self._note(name, "scale", self.value(x.shape, x), {"value": (1,)})

    def merge(self, name: str, branch: Value, shortcut: Value) -> Value:
        wider = max(branch, shortcut, key=lambda value: value.field)
        return self._note(name, "merge", self.value(branch.shape, wider))

    def _window(self, shape: tuple[int, ...], x: Value, kernel: int, stride: int) -> Value:
        self.count += 1
        return Value(self.count, shape, x.field + (kernel - 1) * x.jump, x.jump * stride)

    def _note(
        self,
        name: str,
        kind: str,
        out: Value,
        learned: Mapping[str, tuple[int, ...]] = NO_TENSORS,
        counted: Mapping[str, tuple[int, ...]] = NO_TENSORS,
        macs: int = 0,
    ) -> Value:
        """A layer, the shapes of the tensors it learns, and of those it only keeps count in."""
        params = sum(math.prod(shape) for shape in learned.values())
        self.rows.append(LayerRow(name, kind, out.shape, params, macs))
        self.tensors |= {f"{name}.{tensor}": shape for tensor, shape in {**learned, **counted}.items()}
        return out


def _out_side(side: int, kernel: int, stride: int, padding: int) -> int:
    return (side + 2 * padding - kernel) // stride + 1
