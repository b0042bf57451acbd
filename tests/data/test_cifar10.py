import hashlib
import io
import os
import pickle
import socket
import struct
import subprocess
import sys
import tarfile
from pathlib import Path
from types import FunctionType

import numpy as np
import pytest

from resnet_core.data import cifar10, download, storage
from resnet_core.data.catalog import catalog, load_dataset
from resnet_core.data.download import Checksum, downloads_folder
from resnet_core.data.importing import import_dataset
from resnet_core.errors import DataError

REAL = os.environ.get("SKIP_EXPLORER_CIFAR10_NPZ")


class OriginalPickler(pickle._Pickler):
    """Writes as Python 2 and NumPy of 2009 did, in which the published batches were made: bytes are texts, and NumPy's
    modules have their old names."""

    dispatch = dict(pickle._Pickler.dispatch)  # noqa: RUF012

    def save_bytes(self, value: bytes) -> None:
        self.write(pickle.BINSTRING + struct.pack("<i", len(value)) + value)
        self.memoize(value)

    dispatch[bytes] = save_bytes

    def save_global(self, value: object, name: str | None = None) -> None:
        module = getattr(value, "__module__", "numpy").replace("numpy._core", "numpy.core")
        self.write(pickle.GLOBAL + f"{module}\n{value.__name__}\n".encode())
        self.memoize(value)

    dispatch[type] = dispatch[FunctionType] = save_global


def as_published(value: object) -> bytes:
    file = io.BytesIO()
    OriginalPickler(file, protocol=2).dump(value)
    return file.getvalue()


def batch(n: int, seed: int) -> tuple[np.ndarray, list[int]]:
    return np.random.default_rng(seed).integers(0, 256, (n, 3072), dtype=np.uint8), [i % 10 for i in range(n)]


BATCHES = {f"data_batch_{k}": batch(10, k) for k in (4, 1, 2, 3, 5)} | {"test_batch": batch(20, 9)}
FILES = {
    "batches.meta": as_published({b"label_names": [name.encode() for name in cifar10.CLASSES]}),
    **{name: as_published({b"data": data, b"labels": labels}) for name, (data, labels) in BATCHES.items()},
}


