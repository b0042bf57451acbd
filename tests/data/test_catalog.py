import numpy as np
import pytest

from resnet_core.data import shapes10, storage
from resnet_core.data.catalog import catalog, delete_dataset, load_dataset, preview
from resnet_core.data.importing import import_dataset
from resnet_core.errors import DataError


@pytest.fixture
def few_shapes(monkeypatch):
    monkeypatch.setattr(shapes10, "N_TRAIN", 60)
    monkeypatch.setattr(shapes10, "N_TEST", 20)


def test_known_datasets_come_first_ready_or_not(home, save_npz):
    assert [(info.name, info.ready) for info in catalog(home)] == [("shapes-10", False), ("cifar-10", False)]
    import_dataset(save_npz("a.npz"), home)
    assert [info.name for info in catalog(home)] == ["shapes-10", "cifar-10", "a"]


def test_shapes_are_generated_on_first_use_and_kept(home, few_shapes):
    told = []
    first = load_dataset("shapes-10", home, lambda what, fraction: told.append(fraction))
    again = load_dataset("shapes-10", home, lambda what, fraction: pytest.fail("generated twice"))
    assert told == sorted(told) and told[-1] == 1
    assert first.fingerprint == again.fingerprint == catalog(home)[0].fingerprint
    assert catalog(home)[0].ready
    assert first.test_masks.shape == (20, 32, 32)


@pytest.mark.parametrize("origin", ["", "generator 0"])
def test_shapes_of_an_older_generator_are_made_anew(home, few_shapes, monkeypatch, origin):
    with monkeypatch.context() as older:
        older.setattr(shapes10, "ORIGIN", origin)
        older.setattr(shapes10, "SEED", 3)
        old = load_dataset("shapes-10", home)
        pictures = np.array(old.x_train)
    assert not catalog(home)[0].ready and catalog(home)[0].fingerprint is None
    new = load_dataset("shapes-10", home)
    assert new.fingerprint != old.fingerprint and catalog(home)[0].fingerprint == new.fingerprint
    assert [path.name for path in storage.datasets_folder(home).iterdir()] == ["shapes-10"]
    np.testing.assert_array_equal(old.x_train, pictures)  # who has the old ones open goes on with them
    load_dataset("shapes-10", home, lambda what, fraction: pytest.fail("generated twice"))


def test_two_that_make_the_shapes_at_once_end_with_one_copy(home, few_shapes, monkeypatch):
    real = shapes10.generate
    inner = []

    def generate(*args, **kwargs):
        if not inner:
            inner.append(True)
            inner.append(shapes10.create(home))  # another process, faster
        return real(*args, **kwargs)

    monkeypatch.setattr(shapes10, "generate", generate)
    assert shapes10.create(home) == inner[1]


def test_missing_datasets_say_the_way_out(home, save_npz):
    with pytest.raises(DataError, match=r"cifar-10-python\.tar\.gz.*npz"):
        load_dataset("cifar-10", home)
    import_dataset(save_npz("roses.npz"), home)
    with pytest.raises(DataError, match="roses"):
        load_dataset("tulips", home)
    with pytest.raises(DataError):
        load_dataset("../../etc", home)


def test_deleted_dataset_is_gone(home, save_npz):
    import_dataset(save_npz("roses.npz"), home)
    delete_dataset("roses", home)
    assert "roses" not in [info.name for info in catalog(home)]
    with pytest.raises(DataError):
        delete_dataset("roses", home)


def test_preview_is_by_class_and_no_longer_than_the_smallest(home, save_npz):
    y = np.array([0] * 8 + [1] * 4)
    path = save_npz("roses.npz", y_train=y)
    import_dataset(path, home)
    images, classes = preview("roses", home, per_class=6)
    assert images.shape == (2, 4, 32, 32, 3) and classes == ("0", "1")
    with np.load(path) as arrays:
        np.testing.assert_array_equal(images[1], arrays["x_train"][8:12])


def test_preview_of_shapes_needs_no_dataset(home):
    images, classes = preview("shapes-10", home, per_class=3)
    assert images.shape == (10, 3, 32, 32, 3) and len(classes) == 10
    assert not catalog(home)[0].ready
    with pytest.raises(DataError):
        preview("cifar-10", home)


def test_first_pictures_on_a_full_disk_are_a_sentence(home, free_bytes):
    free_bytes(disk=30_000_000)
    with pytest.raises(DataError, match=r"Drawing Shapes-10 takes 39.0 MB of disk\. Only 13.2 MB .* deleting datasets"):
        load_dataset("shapes-10", home)
    assert not list(storage.datasets_folder(home).iterdir())
