"""One colour scale for several maps of one method, so that twins can be compared. No torch.

Scaling each map by its own maximum makes a map of rounding errors look as strong as a real one (captum issue 393). Here
all maps share one limit, the sign is kept, and below `FLOOR` nothing is enlarged.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

FLOOR = 1e-6
"""Smallest limit, in the method's own unit: maps whose values all lie below it are drawn as (nearly) zero."""

PERCENTILE = 99
"""Of a map's |value|: what lies above is clipped, so that one hot pixel does not darken the rest."""


class Scale(NamedTuple):
    """The ends of a colour scale, in the method's unit; ``low`` is 0 for maps without a sign, else ``-high``."""

    low: float
    high: float


def share_scale(maps: Sequence[np.ndarray], signed: bool) -> Scale:
    """The scale for maps of one method, of any shapes, at least one: up to the largest of their own percentiles.

    The largest, not the percentile of all values together: so no map has more than one in a hundred of its pixels
    clipped, however many weak maps stand beside it.
    """
    high = max(FLOOR, *(float(np.percentile(np.abs(values), PERCENTILE)) for values in maps))
    return Scale(-high if signed else 0.0, high)
