import io
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from resnet_core.data import limits, npz
from resnet_core.data.npz import read_npz
from resnet_core.data.pictures import to_network
from resnet_core.errors import DataError


@pytest.fixture
def read(tmp_path):
    target = tmp_path / "target"
    target.mkdir()

    def read(path):
        result = read_npz(path, target, lambda what, fraction: None)
        return result, np.load(target / "x_train.npy"), np.load(target / "x_test.npy")

    return read


def bytes_of(shape):
    return np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)


def test_bytes_come_through_unchanged(read, save_npz):
    path = save_npz(classes=np.array(["cat", "dog"]))
    result, train, test = read(path)
    with np.load(path) as arrays:
        np.testing.assert_array_equal(train, arrays["x_train"])
        np.testing.assert_array_equal(test, arrays["x_test"])
        np.testing.assert_array_equal(result.y_train, arrays["y_train"])
    assert result.classes == ("cat", "dog") and result.y_train.dtype == np.int64


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.transpose(0, 3, 1, 2),
        lambda x: np.ascontiguousarray(x.transpose(0, 3, 1, 2)),
        lambda x: x.astype(np.int64),
        lambda x: x.astype(np.float32) / 255,
        lambda x: x.astype(np.float64) / 255,
        np.asfortranarray,
    ],
)
def test_layouts_and_types_that_mean_the_same_picture(read, save_npz, change):
    x = bytes_of((12, 32, 32, 3))
    np.testing.assert_array_equal(read(save_npz(x_train=change(x)))[1], x)


@pytest.mark.parametrize("shape", [(12, 28, 28), (12, 28, 28, 1), (12, 1, 28, 28)])
def test_gray_pictures_of_another_size(read, save_npz, shape):
    x = bytes_of(shape)
    train = read(save_npz(x_train=x))[1]
    assert train.shape == (12, 32, 32, 3)
    np.testing.assert_array_equal(train[5], to_network(np.repeat(x[5].reshape(28, 28, 1), 3, axis=2)))


def test_pieces_join_without_a_seam(read, save_npz, monkeypatch):
    x = bytes_of((12, 32, 32, 3))
    monkeypatch.setattr(npz, "_CHUNK_BYTES", 5 * 32 * 32 * 3)
    np.testing.assert_array_equal(read(save_npz(x_train=x))[1], x)


def test_labels_in_a_column_and_compressed_files(read, save_npz, tmp_path):
    assert read(save_npz(y_train=(np.arange(12) % 2)[:, None].astype(np.uint8)))[0].y_train.shape == (12,)
    with np.load(save_npz()) as arrays:
        np.savez_compressed(tmp_path / "small.npz", **arrays)
    assert len(read(tmp_path / "small.npz")[1]) == 12


@pytest.mark.parametrize("names", [np.array([b"cat", b"dog"]), np.array(["cat", "dog"]), None])
def test_class_names(read, save_npz, names):
    assert read(save_npz(classes=names))[0].classes == (("0", "1") if names is None else ("cat", "dog"))


Y = np.arange(12) % 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"x_train": bytes_of((12, 3072))}, r"\(12, 3072\)"),
        ({"x_train": bytes_of((12, 32, 32, 4))}, r"\(12, 32, 32, 4\)"),
        ({"x_train": bytes_of((12, 3, 32, 3))}, r"\(12, 3, 32, 3\)"),  # which of the two are the channels?
        ({"x_train": bytes_of((12, 0, 32, 3))}, r"\(12, 0, 32, 3\)"),
        ({"x_train": bytes_of((12, 1, 9000, 3))}, "9000"),
        ({"x_train": bytes_of((11, 32, 32, 3))}, "11 pictures"),
        ({"x_train": bytes_of((12, 32, 32, 3)).astype(np.float32)}, "between 0 and 1"),
        ({"x_train": np.full((12, 32, 32, 3), np.nan)}, "between 0 and 1"),
        ({"x_train": np.full((12, 32, 32, 3), -1)}, "-1"),
        ({"x_train": np.full((12, 32, 32, 3), 256)}, "256"),
        ({"x_train": np.zeros((12, 32, 32, 3), bool)}, "bool"),
        ({"x_train": np.zeros((12, 32, 32, 3), complex)}, "complex"),
        ({"y_train": np.eye(2)[Y]}, "whole numbers"),
        ({"y_train": Y.astype(float)}, "whole numbers"),
        ({"y_train": Y - 1}, "-1"),
        ({"y_train": Y * 5000}, "5000"),
        ({"y_train": np.array(0)}, "whole numbers"),
        ({"y_train": Y * 0, "y_test": np.zeros(4, int)}, "one class"),
        ({"y_train": Y * 2}, "'1' has 0 training"),
        ({"y_train": Y * 0 + (np.arange(12) == 0)}, "'1' has 1 training"),
        ({"y_test": np.zeros(4, int)}, "'1' has 0 test"),
        ({"x_train": bytes_of((0, 32, 32, 3)), "y_train": np.array([], int)}, "empty"),
        ({"classes": np.array(["cat"])}, "1 classes"),
        ({"classes": np.array(["cat", "dog", "emu"])}, "'emu'"),
        ({"classes": np.array(["cat", "cat"])}, "'cat'"),
        ({"classes": np.array([1.0, 2.0])}, "names"),
        ({"x_test": None}, "x_test"),
    ],
)
def test_what_is_no_dataset_is_refused(read, save_npz, changes, words):
    with pytest.raises(DataError, match=words):
        read(save_npz(**changes))


