"""Training in this very process, for the command line: no Ray, the same store, the same rules. No torch.

The run belongs to this process while it trains: the app shows it live, can ask it to stop, and finds it stopped (not
lost) when the process is killed.
"""

import itertools
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from types import FrameType
from typing import Any

from resnet_core.compute import jobs
from resnet_core.compute.cluster import Resources
from resnet_core.compute.failures import describe_failure
from resnet_core.cpu import available_cores
from resnet_core.data.catalog import catalog, load_dataset
from resnet_core.errors import JobError, LabError, StoreBusyError, StoreError
from resnet_core.networks.spec import NetSpec
from resnet_core.runs.ownership import HEARTBEAT_S, OrphanWatch, register
from resnet_core.runs.run import Run
from resnet_core.runs.store import RunLostError, RunStore
from resnet_core.trained.net import DataFacts
from resnet_core.training.events import Event
from resnet_core.training.recipe import Recipe

log = logging.getLogger(__name__)

ASK_EVERY_S = 1.0

_owners: dict[str, str] = {}  # home -> this process's id as an owner


def create_run(
    store: RunStore,
    spec: NetSpec,
    recipe: Recipe,
    data: str,
    *,
    name: str | None = None,
    tags: Iterable[str] = (),
    begin_with: bytes | None = None,
    threads: int | None = None,
    facts: dict[str, Any] | None = None,
) -> str:
    """Create a run for :func:`train_run`, in the hands of this process from the start, so that no app takes it.

    ``data``: a name of the catalog, or a path to one's own pictures; the network gets as many outputs as that has
    classes. ``begin_with``: weights (safetensors) in place of a fresh start. ``threads``: CPU threads to train with;
    by default as many as there are cores, up to eight. ``facts``: as `RunStore.create` takes them.
    """
    from resnet_core.data.importing import resolve_dataset

    dataset = resolve_dataset(data, store.home)
    classes = next(info.classes for info in catalog(store.home) if info.name == dataset)
    spec = replace(spec, num_classes=len(classes))
    run_id = store.create(
        spec.to_dict(),
        recipe.to_dict(),
        dataset,
        name=name or spec.name,
        tags=tags,
        origin="cli",
        owner=_owner(store),
        begin_with=begin_with,
        facts=facts,
    )
    if threads is not None:
        store.set_threads(run_id, threads)
    return run_id


def train_run(
    store: RunStore,
    run_id: str,
    *,
    device: str | None = None,
    on_event: Callable[[Event], None] | None = None,
    trainer: str = jobs.TRAINER,
) -> Run:
    """Train a new run, or go on with a stopped, failed or waiting one; returns the run as it ended.

    Ctrl-C (or SIGTERM, or a stop from the app) stops it with a checkpoint; a second Ctrl-C at once. Raises JobError
    when another process has it in hand.
    """
    owner = _claim(store, run_id)
    with _heartbeat(store, owner), _stop_signals() as interrupted:
        try:
            for event in _events(store, run_id, device, trainer, _stop_question(store, run_id, interrupted)):
                _patiently(partial(store.record, run_id, [event], owner))
                if on_event is not None:
                    on_event(event)
        except RunLostError:
            raise
        except LabError as error:
            _end(store, run_id, owner, "failed", str(error))
        except KeyboardInterrupt:
            _end(store, run_id, owner, "stopped", "It was cut short: resume it to go on.")
        except BaseException as error:
            failure = describe_failure(error)
            store.log_error(run_id, failure.details)
            _end(store, run_id, owner, "failed", failure.sentence)
            raise
    return store.get(run_id)


def _end(store: RunStore, run_id: str, owner: str, state: str, reason: str) -> None:
    _patiently(lambda: store.set_state(run_id, state, reason, owner=owner))


def _patiently(write: Callable[[], object]) -> None:
    """Write to the store, as often as it takes while another process keeps it locked: that is no reason to
    end a training.
    """
    for attempt in itertools.count():
        try:
            write()
            return
        except StoreBusyError as error:
            if attempt == 0:
                log.warning("%s The training waits for it.", error)


def _owner(store: RunStore) -> str:
    home = str(store.home.resolve())
    if home not in _owners:
        _owners[home] = register(store, "cli")
    return _owners[home]


def _claim(store: RunStore, run_id: str) -> str:
    OrphanWatch(store).release_orphans()  # what a killed process left may be the very run that is asked for
    owner = _owner(store)
    run = store.get(run_id)
    if not run.active:
        store.check_resumable(run_id)
    if run.owner != owner and not store.claim(run_id, owner, ("queued", "stopped", "failed")):
        raise JobError(f"Run {run_id} is being trained by another process: stop it first.")
    return owner


def _events(
    store: RunStore, run_id: str, device: str | None, trainer: str, should_stop: Callable[[], bool]
) -> Iterator[Event]:
    run = store.get(run_id)
    cores = available_cores()
    threads = min(cores, run.threads or Resources(cores, 0, cores).threads(wanting=1))
    if run.threads is None:
        _patiently(lambda: store.set_threads(run_id, threads))
    job = jobs.Job(
        key=run_id,
        spec=run.spec,
        recipe=run.recipe,
        threads=threads,
        fingerprint=run.facts.get("fingerprint"),
        trainer=trainer,
        device=device,
    )
    dataset = load_dataset(run.dataset, store.home)
    jobs.check_same_data(job, dataset)
    facts = DataFacts.from_dataset(dataset).to_dict()
    _patiently(lambda: store.set_facts(run_id, facts))
    resume = store.latest_checkpoint(run_id)
    yield from jobs.import_function(trainer)(job, dataset, resume, should_stop)


def _stop_question(store: RunStore, run_id: str, interrupted: threading.Event) -> Callable[[], bool]:
    """``should_stop``: after a signal at once, after a stop from elsewhere within a second."""
    asked_at = time.monotonic()

    def should_stop() -> bool:
        nonlocal asked_at
        if interrupted.is_set():
            return True
        if time.monotonic() - asked_at < ASK_EVERY_S:
            return False
        asked_at = time.monotonic()
        return store.get(run_id).state == "stopping"

    return should_stop


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """The first SIGINT or SIGTERM sets the event, a second SIGINT is a KeyboardInterrupt."""
    interrupted = threading.Event()

    def take_note(number: int, _frame: FrameType | None) -> None:
        if interrupted.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        interrupted.set()

    if threading.current_thread() is not threading.main_thread():
        yield interrupted
        return
    before = {number: signal.signal(number, take_note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _heartbeat(store: RunStore, owner: str) -> Iterator[None]:
    done = threading.Event()

    def beat() -> None:
        while not done.wait(HEARTBEAT_S):
            with suppress(StoreError):  # a database in use for long: the next beat tells that we are there
                store.heartbeat(owner)

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
