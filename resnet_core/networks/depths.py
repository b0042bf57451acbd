"""The depths a network can have, and how many blocks each makes. No torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resnet_core.networks.spec import NetSpec

IMAGENET_STAGES = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}
"""He et al. 2015, Table 1 (https://arxiv.org/abs/1512.03385)."""

IMAGENET_BLOCK = {18: "basic", 34: "basic", 50: "bottleneck", 101: "bottleneck", 152: "bottleneck"}

ALEXNET_DEPTH = 8
VGG_DEPTH = 19
HIGHWAY_MIN_DEPTH = 7
MAX_DEPTH = 2000
"""A bound, so that a link cannot ask a shared server for a network of a million layers."""

N_CIFAR_STAGES = 3
CONVS_PER_BLOCK = {"basic": 2, "bottleneck": 3}
BOTTLENECK_EXPANSION = 4


def blocks_per_stage(spec: NetSpec) -> tuple[int, ...]:
    """Blocks of each stage of a checked spec."""
    if spec.family == "alexnet":
        return (4,)
    if spec.family == "vgg":
        return (15,)
    if spec.family == "highway":
        return highway_stages(spec.depth)
    if spec.layout == "imagenet":
        return IMAGENET_STAGES[spec.depth]
    return ((spec.depth - 2) // (N_CIFAR_STAGES * CONVS_PER_BLOCK[spec.block]),) * N_CIFAR_STAGES


def highway_stages(depth: int) -> tuple[int, ...]:
    """Highway layers per stage: all layers but the stem, the two plain layers between stages, and the classifier.

    Where they do not divide evenly, the earlier stages get one more.
    """
    layers = depth - 4
    return tuple((layers + N_CIFAR_STAGES - 1 - stage) // N_CIFAR_STAGES for stage in range(N_CIFAR_STAGES))


def depth_problem(spec: NetSpec) -> str | None:
    """Why no network of this family has this depth: a clause that names the depths it can have, or the nearest ones.

    None when the depth is possible.
    """
    depth = spec.depth
    if spec.family == "alexnet":
        return None if depth == ALEXNET_DEPTH else f"AlexNet has depth {ALEXNET_DEPTH}"
    if spec.family == "vgg":
        return None if depth == VGG_DEPTH else f"VGG comes at depth {VGG_DEPTH}"
    if spec.family == "highway":
        possible = HIGHWAY_MIN_DEPTH <= depth <= MAX_DEPTH
        return None if possible else f"a highway network has any depth from {HIGHWAY_MIN_DEPTH} to {MAX_DEPTH}"
    if spec.layout == "imagenet":
        depths = listed_depths(spec)
        listed = ", ".join(str(depth) for depth in depths[:-1]) + f" or {depths[-1]}"
        return None if depth in depths else f"the ImageNet layout with {spec.block} blocks has depth {listed}"
    return _cifar_depth_problem(depth, spec.block)


def _cifar_depth_problem(depth: int, block: str) -> str | None:
    step = N_CIFAR_STAGES * CONVS_PER_BLOCK[block]
    if (depth - 2) % step == 0 and step + 2 <= depth <= MAX_DEPTH:
        return None
    last = (MAX_DEPTH - 2) // step * step + 2
    below = min(max((depth - 2) // step * step + 2, step + 2), last)
    near = f"{below} and {below + step}" if step + 2 < depth < last else f"{below}"
    verb = "are" if " and " in near else "is"
    return f"three stages of {block} blocks need {step}n+2, and the nearest {verb} {near}"


def listed_depths(spec: NetSpec) -> tuple[int, ...]:
    """The depths of a family or layout that comes in a few only; empty where they are too many to list."""
    if spec.family in ("alexnet", "vgg"):
        return ({"alexnet": ALEXNET_DEPTH, "vgg": VGG_DEPTH}[spec.family],)
    if spec.layout == "imagenet":
        return tuple(depth for depth, block in IMAGENET_BLOCK.items() if block == spec.block)
    return ()


def depth_step(spec: NetSpec) -> int:
    """From one depth that can be built to the next, where `listed_depths` lists none."""
    return 1 if spec.family == "highway" else N_CIFAR_STAGES * CONVS_PER_BLOCK[spec.block]
