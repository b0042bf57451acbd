import os
import shutil
import sys
import zipfile

import numpy as np
import pytest

from resnet_core.data import storage
from resnet_core.data.catalog import load_dataset
from resnet_core.data.importing import import_dataset, resolve_dataset
from resnet_core.errors import DataError


def zipped(folder, path):
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder.parent))
    return path


def names(home):
    return [info.name for info in storage.stored_infos(home)]


def test_folder_becomes_a_dataset(home, class_folders):
    top = class_folders({"daisy": 10, "rose": 10})
    info = import_dataset(top, home, name="My flowers")
    assert (info.name, info.title, info.classes) == ("my-flowers", "My flowers", ("daisy", "rose"))
    assert (info.n_train, info.n_test, info.ready) == (16, 4, True)
    dataset = load_dataset("my-flowers", home)
    assert dataset.x_train.shape == (16, 32, 32, 3)
    assert "seed 0" in dataset.source and str(top.parent) not in dataset.source


def test_same_content_is_kept_once_whatever_its_form_and_name(home, class_folders, tmp_path, monkeypatch):
    top = class_folders({"daisy": 10, "rose": 10})
    first = import_dataset(top, home)
    assert import_dataset(zipped(top, tmp_path / "flowers.zip"), home) == first
    assert import_dataset(shutil.copytree(top, tmp_path / "copy"), home, name="other") == first
    dataset = load_dataset(first.name, home)
    arrays = {key: getattr(dataset, key) for key in storage.ARRAYS}
    np.savez(tmp_path / "same.npz", **arrays, classes=np.array(dataset.classes))
    assert import_dataset(tmp_path / "same.npz", home) == first
    assert names(home) == [first.name]


def test_second_import_does_not_read_the_pictures_again(home, class_folders, monkeypatch):
    top = class_folders({"daisy": 10, "rose": 10})
    first = import_dataset(top, home)
    monkeypatch.setattr("resnet_core.data.importing._read", lambda *_: pytest.fail("read again"))
    assert import_dataset(top, home) == first


def test_other_content_or_seed_is_another_dataset(home, class_folders):
    top = class_folders({"daisy": 10, "rose": 10})
    first = import_dataset(top, home)
    second = import_dataset(top, home, seed=1)
    assert (first.name, second.name) == ("pictures", "pictures-2")
    assert first.fingerprint != second.fingerprint
    class_folders({"tulip": 10}, top)
    assert import_dataset(top, home).name == "pictures-3"


def test_chosen_name_that_is_taken_is_refused(home, save_npz, class_folders):
    import_dataset(save_npz("roses.npz"), home)
    top = class_folders({"daisy": 10, "rose": 10})
    for name in ("roses", "Roses", "CIFAR-10", "shapes 10"):
        with pytest.raises(DataError, match="already"):
            import_dataset(top, home, name=name)
    assert names(home) == ["roses"]


def test_odd_names_become_plain_ones(home, save_npz):
    assert import_dataset(save_npz("../etc".replace("/", "∕") + " Ünïcode!.npz"), home).name == "etc-n-code"


@pytest.mark.parametrize("name", ["nowhere", "nowhere.npz", "notes.txt", "pictures.tar.gz"])
def test_paths_that_are_nothing_to_import(home, tmp_path, name):
    if "nowhere" not in name:
        (tmp_path / name).write_text("text")
    with pytest.raises(DataError, match=name):
        import_dataset(tmp_path / name, home)


def test_refused_import_leaves_nothing_behind(home, class_folders):
    with pytest.raises(DataError):
        import_dataset(class_folders({"only": 20}), home)
    assert not storage.datasets_folder(home).exists() or not list(storage.datasets_folder(home).iterdir())


def test_zip_with_a_bad_path_is_refused(home, tmp_path):
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../evil.png", b"x")
    with pytest.raises(DataError, match=r"\.\./\.\./evil"):
        import_dataset(path, home)
    assert not list(tmp_path.rglob("evil.png"))


def test_progress_goes_up_to_one(home, class_folders):
    told = []
    import_dataset(class_folders({"a": 40, "b": 40}), home, progress=lambda what, fraction: told.append(fraction))
    assert told == sorted(told) and told[-1] == 1


def test_resolve_takes_names_and_paths_and_imports_once(home, save_npz):
    path = save_npz("Red Roses.npz")
    assert resolve_dataset("shapes-10", home) == "shapes-10"
    assert resolve_dataset("cifar-10", home) == "cifar-10"
    assert (
        resolve_dataset(path, home)
        == resolve_dataset(str(path), home)
        == resolve_dataset("red-roses", home)
        == "red-roses"
    )
    assert names(home) == ["red-roses"]
    for wrong in ("nothing", "./nothing", "nothing.npz"):
        with pytest.raises(DataError):
            resolve_dataset(wrong, home)


def test_resolve_prefers_the_catalog_to_a_folder_of_that_name(home, tmp_path, monkeypatch):
    (tmp_path / "shapes-10").mkdir()
    monkeypatch.chdir(tmp_path)
    assert resolve_dataset("shapes-10", home) == "shapes-10"
    with pytest.raises(DataError):  # the folder, which is empty
        resolve_dataset("./shapes-10", home)


def test_memory_that_runs_out_is_a_sentence_and_leaves_nothing(home, save_npz, monkeypatch):
    def run_out(*_):
        raise MemoryError

    monkeypatch.setattr("resnet_core.data.importing._read", run_out)
    with pytest.raises(DataError, match=r"Memory ran out while own\.npz was read"):
        import_dataset(save_npz(), home)
    assert os.listdir(storage.datasets_folder(home)) == []


@pytest.mark.parametrize("text", ["~nobody-of-this-name/x.zip", "x" * 5000, "a\0b.zip", "caf\udce9.zip"])
def test_text_that_can_be_no_path_is_a_sentence(home, text):
    for load in (import_dataset, resolve_dataset):
        with pytest.raises(DataError, match="There is n"):
            load(text, home)


@pytest.mark.skipif(sys.platform != "linux", reason="file names are text here")
def test_a_file_name_that_is_no_text_makes_a_title_that_is(home, save_npz):
    path = os.fsdecode(os.fsencode(save_npz().parent) + b"/caf\xe9.npz")
    os.rename(save_npz(), path)
    info = import_dataset(path, home)
    assert (info.title, info.name) == ("caf?", "caf") and "from caf?.npz" in info.source


def test_a_title_is_no_longer_than_a_title(home, save_npz):
    assert import_dataset(save_npz(), home, name="My\n" + "x" * 1_000_000).title == "My " + "x" * 97


def test_a_file_that_cannot_be_read_is_a_sentence(home, save_npz, monkeypatch):
    path = save_npz()

    def refused(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refused)
    with pytest.raises(DataError, match=r"own\.npz cannot be read: Permission denied"):
        import_dataset(path, home)
