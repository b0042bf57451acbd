"""Long work on data that runs in workers, and how far it is. No torch.

Imports Ray: :class:`resnet_core.compute.service.Service` imports this module only when Ray's settings are made.
"""

import logging
import secrets
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError

from resnet_core.compute.cluster import on_this_node
from resnet_core.compute.data_work import DataDone, DataProgress, data_task
from resnet_core.compute.failures import Failure
from resnet_core.compute.status import DataTask
from resnet_core.data.uploads import remove_upload

log = logging.getLogger(__name__)

KEPT = 20


class DataTasks:
    """The tasks of this process since it started, newest last; one thread listens to each that runs."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._tasks: dict[str, DataTask] = {}
        self._lock = threading.Lock()
        self._remote: Any = ray.remote(num_returns="streaming", max_retries=0, num_cpus=0)(data_task)

    def start(self, kind: str, source: str, title: str, name: str | None = None) -> str:
        """Begin; returns the task's id. See `data_work.data_task`."""
        stream = self._remote.options(**on_this_node()).remote(kind, source, self._home, name)
        task = DataTask(secrets.token_hex(4), title, source=source, kind=kind)
        with self._lock:
            for old in list(self._tasks)[: max(0, len(self._tasks) - KEPT + 1)]:
                if self._tasks[old].state != "running":
                    del self._tasks[old]
            self._tasks[task.id] = task
        threading.Thread(target=self._listen, args=(task.id, stream), daemon=True).start()
        return task.id

    def all(self) -> list[DataTask]:
        """Oldest first."""
        with self._lock:
            return list(self._tasks.values())

    def _listen(self, task_id: str, stream: ray.ObjectRefGenerator) -> None:
        try:
            for ref in stream:
                self._receive(task_id, ray.get(ref))
        except RayError as error:
            log.warning("The worker of data task %s died: %s", task_id, error)
            remove_upload(self._home, Path(self._tasks[task_id].source))
            self._change(task_id, state="failed", error="The process that worked on it died: start it again.")

    def _receive(self, task_id: str, item: DataProgress | DataDone | Failure) -> None:
        match item:
            case DataProgress():
                self._change(task_id, message=item.message, fraction=item.fraction)
            case DataDone():
                self._change(task_id, state="done", message="Done", fraction=1.0, dataset=item.dataset)
            case Failure():
                if item.details:
                    log.error("Data task %s failed: %s", task_id, item.details)
                self._change(task_id, state="failed", error=item.sentence)

    def _change(self, task_id: str, **values: Any) -> None:
        with self._lock:
            self._tasks[task_id] = replace(self._tasks[task_id], **values)
