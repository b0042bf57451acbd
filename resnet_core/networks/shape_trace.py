"""A forward pass on shapes alone: each layer records its cost, and what it keeps for the backward pass. No torch.

One picture goes through; `costs` reads the record.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from resnet_core.networks import layer_types
from resnet_core.networks.layer_types import AveragePool, Conv, GatedAdd, Layer, Linear, MaxPool, Merge, ZeroPad

FLOAT_BYTES = 4
INDEX_BYTES = 8
"""A max pool keeps the place of each maximum as a 64-bit integer."""

Shape = tuple[int, ...]
NO_TENSORS: Mapping[str, Shape] = {}


@dataclass(frozen=True)
class LayerRow:
    """One layer: the name of its module, its kind, its output for one picture, its parameters, its multiply-adds.

    kind: "conv", "linear", "norm", "relu", "sigmoid", "pool", "dropout", "pad", "shift", "scale" or "merge".
    out_shape: (C, H, W), or (features,) behind the last pool.
    macs: of convolutions and linear layers, else 0.
    """

    name: str
    kind: str
    out_shape: Shape
    params: int
    macs: int


@dataclass(frozen=True)
class Value:
    """A tensor known by its shape alone, without the batch.

    number: tells values apart. field: its receptive field, the side in pixels of the square of the picture that an
    entry depends on along its longest path. jump: the distance in the picture between two neighbouring entries.
    """

    number: int
    shape: Shape
    field: int = 1
    jump: int = 1

    @property
    def size(self) -> int:
        return math.prod(self.shape)


@dataclass
class ShapeTrace:
    """The record of one pass.

    rows: one for each layer, in the order of the pass. tensors: name of each tensor of the state dict -> its shape.
    saved: number of each value that the backward pass needs -> its bytes. extra_bytes: what it needs beside values.
    """

    rows: list[LayerRow] = field(default_factory=list)
    tensors: dict[str, Shape] = field(default_factory=dict)
    saved: dict[int, int] = field(default_factory=dict)
    extra_bytes: int = 0
    n_values: int = 0

    def value(self, shape: Shape, like: Value | None = None) -> Value:
        """A new value, with the receptive field of `like`."""
        self.n_values += 1
        return Value(self.n_values, shape, like.field if like else 1, like.jump if like else 1)

    def save(self, *values: Value) -> None:
        """Keep values for the backward pass, each once, however many layers need it."""
        for value in values:
            self.saved[value.number] = value.size * FLOAT_BYTES

    def layers(self, layers: Iterable[Layer], x: Value, parent: str = "") -> Value:
        """Apply layers in order. parent: name of the module that holds them, with a dot at its end."""
        for layer in layers:
            x = self.layer(layer, x, parent)
        return x

    def layer(self, layer: Layer, x: Value, parent: str = "") -> Value:
        """Apply one layer to x."""
        name = parent + layer.name
        match layer:
            case Conv():
                return self._conv(name, layer, x)
            case Linear():
                return self._linear(name, layer, x)
            case layer_types.BatchNorm():
                return self._norm(name, x)
            case layer_types.ReLU():
                return self._relu(name, x)
            case MaxPool():
                return self._max_pool(name, layer, x)
            case AveragePool():
                return self._average_pool(name, layer, x)
            case layer_types.Dropout():
                return self._dropout(name, x)
            case layer_types.ScalarBias():
                return self._record(name, "shift", self.value(x.shape, x), {"value": (1,)})
            case layer_types.ScalarScale():
                self.save(x)
                return self._record(name, "scale", self.value(x.shape, x), {"value": (1,)})
            case ZeroPad():
                return self._zero_pad(name, layer, x)
            case layer_types.Identity():
                return x
        raise TypeError(f"There are no costs of {layer!r}.")

    def merge(self, merge: Merge, branch: Value, shortcut: Value, parent: str = "") -> Value:
        """Merge a branch with its shortcut; the result sees as much as the one of the two that sees more."""
        match merge:
            case GatedAdd():
                self._gate(f"{parent}merge.", merge, branch, shortcut)
            case layer_types.DropoutAdd():
                self._dropout(f"{parent}merge.dropout", shortcut)
        wider = max(branch, shortcut, key=lambda value: value.field)
        return self._record(f"{parent}merge", "merge", self.value(branch.shape, wider))

    def flatten(self, x: Value) -> Value:
        """The same numbers as one row: no layer, and no new memory."""
        return Value(x.number, (x.size,), x.field, x.jump)

    def _conv(self, name: str, conv: Conv, x: Value) -> Value:
        self.save(x)
        side = _out_side(x.shape[1], conv.kernel, conv.stride, conv.padding)
        out = self._window((conv.out_channels, side, side), x, conv.kernel, conv.stride)
        weight = (conv.out_channels, conv.in_channels, conv.kernel, conv.kernel)
        learned: dict[str, Shape] = {"weight": weight}
        if conv.bias:
            learned["bias"] = (conv.out_channels,)
        return self._record(name, "conv", out, learned, macs=math.prod(weight) * side**2)

    def _linear(self, name: str, linear: Linear, x: Value) -> Value:
        self.save(x)
        shape = (linear.out_features, linear.in_features)
        learned: dict[str, Shape] = {"weight": shape, "bias": shape[:1]}
        return self._record(name, "linear", self.value(shape[:1], x), learned, macs=math.prod(shape))

    def _norm(self, name: str, x: Value) -> Value:
        self.save(x)
        channels = x.shape[:1]
        learned = {"weight": channels, "bias": channels}
        counted: dict[str, Shape] = {"running_mean": channels, "running_var": channels, "num_batches_tracked": ()}
        return self._record(name, "norm", self.value(x.shape, x), learned, counted)

    def _relu(self, name: str, x: Value) -> Value:
        out = self.value(x.shape, x)
        self.save(out)
        return self._record(name, "relu", out)

    def _max_pool(self, name: str, pool: MaxPool, x: Value) -> Value:
        self.save(x)
        side = _out_side(x.shape[1], pool.kernel, 2, pool.padding)
        out = self._window((x.shape[0], side, side), x, pool.kernel, 2)
        self.extra_bytes += out.size * INDEX_BYTES
        return self._record(name, "pool", out)

    def _average_pool(self, name: str, pool: AveragePool, x: Value) -> Value:
        """To one pixel it is a mean, whose backward needs nothing but the shape."""
        if pool.size > 1:
            self.save(x)
        kernel = x.shape[1] // pool.size
        return self._record(name, "pool", self._window((x.shape[0], pool.size, pool.size), x, kernel, kernel))

    def _dropout(self, name: str, x: Value) -> Value:
        """The mask that dropout keeps is as large as what it masks."""
        self.save(self.value(x.shape))
        return self._record(name, "dropout", self.value(x.shape, x))

    def _zero_pad(self, name: str, pad: ZeroPad, x: Value) -> Value:
        side = _out_side(x.shape[1], 1, pad.stride, 0)
        return self._record(name, "pad", self._window((pad.out_channels, side, side), x, 1, pad.stride))

    def _gate(self, parent: str, merge: GatedAdd, branch: Value, shortcut: Value) -> None:
        gate = self.layer(merge.gate, shortcut, parent)
        opened = self._record(f"{parent}sigmoid", "sigmoid", self.value(gate.shape, gate))
        # The sigmoid's own result, and 1 - g beside it: the products need both, and their other factors.
        self.save(opened, self.value(opened.shape), shortcut)
        if merge.exclusive:
            self.save(branch)

    def _window(self, shape: Shape, x: Value, kernel: int, stride: int) -> Value:
        """A new value each of whose entries depends on a square of kernel x kernel entries of x."""
        self.n_values += 1
        return Value(self.n_values, shape, x.field + (kernel - 1) * x.jump, x.jump * stride)

    def _record(
        self,
        name: str,
        kind: str,
        out: Value,
        learned: Mapping[str, Shape] = NO_TENSORS,
        counted: Mapping[str, Shape] = NO_TENSORS,
        macs: int = 0,
    ) -> Value:
        """Record a layer: its output, the shapes of the tensors it learns, and of those that it only counts in."""
        params = sum(math.prod(shape) for shape in learned.values())
        self.rows.append(LayerRow(name, kind, out.shape, params, macs))
        self.tensors |= {f"{name}.{tensor}": shape for tensor, shape in {**learned, **counted}.items()}
        return out


def _out_side(side: int, kernel: int, stride: int, padding: int) -> int:
    return (side + 2 * padding - kernel) // stride + 1
