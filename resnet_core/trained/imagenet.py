"""The networks that come trained on ImageNet: AlexNet, VGG-19 and the ResNets, with torchvision's published weights
(its first version, "IMAGENET1K_V1", made for a shorter side of 256 pixels and the middle 224). No torch.

Weights are fetched once, checked against the SHA-256 that stands in their file's name, and kept as safetensors
in ``home/weights``, the names of the 1000 classes beside them. No torch at import.
"""

import hashlib
import json
import os
import pickle
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

import numpy as np

from resnet_core.data import storage
from resnet_core.data.cifar10 import downloads_folder
from resnet_core.data.pictures import crop_square, to_network
from resnet_core.errors import DataError
from resnet_core.networks.presets import PRESETS
from resnet_core.trained.net import DataFacts, TrainedNet

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SIDE, RESIZED = 224, 256
DATASET = "imagenet"
PREFIX = "imagenet:"
"""In front of a network's name where a run's id could stand."""
STALLED_S = 60
"""So long a download may stand still before it is given up."""

_CLASSES = "imagenet-classes.json"
_READ_AT_ONCE = 1 << 22  # bytes

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Published:
    """A network with published weights.

    Attributes:
        name: of its preset.
        weights: torchvision's name for them.
        file: what they are called where they are published; the eight digits begin their SHA-256.
        bytes: of that file, to a thousandth.
        error: top-1 error on ImageNet's validation pictures, a fraction, as published.
    """

    name: str
    weights: str
    file: str
    bytes: int
    error: float

    @property
    def id(self) -> str:
        """What a page asks by, where it asks about a run by the run's id."""
        return PREFIX + self.name

    @property
    def title(self) -> str:
        return PRESETS[self.name].title

    @property
    def checksum(self) -> str:
        """The first digits of the file's SHA-256."""
        return Path(self.file).stem.rpartition("-")[2]


def _row(name: str, enum: str, file: str, mebibytes: float, accuracy: float) -> Published:
    return Published(name, f"{enum}_Weights.IMAGENET1K_V1", file, round(mebibytes * 2**20), 1 - accuracy / 100)


NETWORKS: dict[str, Published] = {
    row.name: row
    for row in (
        _row("alexnet", "AlexNet", "alexnet-owt-7be5be79.pth", 233.087, 56.522),
        _row("vgg-19", "VGG19", "vgg19-dcbb9e9d.pth", 548.051, 72.376),
        _row("resnet-18", "ResNet18", "resnet18-f37072fd.pth", 44.661, 69.758),
        _row("resnet-34", "ResNet34", "resnet34-b627a593.pth", 83.275, 73.314),
        _row("resnet-50", "ResNet50", "resnet50-0676ba61.pth", 97.781, 76.130),
        _row("resnet-101", "ResNet101", "resnet101-63fe2227.pth", 170.511, 77.374),
        _row("resnet-152", "ResNet152", "resnet152-394f9c45.pth", 230.434, 78.312),
    )
}
"""By the name of the preset, oldest and smallest first."""


def published(name: str) -> Published:
    """The row of a name, with or without PREFIX. Raises DataError for a network that is not in the table."""
    row = NETWORKS.get(name.removeprefix(PREFIX))
    if row is None:
        raise DataError(f"There are no published weights of {name[:60]!r}; there are: {', '.join(NETWORKS)}.")
    return row


def weights_file(home: Path, name: str) -> Path:
    """Where the weights lie, or would lie, as safetensors."""
    return Path(home) / "weights" / f"{published(name).name}.safetensors"


def is_here(home: Path, name: str) -> bool:
    """Whether this network can be asked at once."""
    return weights_file(home, name).is_file() and (Path(home) / "weights" / _CLASSES).is_file()


