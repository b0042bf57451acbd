"""The process that answers pages: predictions, attributions, measurements. It keeps torch and the networks it was
asked about in memory, takes no CPU slot from the trainings, and starts anew by itself when it dies. No torch.

A question is a row of QUESTIONS: a name and the function that answers it, with plain data in and out. A
function about networks of runs takes a list of :class:`~resnet_core.compute.answers.AskedNet` first. No torch
is imported before the process runs.
"""

import gc
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resnet_core.compute.failures import Failure, as_failure
from resnet_core.compute.jobs import load_function

QUESTIONS = {
    "predict": "resnet_core.attribution.questions:predict_many",
    "explain": "resnet_core.attribution.questions:explain_many",
    "trust": "resnet_core.compute.answers:trust",
    "object_shares": "resnet_core.attribution.questions:object_shares",
    "survey": "resnet_core.attribution.survey:survey",
    "grown": "resnet_core.compute.answers:grown",
    "profile": "resnet_core.analysis.questions:profile_designs",
    "same_weights": "resnet_core.analysis.questions:same_weights_of",
}
CACHE_BYTES = 1 << 30
LARGE_SIDE = 224  # pixels: a network for such pictures is large
LARGE_AT_ONCE = 2  # large networks in memory


@dataclass(frozen=True)
class NetKey:
    """A run's network at one of its steps."""

    run: str
    step: int


@dataclass(frozen=True)
class Parcel:
    """What it takes to build that network."""

    spec: dict[str, Any]
    weights: bytes | Path  # safetensors; a file of this machine where they are large
    facts: dict[str, Any]  # of the dataset it learned from: classes, mean, std

    @property
    def size(self) -> int:
        """Bytes of the weights."""
        return self.weights.stat().st_size if isinstance(self.weights, Path) else len(self.weights)

    @property
    def is_large(self) -> bool:
        return self.spec.get("image_size", 0) >= LARGE_SIDE


@dataclass(frozen=True)
class Missing:
    """In place of an answer: these networks are not here (any more), send their parcels with the question."""

    keys: tuple[NetKey, ...]


@dataclass(frozen=True)
class Whole:
    """An answer in one piece."""

    value: Any


class Lab:
    """The body of the actor. Its methods run in several threads; one lock lets one question compute at a
    time.
    """

    def __init__(self, threads: int, questions: dict[str, str]) -> None:
        import torch

        from resnet_core.compute import answers

        torch.set_num_threads(threads)
        self._build = answers.asked_net
        self._questions = questions
        self._nets: OrderedDict[NetKey, Any] = OrderedDict()
        self._sizes: dict[NetKey, int] = {}
        self._large: set[NetKey] = set()
        self._lock = threading.Lock()
        self._busy_since: float | None = None
        gc.collect()
        gc.freeze()  # what was imported stays: no need to look through it at every collection

    def ready(self) -> bool:
        return True

    def busy_for(self) -> float:
        """Seconds since the present computation began; 0 when there is none."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    def missing(self, keys: Sequence[NetKey]) -> tuple[NetKey, ...]:
        return tuple(key for key in keys if key not in self._nets)

    def answer(
        self, question: str, args: tuple[Any, ...], keys: Sequence[NetKey], parcels: dict[NetKey, Parcel]
    ) -> Iterator[Any | Whole | Missing | Failure]:
        """The parts of an answer as they are ready; or one Whole, Missing or Failure.

        The lock is let go between two parts, so that the answers to two visitors come interleaved.
        """
        try:
            with self._computing():
                nets = self._gather(keys, parcels)
                if isinstance(nets, Missing):
                    yield nets
                    return
                function = load_function(self._questions[question])
                answer = function(nets, *args) if keys else function(*args)
                del nets  # nothing but the cache keeps them once the answer is there
            if not isinstance(answer, Iterator):
                yield Whole(answer)
                return
            while True:
                with self._computing():
                    part = next(answer, _END)
                if part is _END:
                    return
                yield part
        except Exception as error:  # the border between two processes: nothing may cross it as an exception
            yield as_failure(error)

    @contextmanager
    def _computing(self) -> Iterator[None]:
        with self._lock:
            self._busy_since = time.monotonic()
            try:
                yield
            finally:
                self._busy_since = None

    def _gather(self, keys: Sequence[NetKey], parcels: dict[NetKey, Parcel]) -> list[Any] | Missing:
        for key in self._nets.keys() & set(keys):
            self._nets.move_to_end(key)  # not to be pushed out by what is built now
        for key, parcel in parcels.items():
            if parcel.is_large:
                self._make_room(key)
            self._nets[key] = self._build(parcel.spec, parcel.weights, parcel.facts)
            self._sizes[key] = parcel.size
        absent = self.missing(keys)
        if absent:
            return Missing(absent)
        for key in keys:
            self._nets.move_to_end(key)
        nets = [self._nets[key] for key in keys]
        while sum(self._sizes.values()) > CACHE_BYTES and len(self._nets) > 1:
            self._forget(next(iter(self._nets)))
        return nets

    def _make_room(self, key: NetKey) -> None:
        """Before a large network is built: at most one other stays, the one asked last."""
        others = [other for other in self._nets if other in self._large and other != key]
        for other in others[: max(0, len(others) - LARGE_AT_ONCE + 1)]:
            self._forget(other)
        self._large.add(key)

    def _forget(self, key: NetKey) -> None:
        del self._nets[key], self._sizes[key]
        self._large.discard(key)


_END = object()
