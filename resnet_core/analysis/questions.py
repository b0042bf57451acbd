"""What pages ask about designs and trained weights: plain data in and out, for the worker that keeps torch in memory.

What was measured is kept, so that after a toggle only the design that changed is measured again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from resnet_core.analysis.same_weights import same_weights
from resnet_core.analysis.same_weights_result import SameWeights
from resnet_core.analysis.step0 import measure_step0
from resnet_core.analysis.step0_result import Step0Result
from resnet_core.data.catalog import load_dataset
from resnet_core.data.dataset import Dataset
from resnet_core.networks.costs import count_costs
from resnet_core.networks.spec import NetSpec
from resnet_core.trained.loaded import LoadedNet

BATCH_SIZE = 64
MEMORY_BYTES = 2 << 30
"""What one measurement may keep for its backward pass. A larger network gets a smaller batch, and
Step0Result.pictures says so: ResNet-1202 and ImageNet's ResNet-152 would take ten times that with 64 pictures.
"""

LEAST_PICTURES = 4
"""Batch norm on fewer says nothing."""

TEST_PICTURES = 1000


@dataclass(frozen=True)
class Batch:
    """Pictures of a dataset drawn at random, the same ones whenever the same number is asked for. Equal when
    they are: it keys caches.
    """

    fingerprint: str  # of the dataset
    part: str  # "train" or "test"
    count: int
    images: np.ndarray = field(compare=False)  # uint8 (count, H, W, 3)
    labels: np.ndarray = field(compare=False)  # int64 (count,)
    mean: tuple[float, float, float] = field(compare=False)
    std: tuple[float, float, float] = field(compare=False)


def profile_designs(
    specs: Sequence[Mapping[str, object]],
    dataset: str,
    home: Path,
    batch_size: int = BATCH_SIZE,
    seeds: Sequence[int] = (0, 1, 2),
    precision: str = "fp32",
) -> Iterator[tuple[int, Step0Result]]:
    """The gradient at step 0 of several designs on one batch of real pictures: (which design, one seed's profile).

    First every design's first seed, so that each can be shown at once, then the second ...; put them together
    with `profile.concat_seeds`. specs: as NetSpec.to_dict gives them; dataset: its name in the catalog.
    Raises SpecError for a design that cannot exist, DataError for a missing dataset or one with more classes
    than a design.
    """
    designs = [NetSpec.from_dict(spec) for spec in specs]
    data = load_dataset(dataset, home)
    for seed in seeds:
        for index, spec in enumerate(designs):
            yield index, _profiled(spec, seed, precision, batch_of(data, _affordable(spec, batch_size)))


def same_weights_of(
    nets: Sequence[LoadedNet], dataset: str, home: Path, pictures: int = TEST_PICTURES
) -> Iterator[tuple[int, list[SameWeights]]]:
    """Each trained network's weights with its skips as trained, removed and added, on test pictures of a dataset."""
    batch = batch_of(load_dataset(dataset, home), pictures, part="test")
    for index, net in enumerate(nets):
        facts = net.trained.facts
        yield (
            index,
            same_weights(net.spec, net.module.state_dict(), batch.images, batch.labels, facts.mean, facts.std),
        )


def batch_of(dataset: Dataset, count: int, part: str = "train") -> Batch:
    """``count`` pictures of a part of the dataset, or all if there are fewer.

    Drawn at random with a fixed seed: files are often sorted by class, and the first ones would all be of one.
    """
    key = (dataset.fingerprint, part, count)
    if key not in _BATCHES:
        while len(_BATCHES) >= _BATCHES_KEPT:
            del _BATCHES[next(iter(_BATCHES))]
        _BATCHES[key] = _drawn(dataset, count, part)
    return _BATCHES[key]


_BATCHES: dict[tuple[str, str, int], Batch] = {}
_BATCHES_KEPT = 16
"""The slow part is the mean over all training pictures, half a second for CIFAR-10."""


def _drawn(dataset: Dataset, count: int, part: str) -> Batch:
    images, labels = getattr(dataset, f"x_{part}"), getattr(dataset, f"y_{part}")
    rows = np.sort(np.random.default_rng(0).permutation(len(labels))[:count])
    return Batch(
        fingerprint=dataset.fingerprint,
        part=part,
        count=len(rows),
        images=np.array(images[rows]),
        labels=np.array(labels[rows]),
        mean=dataset.mean,
        std=dataset.std,
    )


def _affordable(spec: NetSpec, batch_size: int) -> int:
    """The batch size, or what fits MEMORY_BYTES."""
    fits = MEMORY_BYTES // count_costs(spec).activation_bytes_per_image
    return min(batch_size, max(LEAST_PICTURES, fits))


@lru_cache(maxsize=256)
def _profiled(spec: NetSpec, seed: int, precision: str, batch: Batch) -> Step0Result:
    return measure_step0(spec, batch.images, batch.labels, batch.mean, batch.std, (seed,), precision)
