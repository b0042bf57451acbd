"""A dataset on the device that trains on it: uint8 pictures, batched and augmented there.

What a batch holds is a function of (seed, step) alone. Networks that train with one seed see the same pictures, crops
and flips on every machine, and a training that is resumed needs no state of a random generator.
"""

import hashlib
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from resnet_core.data.dataset import Dataset
from resnet_core.data.normalise import Normalise

PADDING = 4
"""Pixels of zero on each side of a picture before a crop of its own size is drawn (He et al. 2015, section 4.2)."""

_EVAL_PIXELS = 1000 * 32 * 32  # in an evaluation batch, at the size the network sees
_EPOCHS_KEPT = 2  # a batch touches at most two epochs


def derive_seed(*parts: object) -> int:
    """A seed in [0, 2^63) from what it is for, such as derive_seed(seed, "forward", step): each
    generator gets its own.
    """
    digest = hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


class TrainBatches:
    """Training batches by the number of the step.

    The epochs' orders, each a permutation of its own, form one endless sequence of images; the batch of step ``k`` is
    positions ``[k * batch_size, (k + 1) * batch_size)`` of it. So all batches have one shape, also at an epoch's end.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int,
        seed: int,
        augment: bool,
        device: torch.device,
        image_size: int = 32,
    ):
        """``batch_size``: at most the number of training pictures, see Recipe.effective_batch_size."""
        self.images = _to_device(dataset.x_train, device)  # uint8 (N, H, W, 3)
        self.labels = _to_device(dataset.y_train, device)  # int64 (N,)
        self.normalise = Normalise(dataset.mean, dataset.std, image_size, device)
        self.batch_size = batch_size
        self.seed = seed
        self.augment = augment
        self.device = device
        self._drawn: dict[int, tuple[Tensor, Tensor, Tensor]] = {}
        height, width = self.images.shape[1:3]
        self._rows = torch.arange(height, device=device)
        self._columns = torch.arange(width, device=device)

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        """Pictures, float32 (B, 3, S, S) normalised and augmented, and labels, int64 (B,), of that step."""
        index, offsets, flips = self._positions(step * self.batch_size, (step + 1) * self.batch_size)
        images = self.images[index]
        if self.augment:
            images = self._crop_and_flip(images, offsets, flips)
        return self.normalise(images), self.labels[index]

    def _positions(self, start: int, end: int) -> tuple[Tensor, Tensor, Tensor]:
        """Which pictures stand at these positions, and their crop offsets and flips."""
        n = len(self.images)
        epoch, first = divmod(start, n)
        last = first + end - start
        index, offsets, flips = (drawn[first:last] for drawn in self._draw(epoch))
        if last <= n:
            return index, offsets, flips
        following = [drawn[: last - n] for drawn in self._draw(epoch + 1)]
        index, offsets, flips = map(torch.cat, zip((index, offsets, flips), following, strict=True))
        return index, offsets, flips

    def _draw(self, epoch: int) -> tuple[Tensor, Tensor, Tensor]:
        """Order (N,), crop offsets (N, 2) in 0 .. 2 * PADDING and flips (N,) of one epoch, counted from 0.

        Drawn on the CPU, where every machine draws the same numbers, and copied to the device once an epoch.
        """
        if epoch not in self._drawn:
            n = len(self.images)
            generator = torch.Generator().manual_seed(derive_seed(self.seed, "batches", epoch))
            order, offsets, flips = (
                torch.randperm(n, generator=generator),
                torch.randint(0, 2 * PADDING + 1, (n, 2), generator=generator),
                torch.randint(0, 2, (n,), generator=generator, dtype=torch.bool),
            )
            while len(self._drawn) >= _EPOCHS_KEPT:
                del self._drawn[min(self._drawn)]
            self._drawn[epoch] = _send(order, self.device), _send(offsets, self.device), _send(flips, self.device)
        return self._drawn[epoch]

    def _crop_and_flip(self, images: Tensor, offsets: Tensor, flips: Tensor) -> Tensor:
        """Crop each zero-padded picture at its own offsets and mirror it or not: one gather for the whole batch."""
        padded = F.pad(images, (0, 0, PADDING, PADDING, PADDING, PADDING))  # (B, H + 8, W + 8, 3)
        pictures, height, width = padded.shape[:3]
        rows = self._rows + offsets[:, :1]  # (B, H)
        columns = torch.where(flips[:, None], self._columns.flip(0), self._columns) + offsets[:, 1:]  # (B, W)
        starts = torch.arange(0, pictures * height * width, height * width, device=images.device)
        pixels = starts[:, None, None] + rows[:, :, None] * width + columns[:, None, :]  # (B, H, W)
        # On a CPU a quarter of the time that indexing with three tensors takes.
        return padded.view(-1, 3).index_select(0, pixels.view(-1)).view(images.shape)


class EvalBatches:
    """All test pictures of a dataset, once, in order, single view: iterate for (pictures, labels)."""

    def __init__(self, dataset: Dataset, device: torch.device, image_size: int = 32):
        self.images = _to_device(dataset.x_test, device)
        self.labels = _to_device(dataset.y_test, device)
        self.normalise = Normalise(dataset.mean, dataset.std, image_size, device)
        self.batch_size = max(1, _EVAL_PIXELS // image_size**2)

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.labels)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for images, labels in zip(self.images.split(self.batch_size), self.labels.split(self.batch_size), strict=True):
            yield self.normalise(images), labels


def _to_device(array: np.ndarray, device: torch.device) -> Tensor:
    """A copy on the device: the array may be a read-only view of a file, which torch cannot share."""
    return torch.tensor(np.asarray(array), device=device)


def _send(tensor: Tensor, device: torch.device) -> Tensor:
    """Copy to the device without waiting for what is still being computed there."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)
