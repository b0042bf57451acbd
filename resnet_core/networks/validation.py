"""What a `NetSpec` may hold: each field on its own, then the fields together. No torch.

Every function raises SpecError with a sentence that names the value, the field and what is allowed.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, NoReturn

from resnet_core.errors import SpecError
from resnet_core.networks import options
from resnet_core.networks.depths import blocks_per_stage, depth_problem

if TYPE_CHECKING:
    from resnet_core.networks.spec import NetSpec

FAMILIES_WITHOUT_SKIPS = ("plain", "alexnet", "vgg")
RESNET_FAMILIES = ("plain", "residual", "preact")
DEFAULT_GATE_BIAS = -2.0
MAX_WIDTH = 1024
MAX_CLASSES = 100_000


def check_fields(spec: NetSpec) -> None:
    """Check each field alone: its type, its range or choices; and the depth, which depends on the family."""
    for field, allowed in options.CHOICES.items():
        _check_choice(field, getattr(spec, field), allowed)
    _check_int("depth", spec.depth, 1, None)
    _check_int("width", spec.width, 1, MAX_WIDTH)
    _check_int("num_classes", spec.num_classes, 2, MAX_CLASSES)
    _check_choice("image_size", spec.image_size, (32, 224))
    _check_float("skip_strength", spec.skip_strength, 0.0, 1.0)
    _check_float("gate_bias", spec.gate_bias, -20.0, 20.0)
    _check_float("drop_path", spec.drop_path, 0.0, 0.99)
    if not isinstance(spec.skips, str):
        raise SpecError(f"skips is {spec.skips!r}: it must be 'all', 'none', or a text of one 1 or 0 per block.")
    _check_layout(spec)
    if problem := depth_problem(spec):
        raise SpecError(f"Depth {spec.depth} cannot be built: {problem}.")


def canonical_skips(spec: NetSpec) -> str:
    """The `skips` field in its one spelling: "all", "none" or a mixed pattern."""
    if spec.skips == "":
        return "none" if spec.family in FAMILIES_WITHOUT_SKIPS else "all"
    if spec.skips in ("all", "none"):
        return spec.skips
    n_blocks = sum(blocks_per_stage(spec))
    if set(spec.skips) - {"0", "1"} or len(spec.skips) != n_blocks:
        raise SpecError(
            f"skips is {_shorten(spec.skips)!r}: it must be 'all', 'none', "
            f"or {n_blocks} characters 1 or 0, one per block."
        )
    return {"1": "all", "0": "none"}.get("".join(sorted(set(spec.skips))), spec.skips)


def check_combination(spec: NetSpec) -> None:
    """Check the fields together: refuse what the family has no place for, and what would have no effect."""
    _check_family(spec)
    _check_merge_and_order(spec)
    _check_init(spec)
    _check_drop_path(spec)


def _check_layout(spec: NetSpec) -> None:
    if spec.family in ("alexnet", "vgg") and spec.layout != "imagenet":
        _refuse("layout", spec.layout, f"{spec.family} exists only in the layout 'imagenet'")
    if spec.family == "highway" and spec.layout != "cifar":
        _refuse("layout", spec.layout, "highway networks are built in the layout 'cifar'")
    if spec.layout == "cifar" and spec.image_size != 32:
        _refuse("image_size", spec.image_size, "the layout 'cifar' is made for pictures of 32")


def _check_family(spec: NetSpec) -> None:
    if spec.family in FAMILIES_WITHOUT_SKIPS:
        _require(spec, "skips", "none", f"a {spec.family} network has no skip connections")
        _require(spec, "shortcut", "A", f"a {spec.family} network has no shortcuts")
        _require(spec, "skip_strength", 1.0, f"a {spec.family} network has no skip connections to weaken")
    if spec.family not in RESNET_FAMILIES:
        _require(spec, "block", "basic", f"a {spec.family} network has no bottleneck blocks")
        _require(spec, "shortcut", "A", f"a {spec.family} network has no projection shortcuts")
    if spec.family in ("alexnet", "vgg"):
        _require(spec, "width", 64, f"{spec.family} is built at its published width")
    if spec.family == "alexnet":
        _require(spec, "norm", "none", "AlexNet has no batch norm")


def _check_merge_and_order(spec: NetSpec) -> None:
    if spec.family != "residual":
        _require(spec, "merge", "identity", "only the family 'residual' has other ways to merge")
    orders = options.ORDERS_OF_FAMILY.get(spec.family, ("standard",))
    if spec.order not in orders:
        _refuse("order", spec.order, f"the family {spec.family!r} has {_join(orders)}")
    if spec.order != "standard":
        _require(spec, "merge", "identity", f"the order {spec.order!r} was tried with identity shortcuts")
    if spec.order in ("bn_after_add", "relu_only_preact"):
        _require(spec, "norm", "batch", f"the order {spec.order!r} is about where batch norm stands")
    if spec.merge == "scaled" and not 0 < spec.skip_strength < 1:
        _refuse(
            "skip_strength",
            spec.skip_strength,
            "the merge 'scaled' adds strength times the shortcut and (1 - strength) times the branch, "
            "so it lies between 0 and 1 (the paper: 0.5)",
        )
    if spec.family != "highway" and spec.merge not in options.GATED_MERGES:
        _require(spec, "gate_bias", DEFAULT_GATE_BIAS, "this network has no gates")


def _check_init(spec: NetSpec) -> None:
    if spec.init not in options.BRANCH_INITS:
        return
    if spec.family not in RESNET_FAMILIES:
        _refuse("init", spec.init, f"a {spec.family} network starts with {_join(options.WEIGHT_INITS)}")
    if spec.merge != "identity":
        _refuse("init", spec.init, "it starts the branches at zero, which is defined for the merge 'identity'")
    if spec.init == "zero_gamma":
        _require(spec, "norm", "batch", "'zero_gamma' is about the gain of batch norm")
        if spec.order not in ("standard", "relu_only_preact") or (spec.family, spec.order) == (
            "preact",
            "standard",
        ):
            _refuse(
                "init",
                spec.init,
                "here a ReLU follows that batch norm, or the sum passes it: it would stay dead",
            )
        return
    _require(spec, "norm", "none", f"{spec.init!r} was made to train without batch norm")
    if spec.order != "standard" or (spec.init == "fixup" and spec.family == "preact"):
        _refuse("init", spec.init, "it is defined for the family 'residual' in the order 'standard'")


def _check_drop_path(spec: NetSpec) -> None:
    if spec.drop_path == 0:
        return
    if spec.family not in ("residual", "preact") or spec.merge != "identity":
        _refuse("drop_path", spec.drop_path, "stochastic depth needs a residual network with identity shortcuts")
    if spec.skips == "none":
        _refuse(
            "drop_path",
            spec.drop_path,
            "with no skips a dropped block would stop the signal, so it must be 0",
        )


def _require(spec: NetSpec, field: str, value: str | float, why: str) -> None:
    if getattr(spec, field) != value:
        _refuse(field, getattr(spec, field), f"{why}, so it must be {value!r}")


def _refuse(field: str, value: object, why: str) -> NoReturn:
    raise SpecError(f"{field} cannot be {_shorten(value)!r}: {why}.")


def _check_choice(field: str, value: object, choices: Collection[str | int]) -> None:
    if type(value) not in {type(choice) for choice in choices} or value not in choices:
        raise SpecError(f"{field} cannot be {_shorten(value)!r}: it is one of {_join(choices)}.")


def _check_int(field: str, value: object, low: int, high: int | None) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < low or (high is not None and value > high):
        span = f"from {low} to {high}" if high is not None else f"of at least {low}"
        raise SpecError(f"{field} cannot be {_shorten(value)!r}: it must be a whole number {span}.")


def _check_float(field: str, value: object, low: float, high: float) -> None:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not math.isfinite(value)
        or not low <= value <= high
    ):
        raise SpecError(f"{field} cannot be {_shorten(value)!r}: it must be a number from {low:g} to {high:g}.")


def _join(choices: Iterable[str | int]) -> str:
    """The choices as words: "'a', 'b' or 'c'"."""
    texts = [repr(choice) for choice in choices]
    return texts[0] if len(texts) == 1 else ", ".join(texts[:-1]) + " or " + texts[-1]


def _shorten(value: object, length: int = 60) -> object:
    """The value, a long text cut off."""
    return value if not isinstance(value, str) or len(value) <= length else value[:length] + "…"
