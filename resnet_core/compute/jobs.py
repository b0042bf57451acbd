"""What runs in Ray's worker processes: trainings, the loading of datasets, and long work on data. No torch.

The functions here are the bodies of Ray tasks. They yield plain Python and NumPy only: an object with a torch
type in it would import torch into the app's process when it arrives there. No torch is imported before a body
runs.
"""

import dataclasses
import importlib
import os
import queue
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from resnet_core.attribution import imagenet
from resnet_core.compute.failures import Failure, as_failure
from resnet_core.data.dataset import Dataset, DatasetInfo
from resnet_core.errors import DataError
from resnet_core.training.estimate_result import Estimate
from resnet_core.training.events import Event

NICENESS = 10
ASK_EVERY_S = 1.0
REPORT_EVERY_S = 0.2
TRAINER = "resnet_core.compute.jobs:train_with_torch"
UPLOADS = "uploads"


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


@dataclass(frozen=True)
class DataFacts:
    """What a run must know of its dataset later on, when that may be gone; sent before the first event."""

    facts: dict[str, Any]


@dataclass(frozen=True)
class Progress:
    message: str
    fraction: float


@dataclass(frozen=True)
class DataDone:
    info: DatasetInfo | None  # None: weights came


# Trainings


def train_task(
    job: Job, dataset: Dataset | Failure, resume: bytes | None, flags: Any
) -> Iterator[DataFacts | Event | Failure]:
    """Train, yielding DataFacts and then the training's events, or, last, the Failure that ended it."""
    give_way()
    if isinstance(dataset, Failure):
        yield dataset
        return
    try:
        check_same_data(job, dataset)
        yield DataFacts(facts_of(dataset))
        for event in load_function(job.trainer)(job, dataset, resume, StopQuestion(flags, job.key)):
            yield as_plain(event)
    except Exception as error:  # the border between two processes: nothing may cross it as an exception
        yield as_failure(error)


def check_same_data(job: Job, dataset: Dataset) -> None:
    if job.fingerprint not in (None, dataset.fingerprint):
        raise DataError(f"Dataset {dataset.name!r} has other pictures than when this training began: start a new one.")


def train_with_torch(
    job: Job, dataset: Dataset, resume: bytes | None, should_stop: Callable[[], bool]
) -> Iterator[Event]:
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


def facts_of(dataset: Dataset) -> dict[str, Any]:
    return {
        "fingerprint": dataset.fingerprint,
        "classes": list(dataset.classes),
        "mean": [float(value) for value in dataset.mean],
        "std": [float(value) for value in dataset.std],
    }


def as_plain(event: Event) -> Event:
    """The event with nothing but Python's own types and NumPy arrays: a torch version is a subclass of
    str.
    """
    changes = {}
    for field in dataclasses.fields(event):
        value = getattr(event, field.name)
        for plain in (bool, int, float, str, bytes):
            if isinstance(value, plain) and type(value) is not plain:
                changes[field.name] = plain(value)
                break
    return dataclasses.replace(event, **changes) if changes else event


class StopQuestion:
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


# Data


def load_task(name: str, home: str) -> Dataset | Failure:
    """The dataset as arrays in memory, for the object store: trainings anywhere get them from there."""
    from resnet_core.data.catalog import load_dataset

    try:
        mapped = load_dataset(name, Path(home))
        arrays = {
            field.name: np.asarray(value)
            for field in dataclasses.fields(mapped)
            if isinstance(value := getattr(mapped, field.name), np.ndarray)
        }
        return dataclasses.replace(mapped, **arrays)
    except Exception as error:  # the border between two processes: nothing may cross it as an exception
        return as_failure(error)


def data_task(source: str, home: str, name: str | None) -> Iterator[Progress | DataDone | Failure]:
    """Get a dataset (see :func:`get_data`), telling how far it is at most five times a second."""
    give_way()
    told: queue.SimpleQueue[Progress | DataDone | Failure] = queue.SimpleQueue()

    def work() -> None:
        try:
            told.put(DataDone(get_data(source, Path(home), name, lambda *said: told.put(Progress(*said)))))
        except Exception as error:  # the border between two processes: nothing may cross it as an exception
            told.put(as_failure(error))

    threading.Thread(target=work, daemon=True).start()
    reported = 0.0
    while True:
        item = told.get()
        if isinstance(item, Progress) and time.monotonic() - reported < REPORT_EVERY_S:
            continue
        reported = time.monotonic()
        yield item
        if not isinstance(item, Progress):
            return


def get_data(source: str, home: Path, name: str | None, progress: Callable[[str, float], None]) -> DatasetInfo | None:
    """``source``: "cifar-10" is downloaded, "shapes-10" generated, the weights of "imagenet:resnet-50" are
    downloaded (and no dataset comes of it); anything else is a path that is imported.

    A path in ``home/uploads`` is removed afterwards, with the folder made for it.
    """
    from resnet_core.data.catalog import catalog, load_dataset

    if source.startswith(imagenet.PREFIX):
        imagenet.fetch_weights(home, source, progress)
        return None
    if source == "cifar-10":
        from resnet_core.data.cifar10 import fetch_cifar10

        return fetch_cifar10(home, progress)
    if source == "shapes-10":
        load_dataset(source, home, progress)
        return next(info for info in catalog(home) if info.name == source)
    from resnet_core.data.importing import import_dataset

    path = Path(source)
    try:
        return import_dataset(path, home, name=name, progress=progress)
    finally:
        if (home / UPLOADS).resolve() in path.resolve().parents:
            remove_upload(path, home / UPLOADS)


def remove_upload(path: Path, uploads: Path) -> None:
    own_folder = path.parent if path.parent.resolve() != uploads.resolve() else path
    if own_folder.is_dir():
        shutil.rmtree(own_folder, ignore_errors=True)
    else:
        own_folder.unlink(missing_ok=True)


# What all workers do


def warm_up() -> dict[str, Any]:
    """Import what trainings need, so that the first one starts at once; tells what this worker computes
    on.
    """
    from resnet_core.training import trainer  # noqa: F401  (imported for its time)
    from resnet_core.training.device import device_name, pick_device

    give_way()
    device, _ = pick_device()
    return {"type": device.type, "name": device_name(device)}


def estimate_task(
    spec: dict[str, Any], recipe: dict[str, Any], n_train: int, n_test: int, threads: int
) -> Estimate | Failure:
    """What a training will cost on this machine, measured."""
    give_way()
    try:
        import torch

        from resnet_core.networks.spec import NetSpec
        from resnet_core.training.estimate import estimate
        from resnet_core.training.recipe import Recipe

        torch.set_num_threads(threads)
        return estimate(NetSpec.from_dict(spec), Recipe.from_dict(recipe), n_train, n_test)
    except Exception as error:  # the border between two processes: nothing may cross it as an exception
        return as_failure(error)


def give_way() -> None:
    """Let pages, whose processes have the usual priority, go first."""
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, 0, max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))


def load_function(path: str) -> Callable[..., Any]:
    """The function at "package.module:name"."""
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)
