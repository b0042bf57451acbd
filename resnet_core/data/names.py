"""Names that come from people's files: checked where the lab keeps them, shortened where it shows them. No torch."""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import PurePath

from resnet_core.errors import DataError

MAX_LENGTH = 200
"""Characters of a class name."""

_SHOWN = 60
_TITLE = 100


def check_class_names(names: Sequence[str]) -> None:
    """Raise DataError unless each is a name of its own, of up to 200 characters that can be written and shown."""
    for name in names:
        if len(name) > MAX_LENGTH:
            raise DataError(
                f"The class name {shorten(name)!r} has {len(name):,} characters; at most {MAX_LENGTH} can be used: "
                "choose a shorter one."
            )
        if any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
            raise DataError(f"The class name {shorten(name)!r} holds characters that are no text: rename the class.")
    if "" in names:
        raise DataError("The class name '' cannot be used: each class needs a name of its own.")
    known = set()
    for name in names:
        if name in known:
            raise DataError(f"The class name {name!r} is there twice: each class needs a name of its own.")
        known.add(name)


def shorten(text: str) -> str:
    """The text in at most 60 characters, without those that cannot be written or shown; its end is kept."""
    text = printable(text)
    return text if len(text) <= _SHOWN else f"{text[:40]}…{text[-15:]}"


def short_name(path: str) -> str:
    """The last part of a path, shortened."""
    return shorten(PurePath(path.replace("\\", "/")).name)


def title_of(text: str) -> str:
    """The text as the title of a dataset; "pictures" when nothing of it can be used."""
    return printable(" ".join(text.split()))[:_TITLE].strip() or "pictures"


def printable(text: str) -> str:
    """The text with "?" for control characters and for what is no Unicode, such as bytes of a Latin-1 file name."""
    return "".join("?" if unicodedata.category(c) in ("Cc", "Cs") else c for c in text)


def natural_key(text: str) -> tuple[str, str]:
    """A key that sorts numbers in names by their value: 2 before 10. No longer than a few times the name."""
    return re.sub(r"\d+", _number_key, text), text


def _number_key(run: re.Match[str]) -> str:
    """Digits behind a mark that sorts before letters, and behind how many they are: more digits, a larger number."""
    digits = "".join(str(unicodedata.decimal(digit)) for digit in run[0]).lstrip("0")
    return f"\x01{chr(len(digits))}{digits}"
