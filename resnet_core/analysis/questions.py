"""What pages ask about designs and trained weights: plain data in and out, for the inference worker.

Measurements are cached, so that after a toggle only the design that changed is measured again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from resnet_core.analysis.same_weights import evaluate_same_weights
from resnet_core.analysis.same_weights_result import SameWeights
from resnet_core.analysis.step0 import measure_step0
from resnet_core.analysis.step0_result import Step0Result
from resnet_core.data.catalog import load_dataset
from resnet_core.data.dataset import Dataset
from resnet_core.data.sample import sample_indices
from resnet_core.networks.costs import count_costs
from resnet_core.networks.spec import NetSpec
from resnet_core.trained.loaded import LoadedNet

MEMORY_BYTES = 2 << 30
"""What one measurement may keep for its backward pass. A larger network gets a smaller batch, and
Step0Result.pictures says so: ResNet-1202 and ImageNet's ResNet-152 would take ten times as much with 64 pictures.
"""

MIN_PICTURES = 4
"""With fewer, batch norm's statistics mean nothing."""

TEST_PICTURES = 1000


@dataclass(frozen=True)
class Batch:
    """Pictures of a dataset, drawn at random but always the same for the same number; it can key caches."""

    fingerprint: str  # of the dataset
    part: str  # "train" or "test"
    count: int
    images: np.ndarray = field(compare=False)  # uint8 (count, H, W, 3)
    labels: np.ndarray = field(compare=False)  # int64 (count,)
    mean: tuple[float, float, float] = field(compare=False)
    std: tuple[float, float, float] = field(compare=False)


def measure_design(spec: NetSpec, dataset: str, home: Path, batch_size: int, seed: int) -> Step0Result:
    """Measure signal and gradient of a design at step 0, on a batch of a dataset's training pictures.

    Raises:
        DataError: a dataset that is missing, or has more classes than the design.
    """
    return _measure_cached(spec, seed, sample_batch(load_dataset(dataset, home), _fit_batch_size(spec, batch_size)))


def compare_same_weights(
    nets: Sequence[LoadedNet], dataset: str, home: Path, pictures: int = TEST_PICTURES
) -> list[SameWeights]:
    """Evaluate one trained network's weights with its skips as trained, removed and added, on a dataset's
    test pictures.
    """
    (net,) = nets
    batch = sample_batch(load_dataset(dataset, home), pictures, part="test")
    state, facts = net.module.state_dict(), net.trained.facts
    return evaluate_same_weights(net.spec, state, batch.images, batch.labels, facts.mean, facts.std)


def sample_batch(dataset: Dataset, count: int, part: str = "train") -> Batch:
    """``count`` pictures of a part of the dataset, or all if there are fewer.

    Drawn at random with a fixed seed: files are often sorted by class, and the first ones would all be of one.
    """
    key = (dataset.fingerprint, part, count)
    if key not in _BATCHES:
        while len(_BATCHES) >= _MAX_BATCHES:
            del _BATCHES[next(iter(_BATCHES))]
        _BATCHES[key] = _draw(dataset, count, part)
    return _BATCHES[key]


_BATCHES: dict[tuple[str, str, int], Batch] = {}
_MAX_BATCHES = 16
"""Cached because the mean over all training pictures takes half a second for CIFAR-10."""


def _draw(dataset: Dataset, count: int, part: str) -> Batch:
    images, labels = getattr(dataset, f"x_{part}"), getattr(dataset, f"y_{part}")
    rows = np.sort(sample_indices(dataset, part, count))
    return Batch(
        fingerprint=dataset.fingerprint,
        part=part,
        count=len(rows),
        images=np.array(images[rows]),
        labels=np.array(labels[rows]),
        mean=dataset.mean,
        std=dataset.std,
    )


def _fit_batch_size(spec: NetSpec, batch_size: int) -> int:
    """The batch size, or what fits into MEMORY_BYTES."""
    fits = MEMORY_BYTES // count_costs(spec).activation_bytes_per_image
    return min(batch_size, max(MIN_PICTURES, fits))


@lru_cache(maxsize=256)
def _measure_cached(spec: NetSpec, seed: int, batch: Batch) -> Step0Result:
    return measure_step0(spec, batch.images, batch.labels, batch.mean, batch.std, (seed,))
