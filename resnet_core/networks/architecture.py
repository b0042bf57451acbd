"""The plan of a network: each layer's shape and the order of steps, worked out from the spec. No torch.

`resnet` and `alexnet_vgg` build modules from a plan and `costs` counts from it, so the two cannot disagree on
shapes. A step is the name of a module as torchvision spells it: conv1, bn1, relu1 ...
"""

import math
from dataclasses import dataclass

from resnet_core.networks.depths import BOTTLENECK_EXPANSION, blocks_per_stage


@dataclass(frozen=True)
class Conv:
    """A square convolution, padded so that stride 1 keeps the size, unless `padding` says otherwise."""

    in_channels: int
    out_channels: int
    kernel: int
    stride: int = 1
    padding: int | None = None

    @property
    def pad(self) -> int:
        """Zeros added on each side."""
        return self.kernel // 2 if self.padding is None else self.padding


@dataclass(frozen=True)
class Block:
    """One block: `shared` steps, then `branch` beside the shortcut, their merge, then the steps `after` it.

    shortcut: "identity", "pad" (option A where the shape changes) or "project"; unused without a skip.
    drop: chance that a training step leaves the branch out.
    observed: False for the plain layers between the stages of a highway network, which have no place for a
        skip.
    """

    name: str
    convs: tuple[Conv, ...]
    shared: tuple[str, ...]
    branch: tuple[str, ...]
    after: tuple[str, ...]
    skip: bool
    shortcut: str = "identity"
    drop: float = 0.0
    observed: bool = True

    @property
    def in_channels(self) -> int:
        return self.convs[0].in_channels

    @property
    def out_channels(self) -> int:
        return self.convs[-1].out_channels

    @property
    def stride(self) -> int:
        return math.prod(conv.stride for conv in self.convs)

    @property
    def projection(self) -> Conv:
        """The 1x1 convolution of a projection shortcut."""
        return Conv(self.in_channels, self.out_channels, 1, self.stride)

    def norm_channels(self, step: str) -> int:
        """Channels that the batch norm `step` ("bn1" ...) works on: what its convolution takes or gives."""
        steps = (*self.shared, *self.branch, *self.after)
        conv = self.convs[int(step[-1]) - 1]
        before = steps.index(step) < steps.index("conv" + step[-1])
        return conv.in_channels if before else conv.out_channels


@dataclass(frozen=True)
class Plan:
    """A staged network: stem, blocks, head."""

    stem: Conv
    stem_steps: tuple[str, ...]
    blocks: tuple[Block, ...]
    head_steps: tuple[str, ...]


def plan_of(spec) -> Plan:
    """The plan of a plain, residual, pre-activation or highway network."""
    small = spec.image_size == 32
    return Plan(
        stem=Conv(3, spec.width, 3) if small else Conv(3, spec.width, 7, stride=2),
        stem_steps=_stem_steps(spec) + (() if small else ("maxpool",)),
        blocks=_highway_layers(spec) if spec.family == "highway" else _residual_blocks(spec),
        head_steps=_head_steps(spec),
    )


def has_bias(spec) -> bool:
    """Whether convolutions have a bias: not before batch norm, nor where Fixup's shifts stand for it."""
    return spec.norm == "none" and spec.init != "fixup"


def _stem_steps(spec) -> tuple[str, ...]:
    if spec.family == "preact":
        return ("conv1", "bn1") if spec.order == "relu_only_preact" else ("conv1",)
    return ("conv1", *_norm(spec, "bn1"), *(("bias1",) if spec.init == "fixup" else ()), "relu")


def _head_steps(spec) -> tuple[str, ...]:
    steps: tuple[str, ...] = ()
    if spec.family == "preact":
        steps = ("relu_last",) if spec.order == "relu_only_preact" else (*_norm(spec, "bn_last"), "relu_last")
    return (*steps, "avgpool", *(("bias2",) if spec.init == "fixup" else ()), "fc")


def _norm(spec, name: str) -> tuple[str, ...]:
    return (name,) if spec.norm == "batch" else ()


