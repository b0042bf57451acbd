"""Bodies of the Ray tasks around trainings: loading the dataset, training, estimating the cost. No torch.

They yield plain Python and NumPy only: an object with a torch type in it would import torch into the app's process
when it arrives there. Torch is imported when a body runs.
"""

import dataclasses
import importlib
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from resnet_core.compute.failures import Failure, describe_failure
from resnet_core.cpu import lower_priority
from resnet_core.data.dataset import Dataset
from resnet_core.errors import DataError
from resnet_core.trained.net import DataFacts
from resnet_core.training.estimate_result import Estimate
from resnet_core.training.events import Event

ASK_EVERY_S = 1.0
TRAINER = "resnet_core.compute.jobs:train_with_torch"


@dataclass(frozen=True)
class Job:
    """One attempt to train a run."""

    key: str  # names this attempt; the stop flag hangs on it
    spec: dict[str, Any]
    recipe: dict[str, Any]
    threads: int
    fingerprint: str | None  # of the dataset the run began with; None if this is its beginning
    trainer: str = TRAINER  # "package.module:function" of (job, dataset, resume, should_stop) -> events
    device: str | None = None  # as pick_device takes it; None: the best there is


def train_task(
    job: Job, dataset: Dataset | Failure, resume: bytes | None, flags: Any
) -> Iterator[DataFacts | Event | Failure]:
    """Train, yielding what a run must know of its dataset later on, when that may be gone, then the training's events
    or, last, the Failure that ended it.
    """
    lower_priority()
    if isinstance(dataset, Failure):
        yield dataset
        return
    try:
        check_same_data(job, dataset)
        yield DataFacts.from_dataset(dataset)
        for event in import_function(job.trainer)(job, dataset, resume, StopCheck(flags, job.key)):
            yield with_plain_types(event)
    except Exception as error:  # the border between two processes: nothing may cross it as an exception
        yield describe_failure(error)


def check_same_data(job: Job, dataset: Dataset) -> None:
    """Raise DataError when the pictures are others than those the training began with."""
    if job.fingerprint not in (None, dataset.fingerprint):
        raise DataError(f"Dataset {dataset.name!r} has other pictures than when this training began: start a new one.")


def train_with_torch(
    job: Job, dataset: Dataset, resume: bytes | None, should_stop: Callable[[], bool]
) -> Iterator[Event]:
    """The trainer of a job, see `Job.trainer`: `training.trainer.train` with the job's threads."""
    import torch

    from resnet_core.networks.spec import NetSpec
    from resnet_core.training.recipe import Recipe
    from resnet_core.training.trainer import train

    torch.set_num_threads(job.threads)
    spec, recipe = NetSpec.from_dict(job.spec), Recipe.from_dict(job.recipe)
    try:
        yield from train(spec, recipe, dataset, device=job.device, resume=resume, should_stop=should_stop)
    finally:
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()  # the process stays for the next training, its memory must not


def with_plain_types(event: Event) -> Event:
    """The event with nothing but Python's own types and NumPy arrays: a torch version is a subclass of str."""
    changes: dict[str, Any] = {}
    for field in dataclasses.fields(event):
        value = getattr(event, field.name)
        plain = next((kind for kind in _PLAIN if isinstance(value, kind)), type(value))
        if type(value) is not plain:
            changes[field.name] = plain(value)
    return dataclasses.replace(event, **changes) if changes else event


_PLAIN: tuple[type[Any], ...] = (bool, int, float, str, bytes)


class StopCheck:
    """``should_stop`` of a training: asks the flags at most once a second and never waits for the answer."""

    def __init__(self, flags: Any, key: str) -> None:
        self._flags = flags
        self._key = key
        self._asked_at = -ASK_EVERY_S
        self._answer = None
        self._stop = False

    def __call__(self) -> bool:
        import ray

        if self._answer is not None and ray.wait([self._answer], timeout=0)[0]:
            self._stop = self._stop or self._read(self._answer)
            self._answer = None
        if self._answer is None and time.monotonic() - self._asked_at >= ASK_EVERY_S:
            self._asked_at = time.monotonic()
            self._answer = self._flags.is_set.remote(self._key)
        return self._stop

    def _read(self, answer: Any) -> bool:
        import ray

        try:
            return ray.get(answer)
        except ray.exceptions.RayActorError:  # the flags start anew by themselves; ask again in a second
            return False


class StopFlags:
    """Actor without a CPU: which attempts have been asked to stop."""

    def __init__(self) -> None:
        self._keys: set[str] = set()

    def set(self, key: str) -> None:
        self._keys.add(key)

    def is_set(self, key: str) -> bool:
        return key in self._keys


def load_task(name: str, home: str) -> Dataset | Failure:
    """The dataset as arrays in memory, for the object store: trainings anywhere get them from there."""
    from resnet_core.data.catalog import load_dataset

    try:
        mapped = load_dataset(name, Path(home))
        arrays: dict[str, Any] = {
            field.name: np.asarray(value)
            for field in dataclasses.fields(mapped)
            if isinstance(value := getattr(mapped, field.name), np.ndarray)
        }
        return dataclasses.replace(mapped, **arrays)
    except Exception as error:  # the border between two processes: nothing may cross it as an exception
        return describe_failure(error)


def warm_up() -> dict[str, Any]:
    """Import what trainings need, so that the first one starts at once; tells what this worker computes on."""
    from resnet_core.training import trainer  # noqa: F401  (imported for its time)
    from resnet_core.training.device import device_name, pick_device

    lower_priority()
    device, _ = pick_device()
    return {"type": device.type, "name": device_name(device)}


def run_interruptible(task: Callable[..., Any], *args: Any) -> Any:
    """``task(*args)``, which ``ray.cancel`` can end: it interrupts as Ctrl-C does, and a worker ignores that when its
    app was started in the background of a script.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return task(*args)


def estimate_task(
    spec: dict[str, Any], recipe: dict[str, Any], n_train: int, n_test: int, threads: int
) -> Estimate | Failure:
    """What a training will cost on this machine, measured."""
    lower_priority()
    try:
        import torch

        from resnet_core.networks.spec import NetSpec
        from resnet_core.training.estimate import estimate
        from resnet_core.training.recipe import Recipe

        torch.set_num_threads(threads)
        return estimate(NetSpec.from_dict(spec), Recipe.from_dict(recipe), n_train, n_test)
    except Exception as error:  # the border between two processes: nothing may cross it as an exception
        return describe_failure(error)


def import_function(path: str) -> Callable[..., Any]:
    """The function at "package.module:name"."""
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)
