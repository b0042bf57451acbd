"""What pages call: train, stop, resume, delete, ask. Ray is imported only once it is started. No torch.

Everything that is queued lies in the store, so it works before Ray is up and survives the end of the process.
"""

import dataclasses
import logging
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from resnet_core.analysis.same_weights_result import SameWeights
from resnet_core.analysis.step0_result import Step0Result
from resnet_core.compute import cluster, jobs
from resnet_core.compute.inference_worker import Whole
from resnet_core.compute.sources import find_net
from resnet_core.compute.status import DataTask, Machine
from resnet_core.data.catalog import catalog, delete_dataset, load_dataset, preview
from resnet_core.data.dataset import Dataset, DatasetInfo
from resnet_core.data.temporary import clear_leftovers
from resnet_core.data.uploads import remove_upload, save_upload
from resnet_core.errors import DataError, JobError
from resnet_core.networks.spec import NetSpec
from resnet_core.runs.bundle import export_run, import_run
from resnet_core.runs.run import Run
from resnet_core.runs.store import RunStore
from resnet_core.trained import imagenet
from resnet_core.trained.net import TrainedNet
from resnet_core.training.estimate_result import Estimate
from resnet_core.training.recipe import Recipe

if TYPE_CHECKING:
    from resnet_core.compute.workers import Workers

__all__ = ["DataTask", "Estimate", "Machine", "Service", "connect"]

log = logging.getLogger(__name__)

WAIT_FOR_START_S = 20.0
WATCH_S = 2.0  # between two looks at Ray
RETRY_S = 60.0  # between two tries to start it, at most


