"""Names of networks for people: the family and depth, then what differs from the usual. No torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resnet_core.networks.spec import NetSpec

FAMILY_NAMES = {"plain": "Plain", "residual": "ResNet", "preact": "PreAct-ResNet", "highway": "Highway", "vgg": "VGG"}
INIT_NAMES = {
    "xavier": "Xavier start",
    "default": "PyTorch start",
    "gaussian": "Gaussian start",
    "zero_gamma": "zero-gamma start",
    "skipinit": "SkipInit",
    "fixup": "Fixup",
}
MERGE_NAMES = {
    "scaled": "scaled",
    "exclusive_gate": "exclusive gate",
    "shortcut_gate": "shortcut gate",
    "dropout": "dropout shortcut",
}
ORDER_NAMES = {
    "bn_after_add": "BN after addition",
    "relu_before_add": "ReLU before addition",
    "relu_only_preact": "ReLU-only",
}
MAX_PATTERN_LENGTH = 27
"""Up to so many blocks (depth 56) a name shows the skip pattern; above, it counts the skips."""


def long_name(spec: NetSpec) -> str:
    """The full name: "ResNet-110 · exclusive gate (bias -6)"."""
    return " · ".join([_base(spec), *(long for long, _ in _differences(spec))])


def short_name(spec: NetSpec) -> str:
    """The name for a legend: "ResNet-56 noBN"."""
    return " ".join([_base(spec), *(short for _, short in _differences(spec))])


def _base(spec: NetSpec) -> str:
    return "AlexNet" if spec.family == "alexnet" else f"{FAMILY_NAMES[spec.family]}-{spec.depth}"


def _differences(spec: NetSpec) -> list[tuple[str, str]]:
    """(long, short) words for each way in which the network differs from what its base name says."""
    return [*_shape(spec), *_init(spec), *_skips(spec)]


def _shape(spec: NetSpec) -> list[tuple[str, str]]:
    found = []
    if spec.image_size == 224 or spec.family in ("alexnet", "vgg"):
        found.append((f"{spec.image_size} px", f"{spec.image_size}px"))
    elif spec.layout == "imagenet":
        found.append(("ImageNet layout", "ImageNet"))
    elif spec.block == "bottleneck":
        found.append(("bottleneck", "bottleneck"))
    if spec.width != (64 if spec.layout == "imagenet" else 16):
        found.append((f"width {spec.width}", f"w{spec.width}"))
    usual_norm = "none" if spec.family in ("highway", "alexnet", "vgg") else "batch"
    if spec.norm != usual_norm:
        found.append(("no BN", "noBN") if spec.norm == "none" else ("BN", "BN"))
    return found


def _init(spec: NetSpec) -> list[tuple[str, str]]:
    if spec.init == "he":
        return []
    return [(INIT_NAMES[spec.init], INIT_NAMES[spec.init].replace(" start", ""))]


def _skips(spec: NetSpec) -> list[tuple[str, str]]:
    found = []
    usual_shortcut = "B" if spec.layout == "imagenet" and spec.family == "residual" else "A"
    if spec.shortcut != usual_shortcut:
        found.append((f"option {spec.shortcut}", spec.shortcut))
    if spec.merge != "identity":
        found.append((MERGE_NAMES[spec.merge] + _gate_bias(spec),) * 2)
    elif spec.family == "highway" and spec.gate_bias != -2:
        found.append((f"gate bias {spec.gate_bias:g}", f"b{spec.gate_bias:g}"))
    if spec.order != "standard":
        found.append((ORDER_NAMES[spec.order],) * 2)
    if spec.skip_strength != 1:
        found.append((f"skips × {spec.skip_strength:g}", f"×{spec.skip_strength:g}"))
    if spec.drop_path:
        found.append((f"stochastic depth {spec.drop_path:g}", f"drop {spec.drop_path:g}"))
    return found + _pattern(spec)


def _gate_bias(spec: NetSpec) -> str:
    return f" (bias {spec.gate_bias:g})" if spec.merge.endswith("gate") else ""


def _pattern(spec: NetSpec) -> list[tuple[str, str]]:
    if spec.skips == "all" or spec.family in ("plain", "alexnet", "vgg"):
        return []
    if spec.skips == "none":
        return [("no skips", "no skips")]
    count = f"{spec.skips.count('1')}/{spec.n_blocks} skips"
    return [(f"skips {spec.skips}" if spec.n_blocks <= MAX_PATTERN_LENGTH else count, count)]