def archive(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


ARCHIVE = archive(FILES)


def publish(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(cifar10, "CHECKSUM", Checksum("md5", hashlib.md5(content).hexdigest()))
    monkeypatch.setattr(cifar10, "ARCHIVE_BYTES", len(content))


@pytest.fixture
def server(file_server, monkeypatch):
    """A small CIFAR-10 on this machine, in place of the real one."""
    file_server.content = ARCHIVE
    publish(monkeypatch, ARCHIVE)
    monkeypatch.setattr(cifar10, "URL", f"{file_server.url}/{cifar10.ARCHIVE}")
    return file_server


def left_behind(home: Path) -> list[str]:
    folder = storage.datasets_folder(home)
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def put_archive(home: Path, content: bytes = ARCHIVE) -> Path:
    path = downloads_folder(home) / "cifar-10-python.tar.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def test_download_becomes_a_dataset_and_leaves_nothing_else(home, server):
    told = []
    info = cifar10.fetch_cifar10(home, lambda what, fraction: told.append(fraction))
    assert (info.name, info.n_train, info.n_test, info.ready) == ("cifar-10", 50, 20, True)
    assert told == sorted(told) and told[0] >= 0 and told[-1] <= 1
    dataset = load_dataset("cifar-10", home)
    wanted = {
        (row.reshape(3, 32, 32).transpose(1, 2, 0).tobytes(), label)
        for name in BATCHES
        if name != "test_batch"
        for row, label in zip(*BATCHES[name], strict=True)
    }
    assert wanted == {(x.tobytes(), y) for x, y in zip(dataset.x_train, dataset.y_train, strict=True)}
    assert dataset.classes == cifar10.CLASSES
    assert left_behind(home) == ["cifar-10"]
    assert catalog(home)[1] == info


def test_any_copy_gives_the_same_order():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (40, 32, 32, 3), dtype=np.uint8), np.arange(40) % 10
    x[5] = x[4]  # two of the same pixels, told apart by their labels
    mixed = rng.permutation(40)
    order, other = cifar10.canonical_order(x, y), cifar10.canonical_order(x[mixed], y[mixed])
    assert sorted(order) == list(range(40))
    np.testing.assert_array_equal(x[order], x[mixed][other])
    np.testing.assert_array_equal(y[order], y[mixed][other])


def test_second_fetch_asks_nobody(home, server):
    first = cifar10.fetch_cifar10(home)
    server.behaviour = "missing"
    assert cifar10.fetch_cifar10(home) == first


@pytest.mark.parametrize("behaviour", ["missing", "cut", "changed"])
def test_failed_download_says_the_way_out_and_leaves_nothing(home, server, behaviour):
    server.behaviour = behaviour
    with pytest.raises(DataError, match=r"cifar-10-python\.tar\.gz into .*downloads.*npz"):
        cifar10.fetch_cifar10(home)
    assert left_behind(home) == []
    server.behaviour = "whole"
    assert cifar10.fetch_cifar10(home).ready


def test_download_that_stands_still_is_given_up(home, server, monkeypatch):
    monkeypatch.setattr(download, "STALLED_S", 0.5)
    server.behaviour = "stuck"
    with pytest.raises(DataError, match="stands still"):
        cifar10.fetch_cifar10(home)
    assert left_behind(home) == []


def test_no_network_says_the_way_out(home, server, monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setattr(cifar10, "URL", f"http://127.0.0.1:{closed.getsockname()[1]}/x.tar.gz")
    with pytest.raises(DataError, match="could not be downloaded"):
        cifar10.fetch_cifar10(home)


def test_archive_put_there_by_hand_is_used_and_stays(home, server):
    server.behaviour = "missing"
    path = put_archive(home)
    assert cifar10.fetch_cifar10(home).n_train == 50
    assert path.read_bytes() == ARCHIVE
    assert left_behind(home) == ["cifar-10"]


def test_wrong_archive_put_there_is_refused_by_name(home, server):
    path = put_archive(home, ARCHIVE[:1000])
    with pytest.raises(DataError, match="checksum"):
        cifar10.fetch_cifar10(home)
    assert path.exists() and left_behind(home) == []


class Harmful:
    def __reduce__(self):
        return (os.system, ("echo harm > harm",))


@pytest.mark.parametrize(
    "changed",
    [
        {"test_batch": pickle.dumps({"data": Harmful(), "labels": [0]})},
        {"test_batch": as_published({b"data": b"no array", b"labels": [0]})},
        {"test_batch": as_published({b"data": BATCHES["test_batch"][0], b"labels": [10] * 20})},
        {"test_batch": as_published({b"data": BATCHES["test_batch"][0], b"labels": [0] * 19})},
        {"test_batch": b"no pickle"},
        {"test_batch": as_published({})},
    ],
)
def test_an_archive_of_something_else_is_refused_and_runs_nothing(home, monkeypatch, tmp_path, changed):
    monkeypatch.chdir(tmp_path)
    content = archive(FILES | changed)
    publish(monkeypatch, content)
    put_archive(home, content)
    with pytest.raises(DataError, match="not CIFAR-10"):
        cifar10.fetch_cifar10(home)
    assert left_behind(home) == [] and not (tmp_path / "harm").exists()


def test_a_missing_batch_is_noticed(home, monkeypatch):
    content = archive({name: data for name, data in FILES.items() if name != "data_batch_3"})
    publish(monkeypatch, content)
    put_archive(home, content)
    with pytest.raises(DataError, match="4 of 5"):
        cifar10.fetch_cifar10(home)


def test_neither_torch_nor_torchvision_is_needed(home, server):
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from resnet_core.data import cifar10\n"
        f"cifar10.URL, cifar10.CHECKSUM = {cifar10.URL!r}, cifar10.{cifar10.CHECKSUM!r}\n"
        f"assert cifar10.fetch_cifar10(Path({str(home)!r})).ready\n"
        "sys.exit(bool({'torch', 'torchvision'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.skipif(REAL is None, reason="SKIP_EXPLORER_CIFAR10_NPZ names no file with the real CIFAR-10")
def test_real_cifar10(home):
    """The real one as .npz: its size, its balance and the channel statistics that everybody uses."""
    info = import_dataset(Path(REAL), home)
    dataset = load_dataset(info.name, home)
    assert (info.n_train, info.n_test, dataset.classes) == (50_000, 10_000, cifar10.CLASSES)
    assert (np.bincount(dataset.y_train) == 5000).all() and (np.bincount(dataset.y_test) == 1000).all()
    assert dataset.mean == pytest.approx((0.4914, 0.4822, 0.4465), abs=1e-4)
    assert dataset.std == pytest.approx((0.2470, 0.2435, 0.2616), abs=1e-4)