class Bomb:
    def __reduce__(self):
        return pytest.fail, ("unpickled",)


@pytest.mark.parametrize("key", ["x_train", "y_train", "x_test", "classes"])
def test_pickled_objects_are_never_loaded(read, save_npz, key):
    objects = np.empty(12, dtype=object)
    objects[:] = [Bomb()] * 12
    with pytest.raises(DataError, match="pickled"):
        read(save_npz(**{key: objects}))


def replace_member(path: Path, name: str, content: bytes) -> Path:
    """The .npz with one member replaced by these bytes."""
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()} | {name: content}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in members.items():
            archive.writestr(member, data)
    return path


def npy(header: str, content: bytes = b"", version: int = 1) -> bytes:
    padded = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + len(padded).to_bytes(2, "little") + padded + content


@pytest.mark.parametrize(
    "content",
    [
        b"no array",
        npy("{'descr': '|u1', 'fortran_order': False, 'shape': (12, 32, 32, 3)}", bytes(1000)),  # cut off
        npy("{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999, 32, 32, 3)}"),
        npy("{'descr': '|u1', 'fortran_order': False, 'shape': (-12, 32, 32, 3)}"),
        npy("__import__('os')"),
        npy("{'descr': '|u1', 'fortran_order': False, 'shape': (12, " + "9" * 5000 + ")}"),
        npy("{'descr': '|u1', 'fortran_order': False, 'shape': (12, 32, 32, " + "9" * 40 + ")}"),
        npy("{'descr': '|u1', 'fortran_order': False, 'shape': (" + "1, " * 2000 + ")}"),
        npy("(" * 5000),
        npy("'" * 3 + "{"),
        npy("{'descr': [('a', '|u1', (12, 32, 32, 3))], 'fortran_order': False, 'shape': (12,)}", bytes(40_000)),
        npy("{'descr': '|V9', 'fortran_order': False, 'shape': (12, 32, 32, 3)}", bytes(9 * 12 * 3072)),
        b"\x93NUMPY\x01\x00\x00\x00",
        b"\x93NUMPY\x02\x00\xf0\xff\xff\xff" + bytes(100),
        b"\x93NUMPY\x09\x09"
        + npy("{'descr': '|u1', 'fortran_order': False, 'shape': (12, 32, 32, 3)}", bytes(36864))[8:],
    ],
)
def test_arrays_that_lie_are_refused(read, save_npz, tmp_path, content):
    with pytest.raises(DataError, match="x_train") as caught:
        read(replace_member(save_npz(), "x_train.npy", content))
    assert len(str(caught.value)) < 250 and str(caught.value).isprintable()


def test_file_that_is_no_npz_is_refused(read, tmp_path):
    path = tmp_path / "text.npz"
    path.write_text("no arrays")
    with pytest.raises(DataError, match=r"text\.npz"):
        read(path)
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    path.write_bytes(buffer.getvalue())  # an .npy under the name of an .npz
    with pytest.raises(DataError):
        read(path)


def peak_memory(work) -> int:
    """Bytes that were in use at once, arrays included; the DataError that ends it is expected or not."""
    tracemalloc.start()
    try:
        work()
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return peak


# A million tiny pictures are few bytes and become three gigabytes.
@pytest.mark.parametrize("shape", [(20_000, 32, 32, 3), (12_000, 1, 1)])
def test_large_file_is_read_in_pieces(read, save_npz, shape):
    path = save_npz(x_train=np.zeros(shape, np.uint8), y_train=np.arange(shape[0]) % 2)  # 61 and 37 MB as they come out
    target = path.parent / "target"
    assert peak_memory(lambda: read_npz(path, target, lambda what, fraction: None)) < 40e6