def facts(home: Path) -> dict[str, Any]:
    """What a run knows of its dataset: classes, mean and std. Raises DataError before any weights are here."""
    try:
        classes = json.loads((Path(home) / "weights" / _CLASSES).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError("The names of ImageNet's classes are not here: fetch a network's weights first.") from error
    return {"classes": classes, "mean": list(MEAN), "std": list(STD)}


def trained_net(home: Path, name: str) -> TrainedNet:
    """The network as one that can be asked. Raises DataError before any weights are here."""
    row, known = published(name), facts(home)
    data = DataFacts(DATASET, tuple(known["classes"]), MEAN, STD)
    return TrainedNet(row.id, row.title, PRESETS[row.name].spec, data, weights_version=0)


def as_published(square: np.ndarray) -> np.ndarray:
    """A square picture (S, S, 3) uint8 as these networks were tested: at 256 pixels, the middle 224 of them.

    Resized with antialiasing as everywhere in the lab, bicubic; torchvision's own is bilinear.
    """
    side = square.shape[0]
    kept = max(1, side * SIDE // RESIZED)
    edge = (side - kept) // 2
    return to_network(crop_square(square, (edge, edge, kept)), SIDE)


def way_out(home: Path, row: Published) -> str:
    return f"without a network, put {row.file} into {downloads_folder(home)} and ask for it again."


def fetch_weights(home: Path, name: str, progress: Progress | None = None) -> Path:
    """Download a network's weights, verify them, and keep them as safetensors; returns where they lie.

    A file of the published name that a person put into ``downloads_folder(home)`` is used instead of the
    network. Whatever happens, no part of a download stays behind. Raises DataError when there is no network or
    the file is another, and says the way out. Imports torch and torchvision.
    """
    progress = progress or (lambda what, fraction: None)
    row, target = published(name), weights_file(home, name)
    if is_here(home, name):
        return target
    with storage.new_folder(home) as scratch:
        file = downloads_folder(home) / row.file
        if file.is_file():
            progress(f"Checking {row.file}", 0.0)
            _check(file, row)
        else:
            file = scratch / row.file
            _download(file, home, row, progress)
        progress("Unpacking the weights", 0.92)
        _convert(file, row, scratch / target.name)
        (scratch / _CLASSES).write_text(json.dumps(_classes(row)), encoding="utf-8")
        target.parent.mkdir(parents=True, exist_ok=True)
        for each in (_CLASSES, target.name):
            os.replace(scratch / each, target.parent / each)
    return target


def _check(file: Path, row: Published) -> None:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while chunk := stream.read(_READ_AT_ONCE):
            digest.update(chunk)
    if not digest.hexdigest().startswith(row.checksum):
        raise DataError(
            f"{file} is not what {row.title}'s weights are, or not all of it (its checksum differs): delete it or "
            "put the right one there."
        )


def _download(file: Path, home: Path, row: Published, progress: Progress) -> None:
    """Download and verify ``file``, in a thread: progress is told meanwhile from here."""
    from torch.hub import download_url_to_file
    from torchvision.models import get_weight

    url = get_weight(row.weights).url
    failures: list[Exception] = []

    def work() -> None:
        try:
            download_url_to_file(url, str(file), hash_prefix=row.checksum, progress=False)
        except (OSError, RuntimeError, HTTPException) as error:
            failures.append(error)

    # A daemon: when the person gives up, or the network stands still, nobody waits for it.
    thread = threading.Thread(target=work, name=f"{row.name} download", daemon=True)
    thread.start()
    size, grown_at = -1, time.monotonic()
    while thread.is_alive():
        thread.join(timeout=0.2)
        now = max((part.stat().st_size for part in file.parent.glob("*.partial")), default=0)
        if now > size:
            size, grown_at = now, time.monotonic()
            done = f"{size / 1e6:.0f} of {row.bytes / 1e6:.0f} MB"
            progress(f"Downloading: {done}", min(0.9, 0.9 * size / row.bytes))
        elif time.monotonic() - grown_at > STALLED_S:
            raise DataError(
                f"The download of {row.title}'s weights stands still at {size / 1e6:.0f} MB: {way_out(home, row)}"
            )
    if failures:
        reason = getattr(failures[0], "reason", failures[0])  # urllib wraps what the system said
        raise DataError(
            f"{row.title}'s weights could not be downloaded ({reason}): {way_out(home, row)}"
        ) from failures[0]


def _convert(file: Path, row: Published, target: Path) -> None:
    """The state dict of ``file`` as safetensors, once it is known to be that network's."""
    import torch
    from safetensors.torch import save_file

    from resnet_core.networks.build import build_net

    net = build_net(PRESETS[row.name].spec, device="meta")
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
        net.load_state_dict(state, assign=True)
    except (pickle.UnpicklingError, RuntimeError, AttributeError, TypeError, EOFError) as error:
        raise DataError(f"{row.file} holds no weights of {row.title}: put the right file there.") from error
    save_file({key: value.contiguous() for key, value in net.state_dict().items()}, target)


def _classes(row: Published) -> list[str]:
    from torchvision.models import get_weight

    return list(get_weight(row.weights).meta["categories"])
