"""Long work on data in a worker process: downloads, generated datasets, imports, published weights. No torch."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from resnet_core.compute.failures import Failure, describe_failure
from resnet_core.cpu import lower_priority
from resnet_core.data.catalog import catalog, load_dataset
from resnet_core.data.cifar10 import NAME as CIFAR10
from resnet_core.data.cifar10 import fetch_cifar10
from resnet_core.data.dataset import DatasetInfo, Progress
from resnet_core.data.importing import import_dataset
from resnet_core.data.limits import DiskFullError
from resnet_core.data.uploads import remove_upload

REPORT_EVERY_S = 0.2
TRY_AGAIN_S = 5.0


@dataclass(frozen=True)
class DataProgress:
    message: str
    fraction: float  # 0 to 1


@dataclass(frozen=True)
class DataDone:
    dataset: DatasetInfo | None  # None where no dataset was asked for


def data_task(
    kind: str, source: str, home: Path, name: str | None = None
) -> Iterator[DataProgress | DataDone | Failure]:
    """Do the work of a kind, telling how far it is at most five times a second; DataDone or Failure is the last.

    Args:
        kind: "dataset" downloads or generates the one of the catalog that is called ``source``; "import" makes a
            dataset called ``name`` of the folder, .zip or .npz at the path ``source``; "weights" downloads those of the
            published network ``source``.
    """
    lower_priority()
    said: queue.SimpleQueue[DataProgress | DataDone | Failure] = queue.SimpleQueue()

    def report(message: str, fraction: float) -> None:
        said.put(DataProgress(message, fraction))

    def work() -> None:
        try:
            said.put(DataDone(_WORK[kind](source, home, name, report)))
        except Exception as error:  # the border between two processes: nothing may cross it as an exception
            said.put(describe_failure(error))

    threading.Thread(target=work, daemon=True).start()
    reported = 0.0
    while True:
        item = said.get()
        if isinstance(item, DataProgress) and time.monotonic() - reported < REPORT_EVERY_S:
            continue
        reported = time.monotonic()
        yield item
        if not isinstance(item, DataProgress):
            return


def _get_dataset(source: str, home: Path, _name: str | None, progress: Progress) -> DatasetInfo:
    if source == CIFAR10:
        return fetch_cifar10(home, progress)
    _generate(source, home, progress)
    return next(info for info in catalog(home) if info.name == source)


def _generate(name: str, home: Path, progress: Progress) -> None:
    """Draw the pictures of Shapes-10; where the disk has no room for them, as soon as it has."""
    while True:
        try:
            load_dataset(name, home, progress)
            return
        except DiskFullError as error:
            progress(f"{error} It goes on by itself once there is room.", 0.0)
            time.sleep(TRY_AGAIN_S)


def _import(source: str, home: Path, name: str | None, progress: Progress) -> DatasetInfo:
    path = Path(source)
    try:
        return import_dataset(path, home, name=name, progress=progress)
    finally:
        remove_upload(home, path)


def _get_weights(source: str, home: Path, _name: str | None, progress: Progress) -> None:
    from resnet_core.trained.imagenet_weights import fetch_weights  # imports torch

    fetch_weights(home, source, progress)


_WORK: dict[str, Callable[[str, Path, str | None, Progress], DatasetInfo | None]] = {
    "dataset": _get_dataset,
    "import": _import,
    "weights": _get_weights,
}
