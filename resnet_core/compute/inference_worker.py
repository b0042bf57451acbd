"""The process that answers pages: predictions, attributions, measurements. It keeps torch and the networks it was
asked about in memory, takes no CPU slot from the trainings, and starts anew by itself when it dies. No torch.

A question is a row of QUESTIONS: a name and the function that answers it, with plain data in and out. A function
about trained networks takes a list of :class:`~resnet_core.trained.loaded.LoadedNet` first. Torch is imported in the
worker's own process, when it starts.
"""

import gc
import threading
import time
from collections import OrderedDict, deque
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
CONTROL = "control"
CANCELLED_KEPT = 1000

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


class QuestionCancelled(Exception):  # noqa: N818 (it is no error)
    """Nobody waits for the answer any more."""


class Turns:
    """Lets one thread compute at a time, in the order in which they asked; whoever waits can be called off."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._queue: deque[object] = deque()  # a ticket for each thread; the first one has its turn
        self._cancelled: OrderedDict[str, None] = OrderedDict()  # the newest questions that were called off
        self._busy_since: float | None = None

    @contextmanager
    def turn(self, question_id: str) -> Iterator[None]:
        """Wait for this thread's turn and take it. Raises QuestionCancelled."""
        ticket = object()
        with self._changed:
            self._queue.append(ticket)
            self._changed.wait_for(lambda: self._queue[0] is ticket or question_id in self._cancelled)
            if question_id in self._cancelled:
                self._leave(ticket)
                raise QuestionCancelled
            self._busy_since = time.monotonic()
        try:
            yield
        finally:
            with self._changed:
                self._busy_since = None
                self._leave(ticket)

    def cancel(self, question_id: str) -> None:
        """Call a question off: it gets no turn any more."""
        with self._changed:
            self._cancelled[question_id] = None
            while len(self._cancelled) > CANCELLED_KEPT:
                self._cancelled.popitem(last=False)
            self._changed.notify_all()

    def busy_for(self) -> float:
        """Seconds since the present turn began; 0 when there is none."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    def _leave(self, ticket: object) -> None:
        self._queue.remove(ticket)
        self._changed.notify_all()


class InferenceWorker:
    """The body of the actor. Its methods run in several threads; one question computes at a time.

    `ready`, `busy_for`, `missing` and `cancel` are for Ray's concurrency group CONTROL: they are answered at once,
    however many questions wait.
    """

    def __init__(self, threads: int, questions: Mapping[str, str]) -> None:
        import torch

        from resnet_core.trained.loaded import load_net

        torch.set_num_threads(threads)
        self._load_net = load_net
        self._questions = questions
        self._nets: OrderedDict[NetKey, LoadedNet] = OrderedDict()  # the one asked longest ago first
        self._sizes: dict[NetKey, int] = {}
        self._turns = Turns()
        gc.collect()
        gc.freeze()  # what was imported stays: no need to look through it at every collection

    def ready(self) -> bool:
        """Whether the process is up: an answer says so."""
        return True

    def busy_for(self) -> float:
        """Seconds since the present computation began; 0 when there is none."""
        return self._turns.busy_for()

    def cancel(self, question_id: str) -> None:
        """Compute nothing more for a question that nobody waits for; the part that is in work is finished."""
        self._turns.cancel(question_id)

    def missing(self, keys: Sequence[NetKey]) -> tuple[NetKey, ...]:
        """Those of the networks that are not in memory."""
        return tuple(key for key in keys if key not in self._nets)

    def answer(
        self,
        question_id: str,
        question: str,
        args: tuple[Any, ...],
        nets: Sequence[TrainedNet],
        weights: Mapping[NetKey, Weights],
    ) -> Iterator[Any | Whole | Missing | Failure]:
        """The parts of an answer as they are ready; or one Whole, Missing or Failure. ``question_id``: see `cancel`.

        Each part is a turn of its own, so that the answers to several visitors come interleaved.
        """
        try:
            with self._turns.turn(question_id):
                answer = self._begin(question, args, nets, weights)
            if not isinstance(answer, Iterator):
                yield answer
                return
            while True:
                with self._turns.turn(question_id):
                    part = next(answer, _END)
                if part is _END:
                    return
                yield part
        except QuestionCancelled:
            return
        except Exception as error:  # the border between two processes: nothing may cross it as an exception
            yield describe_failure(error)

    def _begin(
        self, question: str, args: tuple[Any, ...], nets: Sequence[TrainedNet], weights: Mapping[NetKey, Weights]
    ) -> Iterator[Any] | Whole | Missing:
        """The answer in one piece, or an iterator over its parts that has computed nothing yet."""
        loaded = self._gather(nets, weights)
        if isinstance(loaded, Missing):
            return loaded
        function = import_function(self._questions[question])
        answer = function(loaded, *args) if nets else function(*args)
        return answer if isinstance(answer, Iterator) else Whole(answer)

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
