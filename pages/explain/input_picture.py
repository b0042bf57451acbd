"""The picture that networks are asked about. No torch."""

import hashlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class InputPicture:
    """A picture as networks get it.

    Attributes:
        pixels: uint8 (S, S, 3).
        label: its class, where it is known.
        source: where it comes from, in words.
        dataset: name of the dataset that it is a test picture of; None for any other picture.
    """

    pixels: np.ndarray
    label: str | None
    source: str
    dataset: str | None = None

    @property
    def key(self) -> str:
        """The same for the same pixels: keys caches."""
        return hashlib.sha256(self.pixels.tobytes()).hexdigest()
