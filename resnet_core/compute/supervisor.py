"""The thread that keeps trainings going: it submits queued runs, records their events, stops and restarts
them. No torch.

It is the only writer of the runs it owns. Ray places, isolates and kills; what is decided here is which run is
submitted when, and what a failure means for a run. Imports Ray, so :class:`resnet_core.compute.service.Service`
imports this module only when Ray's settings are made.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import ray
from ray.exceptions import (
    LocalRayletDiedError,
    NodeDiedError,
    OutOfMemoryError,
    RayError,
    RayTaskError,
    TaskCancelledError,
)

from resnet_core.compute import cluster, jobs
from resnet_core.compute.cluster import Resources, on_this_node
from resnet_core.compute.failures import Failure, describe_failure
from resnet_core.data.storage import stored_info
from resnet_core.errors import LabError, StoreBusyError, StoreError
from resnet_core.memory import oom_kills
from resnet_core.runs.ownership import HEARTBEAT_S, OrphanWatch, register
from resnet_core.runs.run import ACTIVE, Run
from resnet_core.runs.store import RunLostError, RunStore
from resnet_core.trained.net import DataFacts
from resnet_core.training.events import Event, Finished, Stopped

log = logging.getLogger(__name__)

MAX_RESTARTS = 3  # times that a run is started again whose worker died before another checkpoint
STOP_PATIENCE_S = 15.0  # between asking a training to stop and ending its process
SHUTDOWN_PATIENCE_S = 8.0  # the same when the app ends
ABANDON_PATIENCE_S = 5.0
LISTEN_S = 0.2
IDLE_S = 0.5
PAUSE_S = 1.0  # after something went wrong with the store or with Ray
ITEMS_AT_ONCE = 200

DatasetKey = tuple[str, str | None]  # name and fingerprint; None before Shapes-10 is generated


@dataclass(eq=False)
class Active:
    """A training that was submitted and has not ended."""

    run: str
    key: str  # of its stop flag
    stream: ray.ObjectRefGenerator
    share: float  # slots it takes
    dataset: DatasetKey
    weights_step: int | None  # of the newest weights when it was submitted
    oom_kills: int | None  # see memory.oom_kills, at that time
    has_begun: bool = False  # whether it has begun to run
    outcome_known: bool = False  # whether it has told how it ended
    stop_asked: float | None = None  # monotonic time
    cancelled: bool = False
    items: list[Any] = field(default_factory=list)  # received, and not yet recorded
    end: StopIteration | RayError | None = None  # of the stream


class Supervisor:
    """See the module. ``problem`` and ``submitting`` are for others to read and to hold."""

    def __init__(self, store: RunStore, resources: Resources, *, threads_per_run: int | None, trainer: str) -> None:
        self.problem = ""  # a sentence while something keeps trainings from going on
        self.submitting = threading.Lock()  # held by whoever queues runs that should be placed together
        self._store = store
        self._resources = resources
        self._threads_per_run = threads_per_run
        self._trainer = trainer
        self._watch = OrphanWatch(store)
        self._owner = ""
        self._active: dict[str, Active] = {}
        self._datasets: dict[DatasetKey, ray.ObjectRef] = {}
        # What the store would not take: run -> state, reason, attempts.
        self._pending_states: dict[str, tuple[str, str, int | None]] = {}
        self._last_beat = self._last_watch = -HEARTBEAT_S
        self._launches = 0
        self._wake = threading.Event()
        self._shutting_down = False
        self._abandoned = False
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)
        # A worker that has used one GPU cannot change to another, so where there are several each is used once.
        max_calls = 1 if resources.gpus > 1 else 0
        task = ray.remote(num_returns="streaming", max_retries=0, max_calls=max_calls)
        self._train = task(jobs.train_task)
        self._load = ray.remote(num_cpus=0)(jobs.load_task)
        self._flags: Any = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=1)(jobs.StopFlags).remote()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def wake(self) -> None:
        """Something was queued or stopped: look at once."""
        self._wake.set()

    def shut_down(self) -> None:
        """Give trainings a moment for a last checkpoint and queue them, to be taken up at the next start."""
        self._shutting_down = True
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join()

    def abandon(self) -> None:
        """Ray is gone: queue what was running without waiting for anything. Whatever the thread may still receive
        afterwards is of runs that are not ours any more, and not recorded.
        """
        self._abandoned = self._shutting_down = True
        self._wake.set()
        self._thread.join(ABANDON_PATIENCE_S)
        for run in self._store.runs(ACTIVE):
            if run.owner == self._owner:
                self._set_state(run.id, "stopped" if run.state == "stopping" else "queued", "")
        self._store.remove_owner(self._owner)

    def _run(self) -> None:
        while not self._shutting_down:
            self._run_guarded(self._tick)
        if not self._abandoned:
            self._run_guarded(self._shut_down)

    def _run_guarded(self, act: Callable[[], None]) -> None:
        """Whatever goes wrong, this thread goes on, and a page says so."""
        try:
            act()
            self.problem = ""
        except StoreBusyError:
            self.problem = (
                f"Another process keeps the store in {self._store.home} to itself: trainings go on, and what they "
                "report is recorded once it is free."
            )
        except StoreError as error:
            self.problem = str(error)
        except RayError as error:
            log.exception("Ray does not answer")
            self.problem = f"The workers do not answer ({type(error).__name__}): restart the app if this stays."
        except Exception as error:  # whatever it is: without this thread no run would ever start, stop or end
            log.exception("The supervisor made a mistake")
            self.problem = describe_failure(error).sentence
        if self.problem:
            time.sleep(PAUSE_S)

    def _tick(self) -> None:
        self._send_heartbeat()
        self._retry_states()
        self._submit_queued()
        self._stop_requested_runs()
        self._listen()

    def _send_heartbeat(self) -> None:
        now = time.monotonic()
        if now - self._last_beat >= HEARTBEAT_S:
            if not self._owner or not self._store.heartbeat(self._owner):
                self._owner = register(self._store, "app")
            self._last_beat = now
        if now - self._last_watch >= HEARTBEAT_S:
            self._watch.release_orphans()
            self._last_watch = now

    # Submitting

    def _submit_queued(self) -> None:
        """Submit queued runs, oldest first, until all slots are taken; Ray keeps the last one until it fits."""
        with self.submitting:
            queued = [run for run in self._store.runs(("queued",)) if run.owner is None]
            for index, run in enumerate(queued):
                if sum(active.share for active in self._active.values()) >= self._resources.slots:
                    return
                wanting = len(self._active) + len(queued) - index
                if self._store.claim(run.id, self._owner):
                    try:
                        self._launch(run, self._threads(run, wanting))
                    except (StoreError, RayError):
                        self._set_state(run.id, "queued", "")  # out of our hands, or nobody would launch it again
                        raise

    def _threads(self, run: Run, wanting: int) -> int:
        threads = run.threads or self._threads_per_run or self._resources.threads(wanting)
        return min(threads, self._resources.node_cpus)

    def _launch(self, run: Run, threads: int) -> None:
        if run.threads is None and not self._resources.gpus:
            self._store.set_threads(run.id, threads)  # another number would change the last digits of a resume
        self._launches += 1
        job = jobs.Job(
            key=f"{run.id}-{self._launches}",
            spec=run.spec,
            recipe=run.recipe,
            threads=threads,
            fingerprint=run.facts.get("fingerprint"),
            trainer=self._trainer,
        )
        try:
            dataset_key, dataset = self._dataset(run.dataset)
            resume = self._store.latest_checkpoint(run.id)
        except LabError as error:
            self._set_state(run.id, "failed", str(error))
            return
        stream = self._train.options(**self._resources.options(threads), name=f"train {run.id}").remote(
            job, dataset, resume, self._flags
        )
        self._active[run.id] = Active(
            run.id, job.key, stream, self._resources.share(threads), dataset_key, run.weights_step, oom_kills()
        )

    def _dataset(self, name: str) -> tuple[DatasetKey, ray.ObjectRef]:
        """The dataset in the object store: loaded once, where the home folder is, for as long as it is in use."""
        info = stored_info(self._store.home, name)
        key = (name, info.fingerprint if info else None)
        used = {active.dataset for active in self._active.values()} | {key}
        self._datasets = {kept: ref for kept, ref in self._datasets.items() if kept in used}
        if key not in self._datasets:
            self._datasets[key] = self._load.options(**on_this_node()).remote(name, str(self._store.home))
        return key, self._datasets[key]

    # Stopping

    def _stop_requested_runs(self) -> None:
        for run in self._store.runs(("stopping",)):
            if run.owner == self._owner:
                active = self._active.get(run.id)
                if active is None:
                    self._set_state(run.id, "stopped", "")
                else:
                    self._stop(active, STOP_PATIENCE_S)

    def _stop(self, active: Active, patience_s: float) -> None:
        """Ask once, and end the process of a training that did not begin or does not answer."""
        if active.stop_asked is None:
            active.stop_asked = time.monotonic()
            self._flags.set.remote(active.key)
        if not active.has_begun or time.monotonic() - active.stop_asked > patience_s:
            self._cancel(active)

    def _cancel(self, active: Active) -> None:
        if not active.cancelled:
            active.cancelled = True
            ray.cancel(active.stream, force=True)

    # Listening

    def _listen(self) -> None:
        if not self._active:
            self._wake.wait(IDLE_S)
            self._wake.clear()
            return
        for active in [active for active in self._active.values() if active.items or active.end]:
            self._take_in(active)  # what the store was too busy for
        by_stream = {active.stream: active for active in self._active.values()}
        if not by_stream:
            return
        ready, _ = ray.wait(list(by_stream), num_returns=len(by_stream), timeout=LISTEN_S / 4, fetch_local=False)
        if not ready:
            ready, _ = ray.wait(list(by_stream), num_returns=1, timeout=LISTEN_S, fetch_local=False)
        for stream in ready:
            self._receive(by_stream[stream])

    def _receive(self, active: Active) -> None:
        """Take in all events that a training has sent since last time."""
        try:
            while len(active.items) < ITEMS_AT_ONCE and ray.wait([active.stream], timeout=0, fetch_local=False)[0]:
                active.items.append(ray.get(next(active.stream)))
        except (StopIteration, RayError) as error:
            active.end = error
        active.has_begun = active.has_begun or bool(active.items)
        self._take_in(active)

    def _take_in(self, active: Active) -> None:
        """Record what was received, and act on the end of the stream once it is there.

        Raises StoreBusyError when the store cannot be written now: nothing is lost, and it is tried again.
        """
        try:
            self._record(active, active.items)
        except RunLostError:
            self._cancel(active)
            del self._active[active.run]
        except StoreBusyError:
            raise
        except StoreError as error:
            log.warning("Run %s cannot be recorded: %s", active.run, error)
            self._cancel(active)
            self._set_state(active.run, "failed", str(error))
            del self._active[active.run]
        else:
            active.items = []
            if active.end is not None:
                del self._active[active.run]
                self._handle_end(active, active.end)

    def _record(self, active: Active, items: list[DataFacts | Event | Failure]) -> None:
        events: list[Event] = []
        for item in items:
            if isinstance(item, Failure):
                self._store.record(active.run, events, self._owner)
                self._fail(active, item)
                return
            if isinstance(item, DataFacts):
                self._store.set_facts(active.run, item.to_dict())
            elif isinstance(item, Stopped) and self._shutting_down and self._store.get(active.run).state != "stopping":
                active.cancelled = True  # it goes on at the next start
            else:
                events.append(item)
        self._store.record(active.run, events, self._owner)
        active.outcome_known = active.outcome_known or any(isinstance(event, Finished | Stopped) for event in events)

    def _fail(self, active: Active, failure: Failure) -> None:
        active.outcome_known = True
        self._datasets.pop(active.dataset, None)  # it may be the dataset that could not be loaded
        if failure.details:
            with suppress(StoreError):  # a full disk: the sentence is worth more than the report
                self._store.log_error(active.run, failure.details)
        self._set_state(active.run, "failed", failure.sentence)

    def _handle_end(self, active: Active, end: StopIteration | RayError) -> None:
        """What the end of a stream means for its run."""
        if active.outcome_known:
            return
        if active.cancelled or isinstance(end, TaskCancelledError):
            self._handle_cancelled(active)
        elif isinstance(end, StopIteration):
            self._set_state(active.run, "failed", "The training ended without saying how: please report this.")
        elif isinstance(end, RayTaskError):
            self._fail(active, describe_failure(end))
        else:
            self._handle_crash(active, end)

    def _handle_cancelled(self, active: Active) -> None:
        run = self._store.get(active.run)
        if self._shutting_down and run.state != "stopping":
            self._set_state(run.id, "queued", "")
        else:
            self._set_state(run.id, "stopped", _resume_sentence(run) if active.has_begun else "")

    def _handle_crash(self, active: Active, error: RayError) -> None:
        """The worker died: killed by somebody, by the system for want of memory, or by its own machine's end."""
        run = self._store.get(active.run)
        log.warning("The worker of run %s died: %s", run.id, error)
        got_further = run.weights_step is not None and run.weights_step > (active.weights_step or 0)
        deaths = 0 if got_further else run.attempts + 1
        if run.state == "stopping":
            self._set_state(run.id, "stopped", _resume_sentence(run))
        elif not cluster.alive():
            self._set_state(run.id, "queued", "")  # all workers died at once: no fault of this run
        elif deaths > MAX_RESTARTS:
            self._set_state(run.id, "failed", _death_sentence(deaths, error, active.oom_kills), deaths)
        else:
            self._set_state(run.id, "queued", "", deaths)

    def _set_state(self, run: str, state: str, reason: str, attempts: int | None = None) -> None:
        """Move a run that is ours to ``state``; what the store will not take now is tried again later."""
        try:
            self._store.set_state(run, state, reason, owner=self._owner, attempts=attempts)
            self._pending_states.pop(run, None)
        except StoreError:
            self._pending_states[run] = (state, reason, attempts)

    def _retry_states(self) -> None:
        for run, (state, reason, attempts) in list(self._pending_states.items()):
            self._store.set_state(run, state, reason, owner=self._owner, attempts=attempts)
            del self._pending_states[run]

    # Leaving

    def _shut_down(self) -> None:
        deadline = time.monotonic() + SHUTDOWN_PATIENCE_S
        while self._active and time.monotonic() < deadline:
            for active in self._active.values():
                self._stop(active, SHUTDOWN_PATIENCE_S)
            self._listen()
        for active in self._active.values():
            self._cancel(active)
            self._handle_cancelled(active)
        self._retry_states()
        self._store.remove_owner(self._owner)


def _resume_sentence(run: Run) -> str:
    if run.weights_step is None:
        return "Its process was ended before its first checkpoint: resuming starts it anew."
    return f"Its process was ended; resuming goes on from step {run.weights_step:,}."


def _death_sentence(deaths: int, error: RayError, oom_kills_before: int | None) -> str:
    """Why a run is given up whose worker died so often, as far as anybody has seen it."""
    oom_kills_now = oom_kills()
    if isinstance(error, OutOfMemoryError) or (
        oom_kills_before is not None and oom_kills_now is not None and oom_kills_now > oom_kills_before
    ):
        cause = "the machine ran out of memory: choose a smaller batch or network, or resume it when less is running."
    elif isinstance(error, NodeDiedError | LocalRayletDiedError):
        cause = "its machine was lost: resume it when the machine is back."
    else:
        cause = (
            "it was killed or crashed, and left no reason: resume it to try again, or choose a smaller batch or "
            "network, which needs less memory."
        )
    return f"The process that trained it died {deaths} times without reaching another checkpoint; the last time {cause}"
