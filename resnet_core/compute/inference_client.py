"""The app's side of the inference worker: sends questions with the networks they are about, and again after a
crash. No torch.

Imports Ray: :class:`resnet_core.compute.service.Service` imports this module only when Ray's settings are made.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

import ray
from ray.exceptions import GetTimeoutError, RayActorError, RayError

from resnet_core.compute.cluster import on_this_node
from resnet_core.compute.failures import Failure
from resnet_core.compute.inference_worker import LARGE_AT_ONCE, QUESTIONS, InferenceWorker, Missing
from resnet_core.compute.sources import find_weights
from resnet_core.cpu import available_cores
from resnet_core.errors import JobError
from resnet_core.runs.store import RunStore
from resnet_core.trained.net import TrainedNet

log = logging.getLogger(__name__)

STUCK_S = 120.0  # a computation that takes longer than this is taken for hung when somebody waits in vain
TRIES = 2


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
        actor = ray.remote(InferenceWorker).options(
            num_cpus=0, max_restarts=-1, max_task_retries=0, max_concurrency=8, runtime_env=own, **on_this_node()
        )
        self._worker: Any = actor.remote(available_cores(), questions)

    def wait_until_ready(self) -> None:
        """Until the worker has started, or started again after its death."""
        ray.get(self._ready())

    def _ready(self) -> ray.ObjectRef:
        return self._worker.ready.options(max_task_retries=-1).remote()

    def ask(self, question: str, args: Sequence[Any], nets: Sequence[TrainedNet], timeout: float) -> Iterator[Any]:
        """The parts of the answer as they come, or the one Whole. Raises JobError after ``timeout`` seconds without a
        part, when the worker has died over and over in the question, and with its own sentence when it has no answer.
        """
        if len({net.id for net in nets if net.is_large}) > LARGE_AT_ONCE:
            raise JobError(f"{len(nets)} networks this large do not fit in memory: ask about {LARGE_AT_ONCE} at once.")
        passed_on = 0
        for attempt in range(1, TRIES + 1):
            try:
                for index, part in enumerate(self._parts(question, tuple(args), nets, timeout)):
                    if index >= passed_on:  # the first ones came before the worker died
                        yield part
                        passed_on += 1
                return
            except RayActorError as error:
                log.warning("The inference worker died over %r (attempt %s): %s", question, attempt, error)
                self._get(self._ready(), timeout)
            except RayError as error:
                log.warning("Ray did not answer %r: %s", question, error)
                raise JobError("The workers do not answer: try again in a moment.") from error
        raise JobError(
            f"The process that answers died {TRIES} times over this question, perhaps for want of memory: "
            "ask about fewer or smaller networks at once."
        )

    def _parts(self, question: str, args: tuple[Any, ...], nets: Sequence[TrainedNet], timeout: float) -> Iterator[Any]:
        keys = [net.key for net in nets]
        missing = self._get(self._worker.missing.remote(keys), timeout) if nets else ()
        while True:
            weights = {net.key: find_weights(self._store, net) for net in nets if net.key in missing}
            stream = self._worker.answer.options(num_returns="streaming").remote(question, args, nets, weights)
            for part in self._streamed(stream, timeout):
                if isinstance(part, Missing):  # others' networks pushed ours out just now
                    missing = keys
                    break
                if isinstance(part, Failure):
                    log.warning("No answer to %r: %s", question, part.details or part.sentence)
                    raise JobError(part.sentence)
                yield part
            else:
                return

    def _streamed(self, stream: ray.ObjectRefGenerator, timeout: float) -> Iterator[Any]:
        while True:
            if not ray.wait([stream], timeout=timeout)[0]:
                self._time_out()
            try:
                ref = next(stream)
            except StopIteration:
                return
            yield self._get(ref, timeout)

    def _get(self, ref: ray.ObjectRef, timeout: float) -> Any:
        try:
            return ray.get(ref, timeout=timeout)
        except GetTimeoutError:
            self._time_out()

    def _time_out(self) -> NoReturn:
        """No answer in time: end a worker that hangs, so that it starts anew; a busy one needs only patience."""
        try:
            hung = ray.get(self._worker.busy_for.remote(), timeout=5) > (self._stuck_s or STUCK_S)
        except GetTimeoutError:
            hung = True
        if hung:
            ray.kill(self._worker, no_restart=False)
        raise JobError("The answer takes too long, others may be asking too: try again in a moment.")
