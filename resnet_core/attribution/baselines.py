"""Between pixels in [0, 1] and a network's normalised input, and the baselines for "nothing there"."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from resnet_core.attribution.methods import BASELINES, AttributionError


@dataclass(frozen=True)
class PixelSpace:
    """The normalisation a network was trained with: x = (pixel - mean) / std, each channel on its own.

    Attributes:
        mean, std: three numbers each, for pixels in [0, 1].
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def per_channel(self, values: Sequence[float], like: torch.Tensor) -> torch.Tensor:
        """Three numbers as (1, 3, 1, 1), on the device and in the type of `like`."""
        return torch.tensor(values, dtype=like.dtype, device=like.device).view(1, 3, 1, 1)

    def normalise(self, pixels: torch.Tensor) -> torch.Tensor:
        """(N, 3, H, W) in [0, 1] to the network's input."""
        return (pixels - self.per_channel(self.mean, pixels)) / self.per_channel(self.std, pixels)

    def to_pixels(self, x: torch.Tensor) -> torch.Tensor:
        """The network's input back to (N, 3, H, W) in [0, 1]."""
        return x * self.per_channel(self.std, x) + self.per_channel(self.mean, x)

    def baseline(self, kind: str, x: torch.Tensor, seed: int = 0, count: int = 1) -> torch.Tensor:
        """The normalised baseline of kind `kind` for the normalised pictures `x` (N, 3, H, W).

        black, mean and blurred give one baseline a picture, (N, 3, H, W); noise gives `count` pictures,
        (count, 3, H, W), uniform in [0, 1] before normalising (Sturmfels, Lundberg, Lee 2020,
        https://distill.pub/2020/attribution-baselines). Black is the pixel value 0, which is not 0 after
        normalising; the mean colour is.
        """
        if kind == "black":
            return self.normalise(torch.zeros_like(x))
        if kind == "mean":
            return torch.zeros_like(x)
        if kind == "blurred":
            return blur(x, sigma=min(x.shape[-2:]) / 8)
        if kind == "noise":
            return self.normalise(random_uniform((count, *x.shape[1:]), seed, x))
        raise AttributionError(f"baseline is {kind!r}; it must be one of {', '.join(BASELINES)}.")


def to_input(picture: np.ndarray, mean: Sequence[float], std: Sequence[float]) -> torch.Tensor:
    """A uint8 picture (H, W, 3), or several (N, H, W, 3), as normalised float32 (N, 3, H, W)."""
    batch = picture[None] if picture.ndim == 3 else picture
    if batch.dtype != np.uint8 or batch.ndim != 4 or batch.shape[-1] != 3:
        raise AttributionError(
            f"A picture must be uint8 of shape (height, width, 3), not {picture.dtype} of {picture.shape}."
        )
    pixels = torch.from_numpy(np.array(batch)).permute(0, 3, 1, 2).float() / 255
    return PixelSpace(tuple(mean), tuple(std)).normalise(pixels.contiguous())


def blur(x: torch.Tensor, sigma: float) -> torch.Tensor:
    """Gaussian blur of (N, C, H, W), `sigma` in pixels, edges mirrored."""
    radius = min(math.ceil(3 * sigma), min(x.shape[-2:]) - 1)
    offsets = torch.arange(-radius, radius + 1, dtype=x.dtype, device=x.device)
    kernel = torch.exp(-0.5 * (offsets / sigma) ** 2)
    kernel = (kernel / kernel.sum()).repeat(x.shape[1], 1, 1, 1)
    padded = F.pad(x, (radius,) * 4, mode="reflect")
    rows = F.conv2d(padded, kernel, groups=x.shape[1])
    return F.conv2d(rows, kernel.transpose(-1, -2), groups=x.shape[1])


def random_uniform(shape: tuple[int, ...], seed: int, like: torch.Tensor) -> torch.Tensor:
    """Uniform in [0, 1) from a generator of its own: the same on every device, no global state touched."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(shape, generator=generator, dtype=like.dtype).to(like.device)


def random_normal(shape: tuple[int, ...], seed: int, like: torch.Tensor) -> torch.Tensor:
    """Standard normal, drawn as `random_uniform` draws."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=like.dtype).to(like.device)
