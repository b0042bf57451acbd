import numpy as np
import pytest
from PIL import Image

from resnet_core.data.class_folders import picture_entries, read_class_folders
from resnet_core.data.file_tree import open_tree
from resnet_core.errors import DataError


@pytest.fixture
def read(tmp_path):
    """A function that reads a folder: what was read, and the pictures of both parts."""
    target = tmp_path / "target"
    target.mkdir()

    def read(top, seed=0, progress=lambda what, fraction: None):
        with open_tree(top) as tree:
            result = read_class_folders(tree, picture_entries(tree), target, seed, progress)
        return result, np.load(target / "x_train.npy"), np.load(target / "x_test.npy")

    return read


def shades(images, label):
    """Which pictures of the class these are: the fixture numbers them by their green."""
    return sorted(int(image[16, 16, 1]) // 3 for image in images if int(image[16, 16, 0]) == 40 * label)


def test_without_a_split_a_fifth_of_each_class_is_for_testing(read, class_folders):
    top = class_folders({"daisy": 10, "rose": 26})
    result, train, test = read(top)
    assert result.classes == ("daisy", "rose")
    assert np.bincount(result.y_train).tolist() == [8, 21] and np.bincount(result.y_test).tolist() == [2, 5]
    assert sorted(shades(train, 1) + shades(test, 1)) == list(range(26))
    np.testing.assert_array_equal(train[:, 16, 16, 0] // 40, result.y_train)
    assert shades(read(top)[2], 1) == shades(test, 1)
    assert shades(read(top, seed=1)[2], 1) != shades(test, 1)


@pytest.mark.parametrize("names", [("train", "test"), ("Training", "VAL"), ("train", "validation")])
def test_a_split_that_is_there_is_kept(read, class_folders, tmp_path, names):
    top = tmp_path / "pictures"
    class_folders({"daisy": 4, "rose": 5}, top / names[0])
    class_folders({"daisy": 2, "rose": 1}, top / names[1])
    result, _, test = read(top)
    assert np.bincount(result.y_train).tolist() == [4, 5] and np.bincount(result.y_test).tolist() == [2, 1]
    assert shades(test, 0) == [0, 1]


def test_validation_beside_test_is_left_out_and_said(read, class_folders, tmp_path):
    top = tmp_path / "pictures"
    for part, n in (("train", 5), ("test", 2), ("val", 3)):
        class_folders({"daisy": n, "rose": n}, top / part)
    result, train, test = read(top)
    assert (len(train), len(test)) == (10, 4)
    assert any("val" in note for note in result.notes)


def test_training_folder_alone_is_split(read, class_folders, tmp_path):
    class_folders({"daisy": 10, "rose": 10}, tmp_path / "pictures" / "train")
    result, train, test = read(tmp_path / "pictures")
    assert result.classes == ("daisy", "rose") and (len(train), len(test)) == (16, 4)


def test_unlabelled_test_pictures_are_left_out_and_training_is_split(read, class_folders, tmp_path):
    top = tmp_path / "pictures"
    class_folders({"daisy": 10, "rose": 10}, top / "train")
    class_folders({"test": 3}, top)
    result, train, test = read(top)
    assert (len(train), len(test)) == (16, 4)
    assert any("test left out" in note for note in result.notes)


def test_a_class_called_train_is_a_class(read, class_folders):
    assert read(class_folders({"plane": 5, "train": 5}))[0].classes == ("plane", "train")


def test_wrapping_folders_and_deeper_folders(read, class_folders, tmp_path):
    top = tmp_path / "pictures"
    class_folders({"daisy": 5, "rose/red": 5, "rose/white": 5}, top / "flowers-1.0" / "data")
    result, train, test = read(top)
    assert result.classes == ("daisy", "rose")
    assert len(train) + len(test) == 15


def test_number_folders_are_in_the_order_of_numbers(read, class_folders):
    assert read(class_folders({"10": 5, "9": 5, "1": 5}))[0].classes == ("1", "9", "10")


def test_pictures_of_any_size_become_their_middle_square(read, tmp_path, class_folders):
    top = class_folders({"a": 5, "b": 5})
    wide = Image.new("RGB", (300, 100), (255, 255, 255))
    wide.paste((7, 8, 9), (100, 0, 200, 100))
    for i in range(5):
        wide.save(top / "a" / f"{i}.png")
    _, train, _ = read(top)
    assert (train[0] == (7, 8, 9)).all()


def test_few_bad_pictures_are_left_out_counted_and_named(read, class_folders):
    top = class_folders({"a": 30, "b": 30})
    (top / "a" / "4.png").write_text("no picture at all")
    cut = (top / "b" / "5.png").read_bytes()[:40]
    (top / "b" / "5.png").write_bytes(cut)
    (top / "b" / "labels.csv").write_text("not meant to be a picture")
    result, train, test = read(top)
    assert len(train) + len(test) == 58 == len(result.y_train) + len(result.y_test)
    (note,) = [note for note in result.notes if "cannot be read" in note]
    assert note.startswith("2 of 60") and "a/4.png" in note and "b/5.png" in note


def test_many_bad_pictures_are_a_reason_to_refuse(read, class_folders):
    top = class_folders({"a": 30, "b": 30})
    for i in range(4):
        (top / "a" / f"{i}.png").write_text("no picture at all")
    with pytest.raises(DataError, match="text"):
        read(top)


def test_class_that_loses_too_many_bad_pictures_is_refused(read, class_folders):
    top = class_folders({"a": 60, "b": 5})
    for i in range(2):
        (top / "b" / f"{i}.png").write_text("no picture at all")
    with pytest.raises(DataError, match="'b'"):
        read(top)


@pytest.mark.parametrize(
    ("counts", "words"),
    [({"only": 20}, "class"), ({"a": 10, "b": 4}, "'b'"), ({"": 20}, "class folders")],
)
def test_what_is_no_dataset_is_refused(read, class_folders, counts, words):
    with pytest.raises(DataError, match=words):
        read(class_folders(counts))


def test_test_class_that_is_not_trained_is_refused(read, class_folders, tmp_path):
    top = tmp_path / "pictures"
    class_folders({"a": 5, "b": 5}, top / "train")
    class_folders({"a": 5, "b": 5, "c": 5}, top / "test")
    with pytest.raises(DataError, match="'c'"):
        read(top)
    class_folders({"c": 5}, top / "train")
    class_folders({"d": 5}, top / "train")
    with pytest.raises(DataError, match="'d' has 0 test"):
        read(top)


def test_folder_without_pictures_is_refused(tmp_path, read):
    (tmp_path / "empty" / "a").mkdir(parents=True)
    (tmp_path / "empty" / "a" / "readme.txt").touch()
    with pytest.raises(DataError, match="no pictures"):
        read(tmp_path / "empty")


def test_progress_ends_at_one(read, class_folders):
    told = []
    read(class_folders({"a": 60, "b": 60}), progress=lambda what, fraction: told.append(fraction))
    assert told == sorted(told) and told[-1] == 1 and len(told) >= 2
