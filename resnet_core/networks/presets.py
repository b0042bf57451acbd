"""Networks by name: a table, then plain-N, resnet-N, preact-N and highway-N for any depth. No torch."""

import re
from dataclasses import dataclass, replace
from typing import Any

from resnet_core.errors import SpecError
from resnet_core.networks import options
from resnet_core.networks.options import Paper
from resnet_core.networks.spec import NetSpec


@dataclass(frozen=True)
class Preset:
    """A row of the table: a network, its title and the group it stands under in a select box, its source."""

    spec: NetSpec
    title: str
    group: str
    paper: Paper


LESSON = "Small, for a lesson"
CIFAR = "Plain and residual, as in the paper"
PREACT = "Pre-activation"
HIGHWAYS = "Highway networks"
SHORTCUTS = "What the shortcut does"
ORDERS = "Where BN and ReLU stand"
INITS = "Batch norm or not, and how it starts"
IMAGENET = "ImageNet, 224 pixels"
SMALL_IMAGENET = "ImageNet networks at 32 pixels"


def preset(name: str) -> NetSpec:
    """The network of this name, in any case: a row of the table, else plain-N, resnet-N, preact-N or highway-N.

    Raises SpecError: for an unknown name the sentence lists what exists, for an impossible depth the nearest ones.
    """
    key = name.strip().lower()
    if key in PRESETS:
        return PRESETS[key].spec
    match = re.fullmatch(r"(plain|resnet|preact|highway)-(\d{1,5})", key)
    if not match:
        raise SpecError(
            f"There is no network named {name[:60]!r}. There are plain-N, resnet-N, preact-N and highway-N "
            f"with a depth N, and {', '.join(PRESETS)}."
        )
    family = {"resnet": "residual"}.get(match[1], match[1])
    norm = "none" if family == "highway" else "batch"
    return NetSpec(family=family, depth=int(match[2]), norm=norm)


def parse_spec(text: str) -> NetSpec:
    """The network that a text names: a preset, as `preset` takes it, or a design, as `NetSpec.to_query` writes it.

    Raises SpecError when it names none.
    """
    is_design = "~" in text or text.startswith("residual-")  # no preset's name looks like that
    return NetSpec.from_query(text) if is_design else preset(text)


def _cifar() -> dict[str, Preset]:
    rows: dict[str, Preset] = {}
    for depth, group in ((8, LESSON), *((depth, CIFAR) for depth in (20, 32, 44, 56, 110))):
        for word, family in (("plain", "plain"), ("resnet", "residual")):
            spec = NetSpec(family=family, depth=depth)
            rows[f"{word}-{depth}"] = Preset(spec, spec.name, group, options.HE_2015)
    rows["resnet-1202"] = Preset(NetSpec(depth=1202), "ResNet-1202", CIFAR, options.HE_2015)
    return rows


def _preact() -> dict[str, Preset]:
    deep = {depth: NetSpec(family="preact", depth=depth, block="bottleneck", shortcut="B") for depth in (164, 1001)}
    he = options.HE_2016
    return {
        "preact-20": Preset(NetSpec(family="preact", depth=20), "Pre-activation ResNet-20", PREACT, he),
        "preact-110": Preset(NetSpec(family="preact", depth=110), "Pre-activation ResNet-110", PREACT, he),
        "preact-164": Preset(deep[164], "Pre-activation ResNet-164, bottleneck", PREACT, he),
        "preact-1001": Preset(deep[1001], "Pre-activation ResNet-1001, bottleneck", PREACT, he),
    }


def _highway() -> dict[str, Preset]:
    rows: dict[str, Preset] = {}
    for depth, width in ((19, 32), (32, 16)):
        spec = NetSpec(family="highway", depth=depth, width=width, norm="none")
        rows[f"highway-{depth}"] = Preset(spec, f"Highway-{depth}, gate bias -2", HIGHWAYS, options.HIGHWAY)
    return rows


