"""A quantity from the input to the output of a design, as numbers: ratio, slope, kind. No torch.

Ratios are first over last: above 1 the quantity is larger near the input. Slopes are decades per layer towards the
input, by least squares on log10.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from resnet_core.analysis.step0_result import Step0Result

STEADY_DECADES = 2.0
"""A gradient is called steady if no two layers differ by more than this.

Our choice: the measured cases lie clearly on one side or the other (a factor of tens, or four decades and more).
"""

NORMAL_FP32 = 1.2e-38
"""Below this float32 loses digits, so such values do not enter a slope."""

VANISHES = "vanishes"
GROWS = "grows"
STEADY = "steady"
UNEVEN = "uneven"  # first and last agree, what lies between does not
BLOCKED = "blocked"  # exactly 0, and not because it gets smaller from layer to layer
NOT_FINITE = "not finite"


@dataclass(frozen=True)
class Quantity:
    """One way to look at the gradient: which it is, and what its layers are called in a sentence."""

    title: str
    meaning: str
    first: str
    last: str
    layer: str


QUANTITIES = {
    "grad_rms": Quantity(
        "Gradient at the blocks' outputs",
        "RMS of the gradient of the loss with respect to each block's output: what arrives on the way back, "
        "before any weight comes in.",
        "the first block's input",
        "the last block's output",
        "block",
    ),
    "weight_grad_rms": Quantity(
        "Gradient of the weights",
        "RMS of the gradient of the loss with respect to each convolution's weights: what arrives, times the "
        "signal that the convolution was fed, summed over its positions.",
        "the first convolution",
        "the last convolution",
        "convolution",
    ),
    "grad_over_weight": Quantity(
        "Gradient over weight",
        "The gradient of the weights over the weights' own RMS: how far, for the size it has, a layer would "
        "be moved by one step of plain SGD.",
        "the first convolution",
        "the last convolution",
        "convolution",
    ),
}
"""By field of Step0Result. "First" of the blocks is the stem's output, which is the first block's input."""


@dataclass(frozen=True)
class Trend:
    """What one quantity does over the depth of a network.

    A ratio is 0 where the quantity is exactly 0 at the first layer but not at the last, and NaN where there is none.
    """

    quantity: str
    layers: int
    kind: str  # of most seeds
    kinds: tuple[str, ...]  # by seed
    ratios: tuple[float, ...]  # first over last, by seed
    ratio: float  # their median
    slope: float  # median over seeds; NaN with fewer than two values to fit
    span: float  # decades between the largest and the smallest value that is not 0, median over seeds
    typical: float  # median over layers that are not 0, then over seeds; NaN when all are 0
    zeros: int  # layers that are exactly 0, in the seed with the most
    first_nonfinite: str | None  # counted from the output, the first layer with a value that is not finite

    @property
    def drift(self) -> float:
        """Decades from the last layer to the first: log10 of the ratio; -inf for a ratio of 0."""
        with np.errstate(divide="ignore"):
            return float(np.log10(self.ratio))


def find_trend(result: Step0Result, quantity: str = "grad_rms") -> Trend:
    """What one of QUANTITIES does over the depth; of the weights, those of convolutions of stem and branches."""
    names, values = _layers(result, quantity)
    kinds = tuple(_kind(row) for row in values)
    ratios = tuple(_ratio(row) for row in values)
    nonfinite = np.flatnonzero(~np.isfinite(values).all(axis=0))
    return Trend(
        quantity=quantity,
        layers=len(names),
        kind=Counter(kinds).most_common(1)[0][0],
        kinds=kinds,
        ratios=ratios,
        ratio=nanmedian(ratios),
        slope=nanmedian(_slope(row, result.precision) for row in values),
        span=nanmedian(_span(row) for row in values),
        typical=nanmedian(nanmedian(row[row > 0]) for row in values),
        zeros=int((values == 0).sum(axis=1).max()),
        first_nonfinite=names[nonfinite[-1]] if len(nonfinite) else None,
    )


def nanmedian(values: Iterable[float]) -> float:
    """Median of the values that are not NaN; NaN when none is left."""
    known = [value for value in values if not np.isnan(value)]
    return float(np.median(known)) if known else float("nan")


def _layers(result: Step0Result, quantity: str) -> tuple[tuple[str, ...], np.ndarray]:
    """Names (L,) and values (S, L) of the layers, from the input to the output."""
    values = getattr(result, quantity)
    if quantity == "grad_rms":
        return result.block_names, values
    kept = np.array(result.weight_on_path)
    if quantity == "grad_over_weight":
        # Weights that all start at 0, as Fixup's last layers do, have no ratio; overflowed gradients do.
        kept &= ~(np.isnan(values) & np.isfinite(result.weight_grad_rms)).all(axis=0)
    return tuple(result.weight_names[index] for index in np.flatnonzero(kept)), values[:, kept]


def _kind(row: np.ndarray) -> str:
    if not np.isfinite(row).all():
        return NOT_FINITE
    if not (row[1:] > 0).any():
        return BLOCKED
    if row[0] == 0:
        return VANISHES
    drift = np.log10(_ratio(row))
    if abs(drift) > STEADY_DECADES:
        return VANISHES if drift < 0 else GROWS
    return STEADY if _span(row) <= STEADY_DECADES else UNEVEN


def _ratio(row: np.ndarray) -> float:
    """First over last; layers that are 0 elsewhere (such as a branch that starts at 0) are left out."""
    if not np.isfinite(row).all() or not (row[1:] > 0).any():
        return float("nan")
    return float(row[0] / row[row > 0][-1])


def _slope(row: np.ndarray, precision: str) -> float:
    kept = np.isfinite(row) & (row > (NORMAL_FP32 if precision == "fp32" else 0))
    if kept.sum() < 2:
        return float("nan")
    return -float(np.polyfit(np.flatnonzero(kept), np.log10(row[kept]), 1)[0])


def _span(row: np.ndarray) -> float:
    kept = row[np.isfinite(row) & (row > 0)]
    return float(np.log10(kept.max() / kept.min())) if len(kept) else float("nan")
