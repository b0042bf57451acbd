"""A spec as a short string for a link, and back: "residual-20~w32~k1b6". No torch.

Family and depth, then "~", a letter and a value for each field that is not at its default, in characters that need no
escaping in a URL. A mixed skip pattern is written as a hexadecimal number.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from resnet_core.errors import SpecError

if TYPE_CHECKING:
    from resnet_core.networks.spec import NetSpec

LETTERS = {
    "w": "width",
    "b": "block",
    "o": "shortcut",
    "n": "norm",
    "i": "init",
    "k": "skips",
    "s": "skip_strength",
    "m": "merge",
    "r": "order",
    "g": "gate_bias",
    "p": "drop_path",
    "l": "layout",
    "c": "num_classes",
    "z": "image_size",
}


def encode(spec: NetSpec) -> str:
    """The spec as a string."""
    defaults = {field.name: field.default for field in dataclasses.fields(spec)}
    defaults["skips"] = "none" if spec.family in ("plain", "alexnet", "vgg") else "all"
    parts = [f"{spec.family}-{spec.depth}"]
    for letter, field in LETTERS.items():
        value = getattr(spec, field)
        if value == defaults[field]:
            continue
        parts.append(letter + (_pack_skips(value) if field == "skips" else _format(value)))
    return "~".join(parts)


def decode(text: str, spec_class: type[NetSpec]) -> dict[str, Any]:
    """The fields that a string names. Raises SpecError, naming the part that cannot be read."""
    head, *parts = text.split("~")
    family, _, depth = head.rpartition("-")
    fields: dict[str, Any] = {"family": family, "depth": _number(depth, int, text)}
    types: dict[str, Any] = {field.name: type(field.default) for field in dataclasses.fields(spec_class)}
    packed = None
    for part in parts:
        field = LETTERS.get(part[:1])
        if field is None or field in fields:
            raise SpecError(f"The link's design {text[:80]!r} cannot be read at {part[:40]!r}: copy the link again.")
        if field == "skips":
            packed = part[1:]
        else:
            fields[field] = part[1:] if types[field] is str else _number(part[1:], types[field], text)
    if packed is not None:
        fields["skips"] = _unpack_skips(packed, spec_class(**fields).n_blocks, text)
    return fields


def _format(value: str | float) -> str:
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)


def _pack_skips(skips: str) -> str:
    return skips if skips in ("all", "none") else f"{int(skips, 2):x}"


def _unpack_skips(packed: str, n_blocks: int, text: str) -> str:
    if packed in ("all", "none"):
        return packed
    try:
        bits = f"{int(packed, 16):0{n_blocks}b}"
    except ValueError:
        raise SpecError(
            f"The link's design {text[:80]!r} has skips {packed[:40]!r}, no pattern: copy the link again."
        ) from None
    return bits


def _number(digits: str, kind: type[int] | type[float], text: str) -> int | float:
    try:
        return kind(digits)
    except ValueError:
        raise SpecError(
            f"The link's design {text[:80]!r} has {digits[:40]!r} in place of a number: copy the link again."
        ) from None
