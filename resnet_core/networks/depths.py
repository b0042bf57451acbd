"""How many blocks a depth makes: the arithmetic between `depth` and blocks per stage. No torch."""

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

N_STAGES = 3
CONVS_PER_BLOCK = {"basic": 2, "bottleneck": 3}
BOTTLENECK_EXPANSION = 4


def blocks_per_stage(spec) -> tuple[int, ...]:
    """Blocks of each stage of a checked spec."""
    if spec.family == "alexnet":
        return (4,)
    if spec.family == "vgg":
        return (15,)
    if spec.family == "highway":
        return highway_stages(spec.depth)
    if spec.layout == "imagenet":
        return IMAGENET_STAGES[spec.depth]
    return ((spec.depth - 2) // (N_STAGES * CONVS_PER_BLOCK[spec.block]),) * N_STAGES


def highway_stages(depth: int) -> tuple[int, int, int]:
    """Highway layers per stage: all layers but the stem, the two plain layers between stages, and the
    classifier.

    Where they cannot be shared out evenly, the earlier stages get one more.
    """
    layers = depth - 4
    return tuple((layers + N_STAGES - 1 - stage) // N_STAGES for stage in range(N_STAGES))


def allowed_depth(spec) -> tuple[bool, str]:
    """Whether the depth can be built, and if not a clause that says what can, with the nearest depths."""
    depth = spec.depth
    if spec.family == "alexnet":
        return depth == ALEXNET_DEPTH, f"AlexNet has depth {ALEXNET_DEPTH}"
    if spec.family == "vgg":
        return depth == VGG_DEPTH, f"VGG comes at depth {VGG_DEPTH}"
    if spec.family == "highway":
        rule = f"a highway network has any depth from {HIGHWAY_MIN_DEPTH} to {MAX_DEPTH}"
        return HIGHWAY_MIN_DEPTH <= depth <= MAX_DEPTH, rule
    if spec.layout == "imagenet":
        options = [d for d, block in IMAGENET_BLOCK.items() if block == spec.block]
        listed = ", ".join(str(d) for d in options[:-1]) + f" or {options[-1]}"
        return depth in options, f"the ImageNet layout with {spec.block} blocks has depth {listed}"
    return _cifar_depth(depth, spec.block)


def _cifar_depth(depth: int, block: str) -> tuple[bool, str]:
    step = N_STAGES * CONVS_PER_BLOCK[block]
    if (depth - 2) % step == 0 and step + 2 <= depth <= MAX_DEPTH:
        return True, ""
    last = (MAX_DEPTH - 2) // step * step + 2
    below = min(max((depth - 2) // step * step + 2, step + 2), last)
    near = f"{below} and {below + step}" if step + 2 < depth < last else f"{below}"
    verb = "are" if " and " in near else "is"
    return False, f"three stages of {block} blocks need {step}n+2, and the nearest {verb} {near}"


def listed_depths(spec: "NetSpec") -> tuple[int, ...]:
    """The depths of a family or layout that comes in a few only; empty where they are too many to list."""
    if spec.family in ("alexnet", "vgg"):
        return ({"alexnet": ALEXNET_DEPTH, "vgg": VGG_DEPTH}[spec.family],)
    if spec.layout == "imagenet":
        return tuple(depth for depth, block in IMAGENET_BLOCK.items() if block == spec.block)
    return ()


def depth_step(spec: "NetSpec") -> int:
    """From one depth that can be built to the next, where `listed_depths` lists none."""
    return 1 if spec.family == "highway" else N_STAGES * CONVS_PER_BLOCK[spec.block]
