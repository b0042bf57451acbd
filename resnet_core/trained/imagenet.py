"""The networks that come trained on ImageNet: AlexNet, VGG-19 and the ResNets, with torchvision's published weights
(its first version, "IMAGENET1K_V1", made for a shorter side of 256 pixels and the middle 224). No torch.

`imagenet_weights` fetches the weights.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from resnet_core.data.download import Checksum
from resnet_core.data.pictures import crop_square, to_network
from resnet_core.errors import DataError
from resnet_core.networks.presets import PRESETS
from resnet_core.trained.net import DataFacts, TrainedNet

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SIDE, RESIZED = 224, 256
PREFIX = "imagenet:"
"""In front of a network's name in its id."""

_CLASSES = "imagenet-classes.json"


@dataclass(frozen=True)
class Published:
    """A network with published weights.

    Attributes:
        name: of its preset.
        weights: torchvision's name for them, "ResNet50_Weights.IMAGENET1K_V1".
        file: what the weights are called where they are published; the eight digits begin their SHA-256.
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
        """Of the network as one that can be asked."""
        return PREFIX + self.name

    @property
    def title(self) -> str:
        return PRESETS[self.name].title

    @property
    def checksum(self) -> Checksum:
        return Checksum("sha256", Path(self.file).stem.rpartition("-")[2])


def _row(name: str, model: str, file: str, mebibytes: float, accuracy: float) -> Published:
    return Published(name, f"{model}_Weights.IMAGENET1K_V1", file, round(mebibytes * 2**20), 1 - accuracy / 100)


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


def classes_file(home: Path) -> Path:
    """Where the names of the 1000 classes lie, or would lie, as a JSON list: one file for all networks."""
    return Path(home) / "weights" / _CLASSES


def is_here(home: Path, name: str) -> bool:
    """Whether this network can be asked at once."""
    return weights_file(home, name).is_file() and classes_file(home).is_file()


def published_net(home: Path, name: str) -> TrainedNet:
    """The network as one that can be asked. Raises DataError before its weights are here."""
    row = published(name)
    try:
        classes = json.loads(classes_file(home).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError("The names of ImageNet's classes are not here: fetch a network's weights first.") from error
    facts = DataFacts("imagenet", tuple(classes), MEAN, STD)
    return TrainedNet(row.id, row.title, PRESETS[row.name].spec, facts, weights_version=0)


def center_crop(square: np.ndarray) -> np.ndarray:
    """A square picture (S, S, 3) uint8 as these networks were tested: at 256 pixels, the middle 224 of them.

    Resized with antialiasing as everywhere in the lab, bicubic; torchvision's own is bilinear.
    """
    side = square.shape[0]
    kept = max(1, side * SIDE // RESIZED)
    edge = (side - kept) // 2
    return to_network(crop_square(square, (edge, edge, kept)), SIDE)
