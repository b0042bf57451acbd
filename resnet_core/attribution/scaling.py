"""One colour scale for several maps of one method, so that twins can be compared. No torch.

Scaling each map by its own maximum makes a map of rounding errors look as strong as a real one (captum issue
393). Here all maps share one limit, the sign is kept, and below `FLOOR` nothing is enlarged.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

FLOOR = 1e-6
"""Smallest limit, in the method's own unit: maps whose values all lie below it are drawn as (nearly) zero."""


@dataclass(frozen=True, eq=False)
class SharedScale:
    """Maps divided by one limit.

    Attributes:
        maps: float32, same shapes as given, in [-1, 1] (signed) or [0, 1]; values beyond the limit are
            clipped.
        low, high: what -1 (or 0) and 1 stand for, in the method's unit.
        strength: for each map its own percentile over `high`: 1 is the strongest of the maps, near 0 a nearly
            empty one.
        clipped: for each map the share of pixels beyond the limit.
    """

    maps: list[np.ndarray]
    low: float
    high: float
    strength: list[float]
    clipped: list[float]


def share_scale(maps: Sequence[np.ndarray], signed: bool, percentile: float = 99.0) -> SharedScale:
    """Scale `maps` (all of one method, any shapes) by the largest of their own percentiles of |value|.

    The largest, not the percentile of all values together: so no map has more than the chosen share of its
    pixels clipped, however many weak maps stand beside it.

    Raises:
        ValueError: no maps, or a percentile outside (0, 100].
    """
    if not maps:
        raise ValueError("share_scale needs at least one map.")
    if not 0 < percentile <= 100:
        raise ValueError(f"percentile is {percentile}; it must be above 0 and at most 100.")
    own = [float(np.percentile(np.abs(values), percentile)) for values in maps]
    high = max(*own, FLOOR)
    low = -high if signed else 0.0
    return SharedScale(
        maps=[(np.clip(values, low, high) / high).astype(np.float32) for values in maps],
        low=low,
        high=high,
        strength=[limit / high for limit in own],
        clipped=[float(np.mean(np.abs(values) > high)) for values in maps],
    )
