"""Baselines, the pictures that stand for "nothing there", and the random numbers that attribution draws."""

import math

import torch
import torch.nn.functional as F

from resnet_core.attribution.methods import BASELINES, AttributionError
from resnet_core.data.normalise import Normalise


def make_baseline(kind: str, x: torch.Tensor, normalise: Normalise, seed: int = 0, count: int = 1) -> torch.Tensor:
    """The normalised baselines of one kind for the normalised pictures ``x`` (N, 3, H, W).

    "black", "mean" and "blurred" give one baseline a picture, (N, 3, H, W); "noise" gives ``count`` pictures,
    (count, 3, H, W), uniform in [0, 1] before normalising (Sturmfels, Lundberg, Lee 2020,
    https://distill.pub/2020/attribution-baselines). Black is the pixel value 0, which is not 0 after normalising; the
    mean colour is.

    Raises:
        AttributionError: there is no such kind.
    """
    if kind == "black":
        return normalise.from_unit(torch.zeros_like(x))
    if kind == "mean":
        return torch.zeros_like(x)
    if kind == "blurred":
        return blur(x, sigma=min(x.shape[-2:]) / 8)
    if kind == "noise":
        return normalise.from_unit(random_uniform((count, *x.shape[1:]), seed, x))
    raise AttributionError(f"baseline is {kind!r}; it must be one of {', '.join(BASELINES)}.")


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