class Service:
    """What pages of one process need of the core. ``start`` it once; reading and queueing work before that."""

    def __init__(
        self,
        home: Path,
        store: RunStore | None = None,
        *,
        num_cpus: int | None = None,
        threads_per_run: int | None = None,
        trainer: str = jobs.TRAINER,
        warm: bool = True,
    ) -> None:
        """``num_cpus``: slots for trainings, by default the machine's cores. ``threads_per_run``: for each training;
        by default one alone has all cores and several share them. ``trainer``: see :class:`jobs.Job`. ``warm``:
        whether the workers import torch before they are asked for anything.

        The attribute ``on_wait`` is called several times a second in each thread that waits for an answer or an
        estimate. What it raises ends the waiting, and nothing more is computed for whoever waited.
        """
        self.home = Path(home)
        self.store = store or RunStore(self.home)
        self.on_wait: Callable[[], None] = lambda: None
        self._num_cpus = num_cpus
        self._threads_per_run = threads_per_run
        self._trainer = trainer
        self._warm = warm
        self._lock = threading.Lock()  # held while starting and stopping
        self._start_tried = threading.Event()
        self._started = threading.Event()
        self._leaving = threading.Event()
        self._ready = False
        self._problem = ""
        self._device = ""
        self._ray_keeper: threading.Thread | None = None
        self._workers: Workers | None = None  # those of the newest start of Ray

    # Starting and stopping

    def start(self) -> None:
        """Start Ray and take up what waits; returns when trainings can run, warm workers come a little later.

        A start that fails is told by :meth:`machine`. Calling it again when it is started does nothing.
        """
        with self._lock:
            if self._ray_keeper is None:
                self._start_tried.clear()
                self._leaving.clear()
                # In a main thread Ray would replace the server's handler of SIGTERM.
                self._ray_keeper = threading.Thread(target=self._keep_ray_running, name="ray", daemon=True)
                self._ray_keeper.start()
        self._start_tried.wait()

    def _keep_ray_running(self) -> None:
        """Start Ray, and again whenever a start failed or Ray has died.

        On Linux its processes are killed when the thread that made them ends (PR_SET_PDEATHSIG), and a process whose
        Ray is gone is ended by it a minute later.
        """
        pause_s = WATCH_S
        while not self._leaving.is_set():
            with self._lock:
                if self._workers is not None and self._started.is_set() and not cluster.alive():
                    self._give_up_ray(self._workers)
                if not self._started.is_set() and not self._leaving.is_set():
                    self._try_to_start()
            self._start_tried.set()
            pause_s = WATCH_S if self._started.is_set() else min(2 * pause_s, RETRY_S)
            self._leaving.wait(pause_s)

    def _give_up_ray(self, workers: "Workers") -> None:
        log.error("Ray has died; starting it again")
        self._started.clear()
        self._ready = False
        self._problem = "The workers ended unexpectedly and are being started again; trainings will go on."
        workers.supervisor.abandon()
        cluster.stop()

    def _try_to_start(self) -> None:
        try:
            resources = cluster.start(self._num_cpus)
            from resnet_core.compute.workers import Workers

            workers = Workers(self.store, resources, threads_per_run=self._threads_per_run, trainer=self._trainer)
        except Exception as error:  # Ray raises all kinds when a part of it is missing, ill or killed while it starts
            log.exception("Ray could not be started")
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            self._problem = f"The workers could not be started ({reason}). Trainings wait; it is tried again by itself."
            cluster.stop()
            return
        self._workers = workers
        self._problem = ""
        self._started.set()
        threading.Thread(target=self._warm_up, args=(workers,), name="warm-up", daemon=True).start()

    def _warm_up(self, workers: "Workers") -> None:
        from ray.exceptions import RayError

        clear_leftovers(self.home)
        self.store.clear_leftovers()
        try:
            if self._warm:
                self._device = workers.warm_up()
                self._generate_first_dataset()
            self._ready = True
        except RayError as error:
            if self._started.is_set():  # otherwise it was stopped while it got ready
                log.exception("The workers do not get ready")
                self._problem = f"The workers do not get ready ({type(error).__name__}): restart the app."

    def _generate_first_dataset(self) -> None:
        """In a new home: so that there is something to train on and to ask about before anybody asks for it."""
        shapes = catalog(self.home)[0]
        if not shapes.ready:
            self.fetch_dataset(shapes.name)

    def stop(self) -> None:
        """Give running trainings a moment for a checkpoint, queue them for the next start, and end Ray."""
        with self._lock:
            if self._workers is not None and self._started.is_set():
                self._started.clear()
                self._ready = False
                self._workers.supervisor.shut_down()
                cluster.stop()
            self._leaving.set()  # not before: Ray ends with the thread that keeps it
            self._ray_keeper = None

    def machine(self) -> Machine:
        states = [run.state for run in self.store.runs(("queued", "running", "stopping"))]
        waiting = states.count("queued")
        problem = self._problem or (self._workers.supervisor.problem if self._workers else "")
        return Machine(self._device, len(states) - waiting, waiting, self._ready, problem)

    # Trainings

    def submit(
        self,
        spec: NetSpec,
        recipe: Recipe,
        dataset: str,
        name: str | None = None,
        tags: Iterable[str] = (),
        group: str | None = None,
    ) -> str:
        """Queue a training; returns the run's id. Raises DataError for a dataset that is not there."""
        info = self._check_dataset(dataset)
        spec = dataclasses.replace(spec, num_classes=len(info.classes))
        run_id = self.store.create(
            spec.to_dict(), recipe.to_dict(), dataset, name=name or spec.name, tags=tags, group=group
        )
        self._wake_supervisor()
        return run_id

    def submit_twins(self, spec: NetSpec, recipe: Recipe, dataset: str) -> tuple[str, str]:
        """Queue a network and its twin, same seed, same batches, beside each other: (plain, residual) run ids."""
        twin = spec.twin()
        plain, residual = (spec, twin) if spec.kind == "plain" else (twin, spec)
        group = f"twins-{secrets.token_hex(4)}"
        # Placed together, or the first would take the whole machine.
        with self._workers.supervisor.submitting if self._workers else nullcontext():
            ids = [self.submit(each, recipe, dataset, group=group) for each in (plain, residual)]
        self._wake_supervisor()
        return ids[0], ids[1]

    def grow(self, run_id: str, depth: int, recipe: Recipe) -> str:
        """Queue the training of a run's network made deeper, from its own weights: what is added starts as an
        identity, so the new network answers as the old one until it is trained. Returns the new run's id.

        Raises JobError for a network that cannot be grown so, or whose weights are not there.
        """
        run = self.store.get(run_id)
        weights = self.store.weights(run_id)
        if weights is None:
            raise JobError(f"{run.name} has no weights yet: let it train a while first.")
        self._check_dataset(run.dataset)
        begin_with, spec = self.ask("grow", weights, NetSpec.from_dict(run.spec), depth)
        new_id = self.store.create(
            spec.to_dict(),
            recipe.to_dict(),
            run.dataset,
            name=f"{spec.name} grown from {run.name}",
            tags=("grown",),
            begin_with=begin_with,
            facts=run.facts | {"grown_from": {"id": run.id, "name": run.name}},
        )
        self._wake_supervisor()
        return new_id

    def stop_run(self, run_id: str) -> None:
        """Ask a run to stop; it keeps a checkpoint and can be resumed."""
        self.store.request_stop(run_id)
        self._wake_supervisor()

    def resume(self, run_id: str) -> None:
        """Queue a stopped or failed run again, from its last checkpoint."""
        run = self.store.get(run_id)
        self._check_dataset(run.dataset)
        self.store.resume(run_id)
        self._wake_supervisor()

    def delete(self, run_id: str) -> None:
        """Remove a run for good. Raises StoreError while it is being trained."""
        self.store.delete(run_id)

    def _check_dataset(self, name: str) -> DatasetInfo:
        infos = {info.name: info for info in catalog(self.home)}
        if name not in infos:
            raise DataError(f"There is no dataset called {name!r}; there are: {', '.join(infos)}.")
        if not infos[name].ready and name != "shapes-10":
            raise DataError(f"{infos[name].title} is not here yet: fetch it on the Train page first.")
        return infos[name]

    def _wake_supervisor(self) -> None:
        if self._workers is not None:
            self._workers.supervisor.wake()

    # Runs as files

    def export_run(self, run_id: str) -> bytes:
        """The run as one file, see `runs.bundle`. Raises StoreError while it is being trained or has no weights."""
        return export_run(self.store, run_id)

    def import_run(self, data: bytes) -> Run:
        """The run of an exported file, now in the store. Raises StoreError for a file that is none."""
        return self.store.get(import_run(self.store, data))

    # Data

    def datasets(self) -> list[DatasetInfo]:
        """Every dataset a person can choose from, ready or not. Opens no pictures."""
        return catalog(self.home)

    def dataset(self, name: str) -> Dataset:
        """A dataset with its pictures memory-mapped. Raises DataError when it is not there."""
        return load_dataset(name, self.home)

    def preview(self, name: str, per_class: int = 8) -> tuple[np.ndarray, tuple[str, ...]]:
        """Some training pictures of each class, uint8 (C, k, 32, 32, 3), and the class names; see
        `data.catalog.preview`.
        """
        return preview(name, self.home, per_class)

    def delete_dataset(self, name: str) -> None:
        """Delete a dataset from disk. Raises DataError when it is not there."""
        delete_dataset(name, self.home)

    def dataset_tasks(self) -> list[DataTask]:
        """The tasks of this process that get datasets, oldest first."""
        return [task for task in self.data_tasks() if task.kind != "weights"]

    def weights_tasks(self) -> list[DataTask]:
        """The tasks of this process that fetch published weights, oldest first; `source` is the network's id."""
        return [task for task in self.data_tasks() if task.kind == "weights"]

    def has_weights(self, name: str) -> bool:
        """Whether the published weights of a network are here."""
        return imagenet.is_here(self.home, name)

    def import_dataset(self, filename: str, data: bytes) -> str:
        """Make a dataset of an uploaded .zip or .npz in the background; returns the task's id."""
        path = save_upload(self.home, filename, data)  # for the worker to read; the task deletes it
        try:
            return self.import_path(path)
        except JobError:
            remove_upload(self.home, path)
            raise

    def fetch_dataset(self, name: str) -> str:
        """Download or generate a dataset of the catalog ("cifar-10", "shapes-10") in the background; returns
        the task's id.
        """
        title = {"cifar-10": "Fetching CIFAR-10", "shapes-10": "Drawing Shapes-10"}[name]
        return self._start_data_task("dataset", name, title)

    def import_path(self, path: Path, name: str | None = None) -> str:
        """Make a dataset of a folder, .zip or .npz in the background; returns the task's id. A path in
        ``home/uploads`` is removed afterwards.
        """
        return self._start_data_task("import", str(path), f"Importing {path.name}", name)

    def fetch_weights(self, name: str) -> str:
        """Get a network's published weights (`trained.imagenet`) in the background. Returns the task's id, of the one
        that already runs when there is one.
        """
        row = imagenet.published(name)
        self._started_workers()
        for task in self.data_tasks():
            if (task.kind, task.source, task.state) == ("weights", row.id, "running"):
                return task.id
        return self._start_data_task("weights", row.id, f"Fetching {row.title}'s weights")

    def _start_data_task(self, kind: str, source: str, title: str, name: str | None = None) -> str:
        return self._started_workers().data_tasks.start(kind, source, title, name)

    def data_tasks(self) -> list[DataTask]:
        """Those of this process, oldest first."""
        return self._workers.data_tasks.all() if self._workers is not None else []

    # Questions

    def net(self, net_id: str) -> TrainedNet:
        """The trained network of a run's id or of "imagenet:resnet-50", with its newest weights.

        Raises JobError when it has no weights yet, StoreError when there is no such run.
        """
        return find_net(self.store, net_id)

    def nets(self, net_ids: Iterable[str]) -> list[TrainedNet]:
        """As `net`, for several."""
        return [self.net(net_id) for net_id in net_ids]

    def ask(self, question: str, *args: Any, nets: Sequence[TrainedNet] = (), timeout: float = 60.0) -> Any:
        """The answer to a question of ``inference_worker.QUESTIONS``; a list where it comes in parts.

        ``nets``: the trained networks that it is about, as `net` gives them. The answer is about these very weights:
        raises NewerWeightsError when they have been replaced since, and JobError, with a sentence, when there is no
        answer.
        """
        parts = list(self._stream(question, args, nets, timeout))
        return parts[0].value if len(parts) == 1 and isinstance(parts[0], Whole) else parts

    def ask_each(
        self, question: str, *args: Any, nets: Sequence[TrainedNet] = (), timeout: float = 60.0
    ) -> Iterator[Any]:
        """The parts of an answer as they are ready; ``timeout`` seconds are allowed for each."""
        for part in self._stream(question, args, nets, timeout):
            yield part.value if isinstance(part, Whole) else part

    def measure_step0(self, spec: NetSpec, dataset: str, batch_size: int, seed: int) -> Step0Result:
        """Signal and gradient of a design before its first update, on a batch of a dataset's training pictures."""
        result: Step0Result = self.ask("step0", spec, dataset, self.home, batch_size, seed)
        return result

    def compare_same_weights(self, net: TrainedNet, dataset: str) -> list[SameWeights]:
        """Test error of a network's weights with its skips as trained, without any, and with all of them."""
        variants: list[SameWeights] = self.ask("same_weights", dataset, self.home, nets=[net])
        return variants

    def estimate(
        self,
        spec: NetSpec,
        recipe: Recipe,
        n_train: int = 50_000,
        n_test: int = 10_000,
        timeout: float = 60.0,
        together: int = 1,
        on_wait: Callable[[], None] | None = None,
    ) -> Estimate:
        """What training would cost here, by some seconds of it; one of ``together`` that share the cores. What else
        runs is not counted, see :mod:`resnet_core.training.estimate`. Raises JobError when it cannot be measured.

        ``on_wait``: in place of the service's, for this call.
        """
        workers = self._started_workers()
        threads = self._threads_per_run or workers.resources.threads(together)
        return workers.estimate(
            spec, recipe, n_train, n_test, threads=threads, timeout=timeout, on_wait=on_wait or self.on_wait
        )

    def _stream(
        self, question: str, args: tuple[Any, ...], nets: Sequence[TrainedNet], timeout: float
    ) -> Iterator[Any]:
        return self._started_workers().ask(question, args, nets, timeout, self.on_wait)

    def _started_workers(self) -> "Workers":
        """Those that run now; waits a while for a start. Raises JobError when there are none."""
        if not self._started.wait(WAIT_FOR_START_S) or self._workers is None:
            raise JobError(self._problem or "The lab is still getting ready: try again in a few seconds.")
        return self._workers


_services: dict[Path, Service] = {}
_services_lock = threading.Lock()


def connect(home: Path) -> Service:
    """The service of this process for ``home``, made on first use; whoever owns the process starts and stops it."""
    with _services_lock:
        key = Path(home).resolve()
        if key not in _services:
            _services[key] = Service(key)
        return _services[key]