def refusal(read, path) -> str:
    """The sentence that refuses the file; nothing of its size may have been read before."""
    said = []

    def work():
        with pytest.raises(DataError) as caught:
            read(path)
        said.append(str(caught.value))

    assert peak_memory(work) < 2e6
    return said[0]


def test_labels_and_pictures_are_counted_before_they_are_read(read, save_npz, tmp_path, free_bytes):
    n = 4_000_000
    labels = save_npz("labels.npz", y_train=np.zeros(n, np.int64))
    assert "12 pictures but there are 4,000,000 labels" in refusal(read, labels)
    both = save_npz("both.npz", y_train=np.zeros(n, np.int8), x_train=np.zeros((n, 1, 1), np.uint8))
    free_bytes(memory=10 << 30)
    assert "4,000,004 pictures, which a training holds at once, take 12.3 GB of memory. 10.7 GB" in refusal(read, both)
    free_bytes(memory=100 << 30, disk=5_000_000_000)
    assert "4,000,004 pictures take 12.3 GB of disk. Only 5.0 GB can be used" in refusal(read, both)
    assert not list((tmp_path / "target").iterdir())


def test_computing_time_is_counted_before_it_is_spent(read, save_npz, free_bytes, monkeypatch):
    path = save_npz(x_train=np.zeros((100_000, 2, 2), np.uint8), y_train=np.arange(100_000) % 2)
    monkeypatch.setattr(limits, "CPU_SECONDS", 2)
    monkeypatch.setattr(limits, "process_time", lambda: 0.0)
    assert "100,004 pictures of this size takes about 3 seconds of computing; an import may take 2" in refusal(
        read, path
    )


def test_fortran_order_is_read_only_where_memory_holds_it(read, save_npz, free_bytes):
    path = save_npz(x_train=np.zeros((12, 32, 32, 3), order="F"))
    free_bytes(memory=500_000)
    assert "x_train, in Fortran order and so read at once, takes 295 kB" in refusal(read, path)
    free_bytes(memory=1_000_000)
    assert len(read(path)[1]) == 12


def test_a_picture_that_alone_fills_the_memory_is_refused(read, save_npz, free_bytes):
    path = save_npz(x_train=np.zeros((12, 500, 500), np.uint8))
    free_bytes(memory=1_000_000)
    assert "A single picture of x_train takes 1.0 MB of memory" in refusal(read, path)


@pytest.mark.parametrize("key", ["x_train", "y_train", "classes"])
def test_a_header_is_no_longer_than_headers_are(read, save_npz, key):
    bomb = b"\x93NUMPY\x02\x00" + (1 << 31).to_bytes(4, "little") + b" " * 20_000_000
    path = replace_member(save_npz(classes=np.array(["cat", "dog"])), f"{key}.npy", bomb)
    assert f"{key} is not an array that can be read" in refusal(read, path)


def text(*points: int, order: str = "<") -> np.ndarray:
    """Names of one character each, by their code points, whether these exist or not."""
    native = np.array(points, np.uint32).astype(f"{order}u4")
    return native.view(f"{order}U1")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (text(0x63, 0xD800), "class 1 is no text"),  # half of a pair
        (text(0x63, 0x110000), "class 1 is no text"),  # beyond Unicode
        (text(0xFFFFFFFF, 0x63), "class 0 is no text"),
        (text(0x63, 0x0A), "no text"),
        (np.array(["", ""]), "'' cannot be used"),
        (np.array([b"", b""]), "'' cannot be used"),
        (np.array(["a" * 201, "b"]), "201 characters"),
        (np.array(["a" * 300_000, "b"] * 10), "24.0 MB: names of up to 200"),
        (np.array(["a"] * 1001), "1,001 classes"),
        (np.array([["a", "b"]]), "names"),
    ],
)
def test_class_names_that_cannot_be_kept_are_refused(read, save_npz, names, words):
    with pytest.raises(DataError, match=words) as caught:
        read(save_npz(classes=names))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("order", ["<", ">"])
def test_class_names_of_either_byte_order_and_in_bytes(read, save_npz, order):
    assert read(save_npz(classes=text(0x732B, 0x1F408, order=order)))[0].classes == ("猫", "🐈")
    names = np.array(["café".encode(), "café".encode("latin-1")])
    assert read(save_npz(classes=names))[0].classes == ("café", "caf�")
