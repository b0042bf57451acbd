import numpy as np
import pytest

from resnet_core.data.dataset import DatasetInfo, check_classes
from resnet_core.errors import DataError


def test_mean_and_std_are_those_of_all_training_pixels(tiny_dataset):
    x = np.random.default_rng(0).integers(0, 256, (3000, 4, 4, 3), dtype=np.uint8)  # more than one piece
    dataset = tiny_dataset(x_train=x, y_train=np.arange(3000) % 2)
    assert dataset.mean == pytest.approx((x / 255).mean(axis=(0, 1, 2)))
    assert dataset.std == pytest.approx((x / 255).std(axis=(0, 1, 2)))


def test_std_of_a_channel_that_never_varies_can_be_divided_by(tiny_dataset):
    assert min(tiny_dataset().std) > 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"x_train": np.zeros((4, 8, 8, 3), np.float32)},
        {"x_train": np.zeros((4, 3, 8, 8), np.uint8)},
        {"x_train": np.zeros((5, 8, 8, 3), np.uint8)},
        {"y_train": np.array([0, 1, 0, 2])},
        {"y_train": np.array([0, 1, 0, -1])},
        {"y_train": np.array([0.0, 1, 0, 1])},
        {"x_test": np.zeros((0, 8, 8, 3), np.uint8), "y_test": np.array([], int)},
        {"test_masks": np.zeros((3, 8, 8), bool)},
    ],
)
def test_arrays_that_do_not_fit_are_refused(tiny_dataset, wrong):
    with pytest.raises(DataError):
        tiny_dataset(**wrong)


def test_classes_need_pictures_names_and_company():
    y_train, y_test = np.array([0] * 4 + [1] * 4), np.array([0, 1])
    check_classes(("a", "b"), y_train, y_test)
    with pytest.raises(DataError, match="'b' has 3 training"):
        check_classes(("a", "b"), y_train[:-1], y_test)
    with pytest.raises(DataError, match="'c' has 0 training"):
        check_classes(("a", "b", "c"), y_train, y_test)
    with pytest.raises(DataError, match="'b' has 0 test"):
        check_classes(("a", "b"), y_train, y_test[:1])
    with pytest.raises(DataError, match="only one class, 'a'"):
        check_classes(("a",), y_train[:4], y_test[:1])
    with pytest.raises(DataError, match="'a'"):
        check_classes(("a", "a"), y_train, y_test)


def info(train: tuple[int, ...], test: tuple[int, ...]) -> DatasetInfo:
    classes = ("rose", "daisy", "tulip")
    return DatasetInfo("f", "F", classes, sum(train), sum(test), "made for a test", True, 1, None, train, test)


def test_far_more_pictures_of_one_class_than_of_another_are_a_warning():
    words = info((500, 20, 8), (125, 5, 2)).imbalance
    assert "rose has 500 training pictures, tulip 8" in words
    assert "always answers rose has a test error of 5.3 %" in words
    assert info((39, 20, 10), (10, 5, 2)).imbalance == ""
    assert info((40, 20, 10), (10, 5, 2)).imbalance