def _residual_blocks(spec) -> tuple[Block, ...]:
    shared, branch, after = _block_steps(spec)
    mask = spec.skip_mask()
    blocks: list[Block] = []
    channels = spec.width
    for stage, count in enumerate(blocks_per_stage(spec)):
        for index in range(count):
            convs = _convs(spec, channels, spec.width * 2**stage, 2 if stage and not index else 1)
            channels = convs[-1].out_channels
            skip = mask[len(blocks)]
            shortcut = _shortcut(spec, convs)
            # He et al. 2016, section 4.1: the first unit, and those with a projection, branch off after
            # their first activation.
            forks_late = skip and (not blocks or shortcut == "project")
            blocks.append(
                Block(
                    name=f"layer{stage + 1}.{index}",
                    convs=convs,
                    shared=shared if forks_late else (),
                    branch=branch if forks_late else shared + branch,
                    after=after,
                    skip=skip,
                    shortcut=shortcut,
                    # Linear decay: Huang et al. 2016, eq. 4.
                    drop=spec.drop_path * (len(blocks) + 1) / len(mask) if skip else 0.0,
                )
            )
    return tuple(blocks)


def _convs(spec, in_channels: int, width: int, stride: int) -> tuple[Conv, ...]:
    if spec.block == "basic":
        return Conv(in_channels, width, 3, stride), Conv(width, width, 3)
    # The stride sits on the 3x3, as in torchvision's ResNet-50.
    return (
        Conv(in_channels, width, 1),
        Conv(width, width, 3, stride),
        Conv(width, width * BOTTLENECK_EXPANSION, 1),
    )


def _shortcut(spec, convs: tuple[Conv, ...]) -> str:
    changes = convs[0].in_channels != convs[-1].out_channels or any(conv.stride > 1 for conv in convs)
    if spec.shortcut == "C" or (spec.shortcut == "B" and changes):
        return "project"
    return "pad" if changes else "identity"


def _block_steps(spec) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """(shared, branch, after): `shared` are those before the first convolution, in pre-activation nets."""
    numbers = (1, 2) if spec.block == "basic" else (1, 2, 3)
    if spec.family == "preact":
        return _preact_steps(spec, numbers)
    if spec.init == "fixup":
        return (), _fixup_steps(numbers), (f"relu{numbers[-1]}",)
    steps: list[str] = []
    for number in numbers:
        steps += [f"conv{number}", *_norm(spec, f"bn{number}"), f"relu{number}"]
    if spec.init == "skipinit":
        steps.insert(-1, "alpha")
    # How many of the last steps stand after the addition.
    late = {"standard": 1, "bn_after_add": 2, "relu_before_add": 0}[spec.order]
    at = len(steps) - late
    return (), tuple(steps[:at]), tuple(steps[at:])


def _preact_steps(spec, numbers) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    steps: list[str] = []
    for number in numbers:
        if spec.order == "relu_only_preact":
            steps += [f"relu{number}", f"conv{number}", f"bn{number}"]
        else:
            steps += [*_norm(spec, f"bn{number}"), f"relu{number}", f"conv{number}"]
    if spec.init == "skipinit":
        steps.append("alpha")
    at = steps.index("conv1")
    return tuple(steps[:at]), tuple(steps[at:]), ()


def _fixup_steps(numbers) -> tuple[str, ...]:
    """Zhang et al. 2019, figure 1, right: a scalar shift before each layer, a scalar factor at the end."""
    steps: list[str] = []
    for number in numbers:
        steps += [f"bias{number}a", f"conv{number}"]
        steps += [f"bias{number}b", f"relu{number}"] if number < numbers[-1] else ["scale", f"bias{number}b"]
    return tuple(steps)


def _highway_layers(spec) -> tuple[Block, ...]:
    """Highway layers; where the shape changes a plain layer, as in section 2.1 of Srivastava et al. 2015."""
    steps = ("conv1", *_norm(spec, "bn1"), "relu1")
    mask = iter(spec.skip_mask())
    blocks: list[Block] = []
    for stage, count in enumerate(blocks_per_stage(spec)):
        width = spec.width * 2**stage
        names = (f"layer{stage + 1}.{index}" for index in range(count + 1))
        if stage:
            convs = (Conv(width // 2, width, 3, stride=2),)
            blocks.append(Block(next(names), convs, (), steps, (), skip=False, observed=False))
        for _ in range(count):
            blocks.append(Block(next(names), (Conv(width, width, 3),), (), steps, (), skip=next(mask)))
    return tuple(blocks)
