"""Changes to a design that always end in a network that can be built. No torch."""

import dataclasses
from typing import Any

from resnet_core.errors import SpecError
from resnet_core.networks.presets import preset
from resnet_core.networks.spec import NetSpec

FAMILY_BASES = {
    "alexnet": preset("alexnet-at-32"),
    "vgg": preset("vgg-19-at-32"),
    "highway": preset("highway-19"),
}
"""What a change to one of these families starts from; every other one starts from its defaults."""

BLOCK_BASES = {"basic": preset("resnet-34-at-32"), "bottleneck": preset("resnet-50-at-32")}
"""The same for a change of block in the ImageNet layout."""


def change_field(spec: NetSpec, field: str, value: str | int | float) -> NetSpec:
    """The nearest network whose `field` has this value.

    The same network but for that field; where that cannot be built, with its skips as the family has them; where the
    family, the layout or the block changes, every other field is kept as far as it fits.

    Raises SpecError when there is no such network.
    """
    try:
        return _replace(spec, {field: value})
    except SpecError:
        pass
    try:
        return _replace(spec, {field: value, "skips": ""})
    except SpecError:
        if field not in ("family", "layout", "block"):
            raise
    return _rebuild(spec, field, value)


def toggle_skips(spec: NetSpec, first: int, stop: int) -> NetSpec:
    """The network with the skips of blocks `first` to `stop` - 1 off when all of them are on, else on."""
    mask = list(spec.skip_mask())
    mask[first:stop] = [not all(mask[first:stop])] * (stop - first)
    return spec.with_skips(mask)


def _rebuild(spec: NetSpec, field: str, value: str | int | float) -> NetSpec:
    """A network that certainly has the value, with every field of `spec` that fits."""
    new = _base(spec, field, value)
    for name, old in spec.to_dict().items():
        if name not in (field, "skips"):
            try:
                new = _replace(new, {name: old})
            except SpecError:
                continue
    return new


def _replace(spec: NetSpec, changes: dict[str, Any]) -> NetSpec:
    return dataclasses.replace(spec, **changes)


def _base(spec: NetSpec, field: str, value: str | int | float) -> NetSpec:
    if field == "family":
        return FAMILY_BASES.get(str(value)) or NetSpec(family=str(value))
    if field == "layout" and value == "imagenet":
        return NetSpec(family=spec.family, layout="imagenet", depth=18, width=64, num_classes=spec.num_classes)
    if field == "block" and spec.layout == "imagenet":
        return BLOCK_BASES[str(value)]
    if field == "block" and value == "bottleneck":
        return NetSpec(family=spec.family, block="bottleneck", depth=29)
    return NetSpec(family=spec.family)
