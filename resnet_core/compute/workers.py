"""All that runs on Ray for one home: trainings, inference workers, long work on data. No torch.

Imports Ray: :class:`resnet_core.compute.service.Service` imports this module only when Ray's settings are made.
"""

import threading
from collections.abc import Iterator, Sequence
from typing import Any

from resnet_core.compute import cluster
from resnet_core.compute.cluster import Resources
from resnet_core.compute.data_tasks import DataTasks
from resnet_core.compute.inference_client import InferenceClient
from resnet_core.compute.supervisor import Supervisor
from resnet_core.runs.store import RunStore
from resnet_core.trained.net import TrainedNet

LARGE_S = 300.0  # patience with large networks: a map of VGG-19 may take two minutes


class Workers:
    """Lives as long as the Ray it was started on."""

    def __init__(self, store: RunStore, resources: Resources, *, threads_per_run: int | None, trainer: str) -> None:
        self.resources = resources
        self.supervisor = Supervisor(store, resources, threads_per_run=threads_per_run, trainer=trainer)
        self.supervisor.start()
        self.data_tasks = DataTasks(store.home)
        self._store = store
        self._inference = InferenceClient(store)
        self._large_inference: InferenceClient | None = None  # started when first asked
        self._large_lock = threading.Lock()

    def warm_up(self) -> str:
        """Have trainings' workers and the inference worker import torch; returns what they compute on, for people."""
        device = cluster.warm_up(self.resources)
        self._inference.wait_until_ready()
        return device

    def ask(self, question: str, args: Sequence[Any], nets: Sequence[TrainedNet], timeout: float) -> Iterator[Any]:
        """See `InferenceClient.ask`. Large networks have a worker of their own and more time, lest everybody else waits
        while one of them is explained.
        """
        if not any(net.is_large for net in nets):
            return self._inference.ask(question, args, nets, timeout)
        with self._large_lock:
            if self._large_inference is None:
                self._large_inference = InferenceClient(self._store, name="large-inference", stuck_s=LARGE_S)
        return self._large_inference.ask(question, args, nets, max(timeout, LARGE_S))
