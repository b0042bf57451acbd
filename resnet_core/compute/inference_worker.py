"""The process that answers pages: predictions, attributions, measurements. It keeps torch and the networks it was asked
about in memory, takes no CPU slot from the trainings, and starts anew by itself when it dies. No torch.

A question is a row of QUESTIONS: a name and the function that answers it, with plain data in and out. A function about
trained networks takes a list of :class:`~resnet_core.trained.loaded.LoadedNet` first. Torch is imported in the worker's
own process, when it starts.
"""

import gc
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resnet_core.compute.failures import Failure, describe_failure
from resnet_core.compute.jobs import import_function
from resnet_core.trained.net import NetKey, TrainedNet

if TYPE_CHECKING:
    from resnet_core.trained.loaded import LoadedNet

QUESTIONS = {
    "predict": "resnet_core.attribution.questions:predict_many",
    "explain": "resnet_core.attribution.questions:explain_many",
    "trust": "resnet_core.attribution.questions:trust_report",
    "object_shares": "resnet_core.attribution.questions:object_shares",
    "survey": "resnet_core.attribution.questions:compute_logits",
    "grow": "resnet_core.training.grow:grow_weights",
    "step0": "resnet_core.analysis.questions:measure_design",
    "same_weights": "resnet_core.analysis.questions:compare_same_weights",
}
CACHE_BYTES = 1 << 30
LARGE_AT_ONCE = 2  # large networks in memory, see TrainedNet.is_large

Weights = bytes | Path
"""Safetensors; a file of this machine where they are large."""


@dataclass(frozen=True)
class Missing:
    """In place of an answer: these networks are not here (any more), send their weights with the question."""

    keys: tuple[NetKey, ...]


@dataclass(frozen=True)
class Whole:
    """An answer in one piece."""

    value: Any


class InferenceWorker:
    """The body of the actor. Its methods run in several threads; one lock lets one question compute at a time."""

    def __init__(self, threads: int, questions: Mapping[str, str]) -> None:
        import torch

        from resnet_core.trained.loaded import load_net

        torch.set_num_threads(threads)
        self._load_net = load_net
        self._questions = questions
        self._nets: OrderedDict[NetKey, LoadedNet] = OrderedDict()  # the one asked longest ago first
        self._sizes: dict[NetKey, int] = {}
        self._lock = threading.Lock()
        self._busy_since: float | None = None
        gc.collect()
        gc.freeze()  # what was imported stays: no need to look through it at every collection

    def ready(self) -> bool:
        """Whether the process is up: an answer says so."""
        return True

    def busy_for(self) -> float:
        """Seconds since the present computation began; 0 when there is none."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    def missing(self, keys: Sequence[NetKey]) -> tuple[NetKey, ...]:
        """Those of the networks that are not in memory."""
        return tuple(key for key in keys if key not in self._nets)

    def answer(
        self,
        question: str,
        args: tuple[Any, ...],
        nets: Sequence[TrainedNet],
        weights: Mapping[NetKey, Weights],
    ) -> Iterator[Any | Whole | Missing | Failure]:
        """The parts of an answer as they are ready; or one Whole, Missing or Failure.

        The lock is let go between two parts, so that the answers to two visitors come interleaved.
        """
        try:
            with self._computing():
                loaded = self._gather(nets, weights)
                if isinstance(loaded, Missing):
                    yield loaded
                    return
                function = import_function(self._questions[question])
                answer = function(loaded, *args) if nets else function(*args)
                del loaded  # nothing but the cache keeps them once the answer is there
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
            yield describe_failure(error)

    @contextmanager
    def _computing(self) -> Iterator[None]:
        with self._lock:
            self._busy_since = time.monotonic()
            try:
                yield
            finally:
                self._busy_since = None

    def _gather(self, nets: Sequence[TrainedNet], weights: Mapping[NetKey, Weights]) -> "list[LoadedNet] | Missing":
        """The networks of a question, those built whose weights came with it."""
        keys = [net.key for net in nets]
        for key in self._nets.keys() & set(keys):
            self._nets.move_to_end(key)  # not to be pushed out by what is built now
        for net in nets:
            if net.key in weights:
                self._make_room_for(net)
                self._nets[net.key] = self._load_net(net, weights[net.key])
                self._sizes[net.key] = _size(weights[net.key])
        absent = self.missing(keys)
        if absent:
            return Missing(absent)
        for key in keys:
            self._nets.move_to_end(key)
        found = [self._nets[key] for key in keys]
        while sum(self._sizes.values()) > CACHE_BYTES and len(self._nets) > 1:
            self._forget(next(iter(self._nets)))
        return found

    def _make_room_for(self, net: TrainedNet) -> None:
        """Before a large network is built: at most one other stays, the one asked last."""
        if net.is_large:
            others = [key for key, other in self._nets.items() if other.trained.is_large and key != net.key]
            for key in others[: max(0, len(others) - LARGE_AT_ONCE + 1)]:
                self._forget(key)

    def _forget(self, key: NetKey) -> None:
        del self._nets[key], self._sizes[key]


def _size(weights: Weights) -> int:
    return weights.stat().st_size if isinstance(weights, Path) else len(weights)


_END = object()
