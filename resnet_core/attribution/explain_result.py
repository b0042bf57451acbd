"""What an attribution returns, as NumPy arrays and plain Python. No torch."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Attribution:
    """One method's result for one picture, one network and one class.

    Attributes:
        method: name of the row in `methods.METHODS`.
        target: the class that is explained.
        map: (H, W) float32, one number a pixel; channels are reduced as the method's row says.
        raw: (3, H, W) float32, the channels of the normalised input before reduction, sign kept; None for Grad-CAM.
        native: (h, w) float32, Grad-CAM at its block's own resolution; None for other methods.
        logits: (num_classes,) float32, the network's output for the picture.
        logit: the target's.
        baseline_logit: the target's logit for the baseline, the mean where there are several baselines; None for
            methods that do not claim completeness.
        delta: sum of `raw` minus (logit - baseline_logit); None for methods that do not claim completeness.
        seconds: wall time, shared evenly among the pictures of one call.
        params: every setting used, with defaults and the resolved block.
    """

    method: str
    target: int
    map: np.ndarray
    raw: np.ndarray | None
    native: np.ndarray | None
    logits: np.ndarray
    logit: float
    baseline_logit: float | None
    delta: float | None
    seconds: float
    params: dict[str, int | float | str]

    @property
    def values(self) -> np.ndarray:
        """The values before any reduction or enlargement, sign kept: what rank correlations compare."""
        values = self.native if self.raw is None else self.raw
        assert values is not None  # a method gives one of the two
        return values

    @property
    def change(self) -> float | None:
        """Logit minus the baseline's logit, to which a complete attribution adds up."""
        return None if self.baseline_logit is None else self.logit - self.baseline_logit

    @property
    def relative_gap(self) -> float | None:
        """|delta| as a share of |change|: 0 is complete, inf where the logit does not change."""
        if self.delta is None or self.change is None:
            return None
        return abs(self.delta) / abs(self.change) if self.change else float("inf")
