"""All that runs on Ray for one home: trainings, inference workers, long work on data. No torch.

Imports Ray: :class:`resnet_core.compute.service.Service` imports this module only when Ray's settings are made.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import ray
from ray.exceptions import RayError

from resnet_core.compute import cluster
from resnet_core.compute.cluster import Resources
from resnet_core.compute.data_tasks import DataTasks
from resnet_core.compute.failures import Failure
from resnet_core.compute.inference_client import TICK_S, InferenceClient, OnWait
from resnet_core.compute.supervisor import Supervisor
from resnet_core.errors import JobError
from resnet_core.networks.spec import NetSpec
from resnet_core.runs.store import RunStore
from resnet_core.trained.net import TrainedNet
from resnet_core.training.estimate_result import Estimate
from resnet_core.training.recipe import Recipe

ESTIMATES_AT_ONCE = 2  # each imports torch in a process and computes for seconds
LARGE_S = 300.0  # patience with large networks: a map of VGG-19 may take two minutes


class Workers:
    """Lives as long as the Ray it was started on."""

    def __init__(self, store: RunStore, resources: Resources, *, threads_per_run: int | None, trainer: str) -> None:
        self.resources = resources
        self.supervisor = Supervisor(store, resources, threads_per_run=threads_per_run, trainer=trainer)
        self.data_tasks = DataTasks(store.home)
        self._store = store
        self._inference = InferenceClient(store)
        self._large_inference: InferenceClient | None = None  # started when first asked
        self._large_lock = threading.Lock()
        self._estimating = threading.BoundedSemaphore(ESTIMATES_AT_ONCE)
        self.supervisor.start()

    def warm_up(self) -> str:
        """Have trainings' workers and the inference worker import torch; returns what they compute on, for people."""
        device = cluster.warm_up(self.resources)
        self._inference.wait_until_ready()
        return device

    def ask(
        self, question: str, args: Sequence[Any], nets: Sequence[TrainedNet], timeout: float, on_wait: OnWait
    ) -> Iterator[Any]:
        """See `InferenceClient.ask`. Large networks have a worker of their own and more time, lest everybody else
        waits while one of them is explained.
        """
        if not any(net.is_large for net in nets):
            return self._inference.ask(question, args, nets, timeout, on_wait)
        with self._large_lock:
            if self._large_inference is None:
                self._large_inference = InferenceClient(self._store, name="large-inference", stuck_s=LARGE_S)
        return self._large_inference.ask(question, args, nets, max(timeout, LARGE_S), on_wait)

    def estimate(
        self,
        spec: NetSpec,
        recipe: Recipe,
        n_train: int,
        n_test: int,
        *,
        threads: int,
        timeout: float,
        on_wait: OnWait = lambda: None,
    ) -> Estimate:
        """Measure a few steps where trainings run, with as many ``threads``, beside those that do; ESTIMATES_AT_ONCE
        at the same time, the others wait.

        Raises JobError when it cannot be measured within ``timeout`` seconds. What ``on_wait`` raises
        ends the measurement.
        """
        deadline = time.monotonic() + timeout
        while not self._estimating.acquire(timeout=TICK_S):
            _keep_waiting(deadline, on_wait)
        try:
            task = cluster.start_estimate(spec, recipe, n_train, n_test, self.resources, threads)
            try:
                while not ray.wait([task], timeout=TICK_S)[0]:
                    _keep_waiting(deadline, on_wait)
                found = ray.get(task)
            except BaseException:
                ray.cancel(task)
                raise
        except RayError as error:
            raise JobError(_NOT_MEASURED.format(type(error).__name__)) from error
        finally:
            self._estimating.release()
        if isinstance(found, Failure):
            raise JobError(found.sentence)
        return found


def _keep_waiting(deadline: float, on_wait: OnWait) -> None:
    on_wait()
    if time.monotonic() > deadline:
        raise JobError(_NOT_MEASURED.format("no answer in time"))


_NOT_MEASURED = "The cost could not be measured ({}): try again in a moment."
