"""The app's side of the inference worker: sends questions with the networks they are about, and again after a
crash. No torch.

Imports Ray: :class:`resnet_core.compute.service.Service` imports this module only when Ray's settings are made.
"""

import logging
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayActorError, RayError

from resnet_core.compute.cluster import on_this_node
from resnet_core.compute.failures import Failure
from resnet_core.compute.inference_worker import CONTROL, LARGE_AT_ONCE, QUESTIONS, InferenceWorker, Missing
from resnet_core.compute.sources import find_weights
from resnet_core.cpu import available_cores
from resnet_core.errors import JobError
from resnet_core.runs.store import RunStore
from resnet_core.trained.net import TrainedNet

log = logging.getLogger(__name__)

STUCK_S = 120.0  # a computation that takes longer than this is taken for hung when somebody waits in vain
CONTROL_S = 5.0  # in which a worker that is well answers a control call
TICK_S = 0.2
TRIES = 2
THREADS = 64  # of the worker: questions that can wait in it, each of which can be called off

OnWait = Callable[[], None]
"""Called several times a second in the thread that waits; what it raises ends the waiting."""


class InferenceClient:
    """Starts an inference worker of its own and asks it."""

    def __init__(
        self,
        store: RunStore,
        questions: Mapping[str, str] = QUESTIONS,
        *,
        name: str = "inference",
        stuck_s: float | None = None,
    ) -> None:
        """``name``: of the worker's process. ``stuck_s``: in place of STUCK_S."""
        self._store = store
        self._stuck_s = stuck_s
        # An environment of its own keeps Ray from starting it in a process whose priority a training has lowered.
        own = {"env_vars": {"SKIP_EXPLORER_PROCESS": name}}
        threads = {"max_concurrency": THREADS, "concurrency_groups": {CONTROL: 2}}
        lives: dict[str, Any] = {"num_cpus": 0, "max_restarts": -1, "max_task_retries": 0, **threads}
        actor = ray.remote(**lives)(InferenceWorker).options(runtime_env=own, **on_this_node())
        self._worker: Any = actor.remote(available_cores(), questions)
        self._silent_since: float | None = None  # when a control call was first left without an answer

    def wait_until_ready(self) -> None:
        """Until the worker has started, or started again after its death."""
        ray.get(self._ready())

    def _ready(self) -> ray.ObjectRef:
        return self._worker.ready.options(concurrency_group=CONTROL, max_task_retries=-1).remote()

    def _control(self, method: str, *args: Any) -> ray.ObjectRef:
        """Call a method that is answered at once, however many questions wait."""
        return getattr(self._worker, method).options(concurrency_group=CONTROL).remote(*args)

    def ask(
        self,
        question: str,
        args: Sequence[Any],
        nets: Sequence[TrainedNet],
        timeout: float,
        on_wait: OnWait = lambda: None,
    ) -> Iterator[Any]:
        """The parts of the answer as they come, or the one Whole. When the iterator is closed before its end, nothing
        more is computed for it.

        Raises JobError after ``timeout`` seconds without a part, when the worker has died over and over in the
        question, and with its own sentence when it has no answer.
        """
        if len({net.id for net in nets if net.is_large}) > LARGE_AT_ONCE:
            raise JobError(f"{len(nets)} networks this large do not fit in memory: ask about {LARGE_AT_ONCE} at once.")
        asked = _Asked(secrets.token_hex(8), question, tuple(args), nets, timeout, on_wait)
        try:
            yield from self._retried(asked)
        except BaseException:  # GeneratorExit above all: nobody waits any more
            self._cancel(asked)
            raise

    def _retried(self, asked: "_Asked") -> Iterator[Any]:
        passed_on = 0
        for attempt in range(1, TRIES + 1):
            try:
                for index, part in enumerate(self._parts(asked)):
                    if index >= passed_on:  # the first ones came before the worker died
                        yield part
                        passed_on += 1
                return
            except RayActorError as error:
                log.warning("The inference worker died over %r (attempt %s): %s", asked.question, attempt, error)
                self._get(self._ready(), asked)
            except RayError as error:
                log.warning("Ray did not answer %r: %s", asked.question, error)
                raise JobError("The workers do not answer: try again in a moment.") from error
        raise JobError(
            f"The process that answers died {TRIES} times over this question, perhaps for want of memory: "
            "ask about fewer or smaller networks at once."
        )

    def _parts(self, asked: "_Asked") -> Iterator[Any]:
        keys = [net.key for net in asked.nets]
        missing = self._get(self._control("missing", keys), asked) if keys else ()
        while True:
            weights = {net.key: find_weights(self._store, net) for net in asked.nets if net.key in missing}
            stream = self._worker.answer.options(num_returns="streaming").remote(
                asked.id, asked.question, asked.args, asked.nets, weights
            )
            for part in self._streamed(stream, asked):
                if isinstance(part, Missing):  # others' networks pushed ours out just now
                    missing = keys
                    break
                if isinstance(part, Failure):
                    log.warning("No answer to %r: %s", asked.question, part.details or part.sentence)
                    raise JobError(part.sentence)
                yield part
            else:
                return

    def _streamed(self, stream: ray.ObjectRefGenerator, asked: "_Asked") -> Iterator[Any]:
        while True:
            self._wait(stream, asked)
            try:
                ref = next(stream)
            except StopIteration:
                return
            yield self._get(ref, asked)

    def _get(self, ref: ray.ObjectRef, asked: "_Asked") -> Any:
        self._wait(ref, asked)
        return ray.get(ref)

    def _wait(self, ref: ray.ObjectRef | ray.ObjectRefGenerator, asked: "_Asked") -> None:
        """Until it is there. Raises JobError when that takes too long, and whatever the one who waits raises."""
        deadline = time.monotonic() + asked.timeout
        while not ray.wait([ref], timeout=TICK_S)[0]:
            asked.on_wait()
            if time.monotonic() > deadline:
                self._end_if_hung()
                raise JobError("The answer takes too long, others may be asking too: try again in a moment.")

    def _end_if_hung(self) -> None:
        """Kill a worker that hangs in one computation, or that has not been answering at all for as long, so that it
        starts anew. A busy one needs only patience, and so does one that is just being started.
        """
        stuck_s = self._stuck_s or STUCK_S
        try:
            hung = ray.get(self._control("busy_for"), timeout=CONTROL_S) > stuck_s
            self._silent_since = None
        except GetTimeoutError:
            self._silent_since = self._silent_since or time.monotonic()
            hung = time.monotonic() - self._silent_since > stuck_s
        except RayError:
            return  # it has died, and starts anew by itself
        if hung:
            self._silent_since = None
            ray.kill(self._worker, no_restart=False)

    def _cancel(self, asked: "_Asked") -> None:
        with suppress(RayError):
            self._control("cancel", asked.id)


@dataclass(frozen=True)
class _Asked:
    """A question on its way."""

    id: str
    question: str
    args: tuple[Any, ...]
    nets: Sequence[TrainedNet]
    timeout: float
    on_wait: OnWait
