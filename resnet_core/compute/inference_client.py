"""The app's end of the line to the lab: sends questions, brings the networks they are about, asks
again after a crash. No torch.

Imports Ray: :class:`resnet_core.compute.service.Service` imports this module only when Ray's settings are
made.
"""

import logging
import os
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import ray
from ray.exceptions import GetTimeoutError, RayActorError, RayError

from resnet_core.compute.cluster import on_this_node
from resnet_core.compute.failures import Failure
from resnet_core.compute.lab import LARGE_AT_ONCE, QUESTIONS, Lab, Missing, NetKey, Parcel
from resnet_core.compute.sources import find_net, find_weights
from resnet_core.errors import JobError
from resnet_core.runs.store import RunStore
from resnet_core.trained.net import TrainedNet

log = logging.getLogger(__name__)

STUCK_S = 120.0  # a computation that takes longer than this is taken for hung when somebody waits in vain
TRIES = 2


class LabLine:
    def __init__(
        self, store: RunStore, questions: dict[str, str] = QUESTIONS, *, name: str = "lab", stuck_s: float | None = None
    ) -> None:
        """Starts a lab of its own; ``name``: of its process. ``stuck_s``: in place of STUCK_S."""
        self._store = store
        self._stuck_s = stuck_s
        actor = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=0, max_concurrency=8)(Lab)
        # An environment of its own keeps Ray from starting it in a process that a training made step back.
        own = {"env_vars": {"SKIP_EXPLORER_PROCESS": name}}
        self._lab = actor.options(**on_this_node(), runtime_env=own).remote(os.cpu_count() or 1, questions)

    def wait_until_ready(self) -> None:
        ray.get(self._back())

    def _wait_until_back(self, timeout: float) -> None:
        """After its death: until it is started again."""
        self._get(self._back(), timeout)

    def _back(self) -> ray.ObjectRef:
        return self._lab.ready.options(max_task_retries=-1).remote()

    def ask(self, question: str, args: Sequence[Any], runs: Sequence[str], timeout: float) -> Iterator[Any]:
        """The parts of the answer as they come, or the one Whole. Raises JobError after ``timeout`` seconds
        without a part, when the lab has died over and over in the question, and with its own sentence when it has
        no answer.
        """
        nets = [find_net(self._store, run) for run in runs]
        if len({net.id for net in nets if net.is_large}) > LARGE_AT_ONCE:
            raise JobError(f"{len(nets)} networks this large do not fit in memory: ask about {LARGE_AT_ONCE} at once.")
        told = 0
        for attempt in range(1, TRIES + 1):
            try:
                for index, part in enumerate(self._parts(question, tuple(args), nets, timeout)):
                    if index >= told:  # the first ones were told before the lab died
                        yield part
                        told += 1
                return
            except RayActorError as error:
                log.warning("The lab died over %r (attempt %s): %s", question, attempt, error)
                self._wait_until_back(timeout)
            except RayError as error:
                log.warning("Ray did not answer %r: %s", question, error)
                raise JobError("The workers do not answer: try again in a moment.") from error
        raise JobError(
            f"The process that answers died {TRIES} times over this question, perhaps for want of memory: "
            "ask about fewer or smaller networks at once."
        )

    def _parts(self, question: str, args: tuple[Any, ...], nets: list[TrainedNet], timeout: float) -> Iterator[Any]:
        keys = [NetKey(net.id, net.weights_version) for net in nets]
        by_key = dict(zip(keys, nets, strict=True))
        missing = self._get(self._lab.missing.remote(keys), timeout) if keys else ()
        while True:
            parcels = {key: self._parcel(by_key[key]) for key in missing}
            stream = self._lab.answer.options(num_returns="streaming").remote(question, args, keys, parcels)
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
                self._give_up()
            try:
                ref = next(stream)
            except StopIteration:
                return
            yield self._get(ref, timeout)

    def _get(self, ref: ray.ObjectRef, timeout: float) -> Any:
        try:
            return ray.get(ref, timeout=timeout)
        except GetTimeoutError:
            self._give_up()

    def _give_up(self) -> NoReturn:
        """Nobody answers in time: end a lab that hangs, it starts anew; a busy one needs only patience."""
        try:
            hung = ray.get(self._lab.busy_for.remote(), timeout=5) > (self._stuck_s or STUCK_S)
        except GetTimeoutError:
            hung = True
        if hung:
            ray.kill(self._lab, no_restart=False)
        raise JobError("The answer takes too long, others may be asking too: try again in a moment.")

    def _parcel(self, net: TrainedNet) -> Parcel:
        return Parcel(net.spec.to_dict(), find_weights(self._store, net), net.facts.to_dict())
