"""What the store hands out: a run as a row, and its layer statistics as arrays. No torch."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from resnet_core.errors import LabError
from resnet_core.networks.spec import NetSpec
from resnet_core.trained.net import DataFacts, TrainedNet
from resnet_core.training.recipe import Recipe

STATES = ("queued", "running", "stopping", "done", "stopped", "failed")
ACTIVE = ("queued", "running", "stopping")
LATEST_TIME = 4_102_444_800.0
"""The year 2100, in seconds since 1970: no run begins or ends later."""


@dataclass(frozen=True)
class Run:
    """One training: what was asked for, how far it is, and what it ran on. Fields are None until they are known."""

    id: str
    name: str
    spec: dict[str, Any]  # NetSpec.to_dict()
    recipe: dict[str, Any]  # Recipe.to_dict()
    dataset: str  # name in the catalog
    facts: dict[str, Any]  # of the dataset, once loaded: fingerprint, classes, mean, std (of pictures in [0, 1]); of a
    # shipped run also best_scores (percentiles of the largest logit over the test pictures); of one that was grown from
    # another also grown_from (that run's id and name)
    state: str  # one of STATES
    reason: str  # why it failed or stopped, a sentence; else ""
    group: str | None  # shared by runs that belong together, such as twins
    tags: tuple[str, ...]
    origin: str  # "app", "cli", "import" or "gallery"
    created: float  # seconds since 1970, as are the next two
    started: float | None
    ended: float | None
    seconds: float  # of training, over all attempts, the present one included
    owner: str | None  # the process that has it in hand
    attempts: int  # times its worker has died since the newest checkpoint
    threads: int | None  # CPU threads it trains with; the same after a resume, since results depend on it
    step: int
    total_steps: int | None
    epoch: int  # complete epochs
    last_test_error: float | None  # fraction, after the last complete epoch
    best_test_error: float | None  # the lowest of all epochs
    steps_per_epoch: float | None
    n_train: int | None
    images_per_s: float | None
    device: str | None  # as torch names it
    device_name: str | None  # for people
    precision: str | None  # "fp32" or "bf16"
    software: str | None
    parameters: int | None
    weight_names: tuple[str, ...]
    block_names: tuple[str, ...]
    weights_step: int | None  # step of the newest weights on disk
    version: int  # grows with every change of this run

    @property
    def active(self) -> bool:
        """Waiting or in work: it will still change."""
        return self.state in ACTIVE

    @cached_property
    def damage(self) -> str:
        """Why no page can show this run, in a sentence; "" for a sound one. What cannot be read came with a bundle of
        an older version, which was checked less, or was changed on disk; it is listed, and can be deleted.
        """
        try:
            spec = NetSpec.from_dict(self.spec)
            Recipe.from_dict(self.recipe)
        except (LabError, TypeError) as error:
            return f"What is kept of this run cannot be read: {error}"
        classes = self.facts.get("classes")
        if classes is not None and len(classes) != spec.num_classes:
            return f"It names {len(classes)} classes, but its network has {spec.num_classes} outputs."
        if not 0 <= self.created <= LATEST_TIME:
            return "The time of its creation is none that a calendar has."
        return ""

    @property
    def resumable(self) -> bool:
        """Whether its training can go on. A run that came as a bundle cannot: a bundle holds the weights, not
        the optimiser's state.
        """
        return self.state in ("stopped", "failed") and self.origin not in ("import", "gallery")

    @property
    def progress(self) -> float:
        """The share of its steps that is done, 0 to 1."""
        return min(1.0, self.step / self.total_steps) if self.total_steps else 0.0

    @property
    def seconds_left(self) -> float | None:
        """At the present speed; None before there is one, or when nothing is being trained."""
        if self.state != "running" or not self.images_per_s or self.total_steps is None:
            return None
        return (self.total_steps - self.step) * self.recipe["batch_size"] / self.images_per_s

    def net(self) -> TrainedNet | None:
        """Its network with the newest weights; None before the first checkpoint. Raises SpecError when the
        spec was damaged.
        """
        facts = DataFacts.from_dict(self.dataset, self.facts)
        if self.weights_step is None or facts is None:
            return None
        return TrainedNet(self.id, self.name, NetSpec.from_dict(self.spec), facts, self.weights_step)


@dataclass(frozen=True, eq=False)
class LayerHistory:
    """All layer statistics of a run; columns as in training/events.py (WEIGHT_STATS, BLOCK_STATS)."""

    steps: np.ndarray  # int64 (S,)
    weight_names: tuple[str, ...]  # W
    block_names: tuple[str, ...]  # B
    weight_stats: np.ndarray  # float32 (S, W, 3)
    block_stats: np.ndarray  # float32 (S, B, 3)
