"""`TrainedNet`: one network with weights, whether it was trained here, published, or brought by someone. No torch.

The table, Explain, Compare, the inference worker and every question about a trained network take this type. It holds
no weights: `compute.sources` knows where they lie, and `trained.loaded` puts them into a module.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from resnet_core.data.dataset import Dataset
from resnet_core.networks.spec import NetSpec

LARGE_IMAGE_SIZE = 224
"""Pixels: a network for pictures of this size is large, see `TrainedNet.is_large`."""

NetKey = tuple[str, int]
"""Id and weights version of a `TrainedNet`: names its weights for caches."""


@dataclass(frozen=True)
class DataFacts:
    """What stays known of the data a network was trained on, also when the data itself is gone.

    Attributes:
        dataset: its name in the catalog; "imagenet" for the published networks.
        classes: their names, in the order of the logits.
        mean, std: of the normalisation, one number per colour channel, for pixels in [0, 1].
        fingerprint: SHA-256 of pictures and labels (`storage.fingerprint_of`); "" where it is unknown.
        best_scores: percentiles 0 to 100 of the largest logit over the test pictures; empty where nobody measured them.
    """

    dataset: str
    classes: tuple[str, ...]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    fingerprint: str = ""
    best_scores: tuple[float, ...] = ()

    @classmethod
    def from_dataset(cls, dataset: Dataset) -> "DataFacts":
        """Of a dataset that is here; its channel statistics are computed if nobody has asked for them yet."""
        return cls(dataset.name, dataset.classes, dataset.mean, dataset.std, dataset.fingerprint)

    @classmethod
    def from_dict(cls, dataset: str, facts: Mapping[str, Any]) -> "DataFacts | None":
        """Of the column ``facts`` of a run; None for a run whose dataset has not been loaded yet."""
        if "mean" not in facts:
            return None
        return cls(
            dataset,
            tuple(facts["classes"]),
            tuple(facts["mean"]),
            tuple(facts["std"]),
            facts.get("fingerprint", ""),
            tuple(facts.get("best_scores", ())),
        )

    def to_dict(self) -> dict[str, Any]:
        """The inverse of `from_dict`, ready for JSON; the dataset's name is not in it."""
        values = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}
        del values["dataset"]
        if not self.best_scores:
            del values["best_scores"]
        return values


@dataclass(frozen=True)
class TrainedNet:
    """A network that can be asked.

    Attributes:
        id: a run's id, or "imagenet:resnet-50".
        name: for people.
        facts: of the data it was trained on.
        weights_version: changes with its weights; a run's is the step they were saved at.
    """

    id: str
    name: str
    spec: NetSpec
    facts: DataFacts
    weights_version: int

    @property
    def key(self) -> NetKey:
        return self.id, self.weights_version

    @property
    def is_large(self) -> bool:
        """Whether it takes pictures of 224 pixels. A map then takes up to minutes and the weights hundreds of MB, so
        it gets more patience and an inference worker apart from the small ones.
        """
        return self.spec.image_size >= LARGE_IMAGE_SIZE
