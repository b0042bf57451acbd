"""What the service shows to pages: the machine, long work on data, and what a training will cost. No Ray. No torch."""

from dataclasses import dataclass

from resnet_core.data.dataset import DatasetInfo


@dataclass(frozen=True)
class Machine:
    text: str  # what computes: "CPU, 2 cores", "NVIDIA H200"; "" until it is known
    n_running: int
    n_waiting: int
    ready: bool  # whether workers are up and warm; what is queued before waits
    problem: str  # a sentence while something keeps trainings from going on; else ""


@dataclass(frozen=True)
class DataTask:
    """A download, a generation or an import of a dataset; or a download of a network's weights."""

    id: str
    title: str
    state: str = "running"  # "running", "done" or "failed"
    fraction: float = 0.0  # 0 to 1
    message: str = "Starting"  # what is happening
    error: str = ""  # a sentence when it failed
    dataset: DatasetInfo | None = None  # what came of it
    source: str = ""  # what was asked for, as `Service.start_data_task` takes it
