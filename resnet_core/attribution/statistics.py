"""Statistics of maps: rank correlation, share on an object, intervals. No torch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Interval:
    """A mean and its bootstrap interval.

    Attributes:
        mean, low, high: in the unit of the values; nan without values.
        count: values that went in; nan among them were left out.
    """

    mean: float
    low: float
    high: float
    count: int


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's rank correlation of two equally shaped arrays, -1 to 1; ties share their mean rank.

    nan when one of them is the same everywhere: then there is no order to compare.
    """
    ranks_a, ranks_b = _ranks(a), _ranks(b)
    spread = ranks_a.std() * ranks_b.std()
    if spread == 0:
        return float("nan")
    return float(np.mean((ranks_a - ranks_a.mean()) * (ranks_b - ranks_b.mean())) / spread)


def pairwise_rank_correlations(values: Sequence[np.ndarray]) -> np.ndarray:
    """(n, n): signed rank correlations between maps of one method, such as those of networks with other seeds."""
    return np.array([[rank_correlation(a, b) for b in values] for a in values])


def object_share(values: np.ndarray, mask: np.ndarray) -> float:
    """Share of a map's |values| that lies on the object: 0 to 1; by chance the object's share of the area.

    Args:
        values: (H, W), any sign; evidence against the class counts, too.
        mask: (H, W) bool, True on the object.

    Returns:
        nan for a map that is zero everywhere.
    """
    strength = np.abs(values, dtype=np.float64)
    total = strength.sum()
    return float(strength[mask].sum() / total) if total > 0 else float("nan")


def bootstrap_mean(
    values: Sequence[float] | np.ndarray, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> Interval:
    """Mean of `values` with its percentile bootstrap interval (Efron 1979)."""
    known = np.asarray(values, dtype=np.float64)
    known = known[~np.isnan(known)]
    if not len(known):
        return Interval(float("nan"), float("nan"), float("nan"), 0)
    picks = np.random.default_rng(seed).integers(len(known), size=(resamples, len(known)))
    tail = 50 * (1 - level)
    low, high = np.percentile(known[picks].mean(axis=1), [tail, 100 - tail])
    return Interval(float(known.mean()), float(low), float(high), len(known))


def _ranks(values: np.ndarray) -> np.ndarray:
    _, position, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[position.ravel()]
