import io
import tracemalloc
import zipfile

import numpy as np
import pytest

from resnet_core.data import npz
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
    monkeypatch.setattr(npz, "_AT_ONCE", 5 * 32 * 32 * 3)
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


def npy(header: str, content: bytes = b"") -> bytes:
    padded = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded + content


@pytest.mark.parametrize(
    "content",
    [
        b"no array",
        npy("{'descr': '|u1', 'fortran_order': False, 'shape': (12, 32, 32, 3)}", bytes(1000)),  # cut off
        npy("{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999, 32, 32, 3)}"),
        npy("{'descr': '|u1', 'fortran_order': False, 'shape': (-12, 32, 32, 3)}"),
        npy("__import__('os')"),
    ],
)
def test_arrays_that_lie_are_refused(read, save_npz, tmp_path, content):
    with zipfile.ZipFile(save_npz()) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["x_train.npy"] = content
    path = tmp_path / "lie.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.raises(DataError, match="x_train"):
        read(path)


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


def test_large_file_is_read_in_pieces(read, save_npz):
    x = np.zeros((20_000, 32, 32, 3), np.uint8)  # 61 MB
    path = save_npz(x_train=x, y_train=np.arange(20_000) % 2)
    del x
    target = path.parent / "target"
    tracemalloc.start()
    read_npz(path, target, lambda what, fraction: None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40e6
