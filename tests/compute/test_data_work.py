"""Long work on data, as a worker does it."""

import numpy as np
import pytest

from resnet_core.compute import data_work
from resnet_core.compute.data_work import DataDone, DataProgress, data_task
from resnet_core.compute.failures import Failure
from resnet_core.data import limits, shapes10
from resnet_core.data.catalog import load_dataset


@pytest.fixture(autouse=True)
def usual_priority(monkeypatch):
    monkeypatch.setattr(data_work, "lower_priority", lambda: None)


def test_data_work_tells_its_end(home, tmp_path):
    bad = tmp_path / "bad.npz"
    bad.write_bytes(b"no npz")
    *_, last = data_task("import", str(bad), home)
    assert isinstance(last, Failure) and last.details == "" and bad.exists()


def test_an_upload_is_removed_whatever_became_of_it(home):
    folder = home / "uploads" / "upload-1"
    folder.mkdir(parents=True)
    (folder / "bad.npz").write_bytes(b"no npz")
    *_, last = data_task("import", str(folder / "bad.npz"), home)
    assert isinstance(last, Failure)
    assert list((home / "uploads").iterdir()) == []


def test_an_import_becomes_a_dataset(home, tmp_path):
    rng = np.random.default_rng(0)
    arrays = {f"x_{part}": rng.integers(0, 256, (20, 32, 32, 3), np.uint8) for part in ("train", "test")}
    arrays |= {f"y_{part}": np.arange(20) % 2 for part in ("train", "test")}
    np.savez(tmp_path / "mine.npz", **arrays)
    *said, last = data_task("import", str(tmp_path / "mine.npz"), home, "mine")
    assert isinstance(last, DataDone) and all(isinstance(item, DataProgress) for item in said)
    assert load_dataset(last.dataset.name, home).num_classes == 2


def test_the_first_pictures_wait_for_room_on_the_disk(home, monkeypatch):
    free = [20_000_000]
    monkeypatch.setattr(shapes10, "N_TRAIN", 600)
    monkeypatch.setattr(shapes10, "N_TEST", 60)
    monkeypatch.setattr(limits, "_free_disk", lambda _folder: free[0])
    monkeypatch.setattr(limits, "DISK_RESERVE", 19_000_000)
    monkeypatch.setattr(data_work, "TRY_AGAIN_S", 0.01)
    items = data_task("dataset", "shapes-10", home)
    first = next(items)
    assert isinstance(first, DataProgress)
    assert first.message.startswith("Drawing Shapes-10 takes 2.1 MB of disk. Only 1.0 MB can be used")
    assert first.message.endswith("It goes on by itself once there is room.")
    free[0] = 30_000_000
    *_, last = items
    assert isinstance(last, DataDone) and last.dataset.ready