def _shortcuts() -> dict[str, Preset]:
    base = NetSpec(depth=110)

    def row(title: str, paper: Paper = options.HE_2016, **changes: Any) -> Preset:
        return Preset(replace(base, **changes), f"ResNet-110, {title}", SHORTCUTS, paper)

    return {
        "resnet-110-half-skip": row("shortcut × 0.5", skip_strength=0.5),
        "resnet-110-scaled": row("shortcut and branch × 0.5", merge="scaled", skip_strength=0.5),
        "resnet-110-exclusive-gate": row("exclusive gate, bias -6", merge="exclusive_gate", gate_bias=-6.0),
        "resnet-110-shortcut-gate-0": row("shortcut-only gate, bias 0", merge="shortcut_gate", gate_bias=0.0),
        "resnet-110-shortcut-gate-6": row("shortcut-only gate, bias -6", merge="shortcut_gate", gate_bias=-6.0),
        "resnet-110-conv1x1": row("1x1 convolution on every shortcut (option C)", shortcut="C"),
        "resnet-110-dropout": row("dropout on the shortcut", merge="dropout"),
        "resnet-110-option-b": row("projections where the shape changes (option B)", options.HE_2015, shortcut="B"),
        "resnet-110-stochastic-depth": row("stochastic depth 0.5", options.STOCHASTIC_DEPTH, drop_path=0.5),
    }


def _orders() -> dict[str, Preset]:
    he = options.HE_2016
    return {
        "resnet-110-bn-after-add": Preset(
            NetSpec(depth=110, order="bn_after_add"), "ResNet-110, BN after addition", ORDERS, he
        ),
        "resnet-110-relu-before-add": Preset(
            NetSpec(depth=110, order="relu_before_add"), "ResNet-110, ReLU before addition", ORDERS, he
        ),
        "preact-110-relu-only": Preset(
            NetSpec(family="preact", depth=110, order="relu_only_preact"),
            "ResNet-110, ReLU-only pre-activation",
            ORDERS,
            he,
        ),
    }


def _inits() -> dict[str, Preset]:
    def row(family: str, title: str, paper: Paper, **changes: Any) -> Preset:
        spec = NetSpec(family=family, depth=56, **changes)
        word = "Plain" if family == "plain" else "ResNet"
        return Preset(spec, f"{word}-56, {title}", INITS, paper)

    he, xavier, gaussian = options.HE_INIT, options.GLOROT, options.KRIZHEVSKY_2012
    return {
        "plain-56-nobn-default": row("plain", "no BN, PyTorch's start", he, norm="none", init="default"),
        "plain-56-nobn-xavier": row("plain", "no BN, Xavier's start", xavier, norm="none", init="xavier"),
        "plain-56-nobn-gaussian": row("plain", "no BN, small Gaussian start", gaussian, norm="none", init="gaussian"),
        "plain-56-nobn-he": row("plain", "no BN, He's start", he, norm="none"),
        "resnet-56-nobn-default": row("residual", "no BN, PyTorch's start", he, norm="none", init="default"),
        "resnet-56-nobn-he": row("residual", "no BN, He's start", he, norm="none"),
        "resnet-56-nobn-skipinit": row("residual", "no BN, SkipInit", options.SKIPINIT, norm="none", init="skipinit"),
        "resnet-56-nobn-fixup": row("residual", "no BN, Fixup", options.FIXUP, norm="none", init="fixup"),
        "resnet-56-zero-gamma": row("residual", "last gain of each block 0", options.GOYAL, init="zero_gamma"),
    }


def _imagenet() -> dict[str, Preset]:
    rows: dict[str, Preset] = {}
    for suffix, group, shape in (
        ("", IMAGENET, {"image_size": 224, "num_classes": 1000}),
        ("-at-32", SMALL_IMAGENET, {"image_size": 32, "num_classes": 10}),
    ):
        common: dict[str, Any] = {"layout": "imagenet", "width": 64, **shape}
        at = " at 32 pixels" if suffix else ""
        alexnet = NetSpec(family="alexnet", depth=8, norm="none", **common)
        vgg = NetSpec(family="vgg", depth=19, norm="none", **common)
        rows[f"alexnet{suffix}"] = Preset(alexnet, f"AlexNet{at}", group, options.ALEXNET)
        rows[f"vgg-19{suffix}"] = Preset(vgg, f"VGG-19{at}", group, options.VGG)
        for depth in (18, 34):
            plain = NetSpec(family="plain", depth=depth, **common)
            rows[f"plain-{depth}{suffix}"] = Preset(plain, f"Plain-{depth}{at}", group, options.HE_2015)
        for depth in (18, 34, 50, 101, 152):
            block = "basic" if depth < 50 else "bottleneck"
            spec = NetSpec(depth=depth, block=block, shortcut="B", **common)
            rows[f"resnet-{depth}{suffix}"] = Preset(spec, f"ResNet-{depth}{at}", group, options.HE_2015)
    return rows


PRESETS: dict[str, Preset] = {
    **_cifar(),
    **_preact(),
    **_highway(),
    **_shortcuts(),
    **_orders(),
    **_inits(),
    **_imagenet(),
}
"""Name -> Preset, in the order of the select box."""
