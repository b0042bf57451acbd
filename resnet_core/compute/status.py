"""What the service tells pages about the machine and about long work on data. No torch."""

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
    """Long work on data: see `data_work.data_task` for its kinds and sources."""

    id: str
    title: str
    state: str = "running"  # "running", "done" or "failed"
    fraction: float = 0.0  # 0 to 1
    message: str = "Starting"  # what is happening
    error: str = ""  # a sentence when it failed
    dataset: DatasetInfo | None = None  # what came of it
    source: str = ""
    kind: str = "dataset"
