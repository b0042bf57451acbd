import errno
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from resnet_core.data import storage
from resnet_core.errors import DataError

CLASSES = ("a", "b")


def store(home, name="set", fill=0, **more):
    with storage.new_folder(home) as folder:
        with storage.ImageFile(folder, "x_train") as images:
            for value in range(3):
                images.append(np.full((2, 32, 32, 3), value + fill, np.uint8))
        storage.save_array(folder, "y_train", np.array([0, 1, 0, 1, 0, 1]))
        storage.save_array(folder, "x_test", np.zeros((2, 32, 32, 3), np.uint8))
        storage.save_array(folder, "y_test", np.array([0, 1]))
        return storage.commit(folder, home, name=name, title="A set", classes=CLASSES, source="test", **more)


def contents(home):
    return sorted(path.name for path in storage.datasets_folder(home).iterdir())


def test_what_is_written_is_read_back_mapped_and_read_only(home):
    info = store(home)
    dataset = storage.read_dataset(home, "set")
    assert (info.n_train, info.n_test, info.classes, info.ready) == (6, 2, CLASSES, True)
    assert info.bytes > 8 * 32 * 32 * 3
    assert dataset.x_train.shape == (6, 32, 32, 3)
    assert [int(image[0, 0, 0]) for image in dataset.x_train] == [0, 0, 1, 1, 2, 2]
    assert isinstance(dataset.x_train, np.memmap) and not dataset.x_train.flags.writeable
    assert dataset.fingerprint == info.fingerprint
    assert contents(home) == ["set"]


def test_pictures_of_each_class_are_counted_and_may_be_unknown(home):
    assert (store(home).train_counts, storage.stored_info(home, "set").test_counts) == ((3, 3), (1, 1))
    path = storage.dataset_folder(home, "set") / "meta.json"  # as an older version wrote it
    path.write_text(json.dumps({k: v for k, v in json.loads(path.read_text()).items() if "counts" not in k}))
    info = storage.stored_info(home, "set")
    assert (info.n_train, info.train_counts, info.imbalance) == (6, (), "")


def test_fingerprint_tells_content_not_names(home):
    first = store(home, "one")
    assert store(home, "two").fingerprint == first.fingerprint
    assert store(home, "three", fill=1).fingerprint != first.fingerprint
    arrays = storage.read_dataset(home, "one")
    parts = (arrays.x_train, arrays.y_train, arrays.x_test, arrays.y_test)
    assert storage.fingerprint_of(CLASSES, *parts) == first.fingerprint
    assert storage.fingerprint_of(("a", "c"), *parts) != first.fingerprint


def test_failure_while_writing_leaves_nothing(home):
    with pytest.raises(KeyError), storage.new_folder(home) as folder:
        storage.save_array(folder, "x_train", np.zeros(3))
        raise KeyError
    assert contents(home) == []


def test_full_disk_is_a_sentence(home):
    with pytest.raises(DataError, match="full"), storage.new_folder(home):
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no disk that is always full")
@pytest.mark.parametrize("write", ["save_array", "ImageFile"])
def test_writing_on_a_full_disk_is_a_sentence_and_leaves_nothing(home, write):
    """numpy's own words are "Not enough free space to write 30720000 bytes after offset 128"."""
    images = np.zeros((100, 32, 32, 3), np.uint8)
    words = r"disk is full\. Only .* can be used on the disk of .* deleting datasets or runs"
    with pytest.raises(DataError, match=words), storage.new_folder(home) as folder:
        (folder / "x_train.npy").symlink_to("/dev/full")
        if write == "save_array":
            storage.save_array(folder, "x_train", images)
        else:
            with storage.ImageFile(folder, "x_train") as file:
                file.append(images)
    assert contents(home) == []


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EIO])
def test_disk_that_cannot_be_written_is_a_sentence(home, number):
    with pytest.raises(DataError, match="cannot write"), storage.new_folder(home):
        raise OSError(number, "Not today")


def test_other_errors_stay_what_they_are(home):
    with pytest.raises(FileNotFoundError), storage.new_folder(home):
        (home / "missing").read_bytes()


def test_what_a_killed_process_left_goes_with_the_next_dataset(home):
    code = (
        "import os, sys; from pathlib import Path; from resnet_core.data import storage\n"
        "with storage.new_folder(Path(sys.argv[1])) as folder: (folder / 'x').touch(); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, home], check=False)
    assert len(contents(home)) == 1
    store(home)
    assert contents(home) == ["set"]


def test_home_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(DataError), storage.new_folder(tmp_path / "file"):
        pass


def test_same_name_same_content_stays_and_other_content_is_refused(home):
    first = store(home)
    assert store(home) == first
    with pytest.raises(DataError, match="already"):
        store(home, fill=1)
    assert contents(home) == ["set"]
    assert storage.read_dataset(home, "set").fingerprint == first.fingerprint


@pytest.mark.parametrize("name", ["../x", "", ".new-x", "a/b", "A", "x" * 61, "/etc"])
def test_names_that_are_paths_are_refused(home, name):
    with pytest.raises(DataError):
        storage.read_dataset(home, name)


def test_removed_dataset_can_be_read_by_who_has_it(home):
    store(home)
    dataset = storage.read_dataset(home, "set")
    assert storage.remove_dataset(home, "set")
    assert int(dataset.x_train[5, 0, 0, 0]) == 2
    assert contents(home) == [] and not storage.remove_dataset(home, "set")
    assert storage.read_dataset(home, "set") is None


def test_find_by_fingerprint_or_origin(home):
    info = store(home, origin="abc")
    assert storage.find_stored(home, fingerprint=info.fingerprint) == info
    assert storage.find_stored(home, origin="abc").name == "set"
    assert storage.find_stored(home, origin="abd") is None


@pytest.mark.parametrize("damage", ["{", "{}", "[]", "null", '{"classes": 7}'])
def test_damaged_meta_is_a_sentence_and_does_not_hide_the_others(home, damage):
    store(home)
    store(home, "other", fill=1)
    (storage.dataset_folder(home, "set") / "meta.json").write_text(damage)
    with pytest.raises(DataError, match="damaged"):
        storage.read_dataset(home, "set")
    assert [info.name for info in storage.stored_infos(home)] == ["other"]


def test_damaged_arrays_are_a_sentence(home):
    store(home)
    path = storage.dataset_folder(home, "set") / "x_train.npy"
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(DataError, match="damaged"):
        storage.read_dataset(home, "set")


def test_meta_holds_no_path_of_this_machine(home):
    store(home)
    assert str(home) not in json.dumps((storage.dataset_folder(home, "set") / "meta.json").read_text())
