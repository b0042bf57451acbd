"""Small nets and profiles made of chosen numbers."""

from collections.abc import Callable

import numpy as np
import pytest

from resnet_core.analysis.step0_result import Step0Result
from resnet_core.networks.spec import NetSpec


@pytest.fixture
def pictures() -> tuple[np.ndarray, np.ndarray]:
    """12 random pictures of 32x32 and their labels, below 10."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (12, 32, 32, 3), dtype=np.uint8), rng.integers(0, 10, 12)


@pytest.fixture
def made_up() -> Callable[..., Step0Result]:
    """A profile from chosen gradients, rows by seed; what is not given is steady and finite."""

    def make(grad_rms, weight_grad_rms=None, grad_over_weight=None, variance=None, loss=2.3, spec=None) -> Step0Result:
        grad_rms = np.atleast_2d(np.asarray(grad_rms, dtype=float))
        seeds, blocks = grad_rms.shape
        layers = blocks + 1

        def filled(values, width: int) -> np.ndarray:
            return np.ones((seeds, width)) if values is None else np.atleast_2d(np.asarray(values, dtype=float))

        return Step0Result(
            spec=spec or NetSpec(depth=20),
            pictures=64,
            precision="fp32",
            seeds=tuple(range(seeds)),
            block_names=("stem", *(f"block{index}" for index in range(1, blocks))),
            weight_names=(*(f"conv{index}" for index in range(layers - 1)), "fc"),
            weight_on_path=(True,) * (layers - 1) + (False,),
            loss=np.full(seeds, loss),
            grad_rms=grad_rms,
            mean=np.zeros((seeds, blocks)),
            variance=filled(variance, blocks),
            weight_grad_rms=filled(weight_grad_rms, layers),
            grad_over_weight=filled(grad_over_weight, layers),
        )

    return make
