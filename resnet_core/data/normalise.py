"""The one way from uint8 pictures to a network's input, and back."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from resnet_core.errors import DataError


class Normalise:
    """Turn uint8 pictures (N, H, W, 3) into a network's input: float32 (N, 3, S, S) in channels-last memory, minus the
    training set's mean and over its standard deviation, per channel.

    He et al. 2015 subtract the mean of each pixel; a mean per channel has become the field's habit and lets a picture
    be shifted. A network made for larger pictures gets them enlarged, bilinearly.

    Args:
        mean, std: three numbers each, of pixels in [0, 1]; see Dataset.mean and Dataset.std.
        image_size: S, the side of the network's input in pixels; None keeps the pictures' own size.
        device: where the pictures are.
    """

    def __init__(
        self,
        mean: Sequence[float],
        std: Sequence[float],
        image_size: int | None = None,
        device: torch.device | str = "cpu",
    ):
        self.mean, self.std = tuple(map(float, mean)), tuple(map(float, std))
        self.image_size = image_size
        self.device = device
        # Of bytes: one subtraction and one product for each, without bringing them to [0, 1] first.
        self._mean = torch.tensor(self.mean, dtype=torch.float32, device=device) * 255
        self._scale = 1 / (torch.tensor(self.std, dtype=torch.float32, device=device) * 255)

    def __call__(self, images: Tensor | np.ndarray) -> Tensor:
        """Normalise pictures; the given ones are left alone.

        Raises:
            DataError: not uint8, not (N, H, W, 3), or no picture at all.
        """
        if isinstance(images, np.ndarray):
            images = torch.tensor(images, device=self.device)  # a copy: NumPy's may be a read-only view of a file
        if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[3] != 3 or not len(images):
            raise DataError(
                f"Pictures must be uint8 (N, height, width, 3), N at least 1, not {images.dtype} {tuple(images.shape)}."
            )
        n, height, width, channels = images.shape
        # Whole rows of pixels at a time: arithmetic with a last dimension of 3 is four times as slow on a CPU.
        rows = images.to(torch.float32).view(n, height, width * channels)
        rows.sub_(self._mean.repeat(width)).mul_(self._scale.repeat(width))
        x = rows.view(images.shape).permute(0, 3, 1, 2)
        if self.image_size is not None and x.shape[-2:] != (self.image_size, self.image_size):
            x = F.interpolate(x, size=(self.image_size, self.image_size), mode="bilinear", align_corners=False)
        return x

    def from_unit(self, pixels: Tensor) -> Tensor:
        """Normalise pixels in [0, 1], (N, 3, H, W): the same numbers as for the bytes 255 times as large."""
        return (pixels * 255 - per_channel(self._mean, pixels)) * per_channel(self._scale, pixels)

    def inverse(self, x: Tensor) -> Tensor:
        """A network's input (N, 3, H, W) back to pixels in [0, 1]."""
        return x * per_channel(self.std, x) + per_channel(self.mean, x)


def per_channel(values: Sequence[float] | Tensor, like: Tensor) -> Tensor:
    """Three numbers as (1, 3, 1, 1), on the device and in the type of ``like``, for arithmetic with (N, 3, H, W)."""
    return torch.as_tensor(values, dtype=like.dtype, device=like.device).view(1, 3, 1, 1)
