import numpy as np
import pytest

from resnet_core.data.sample import balanced_sample, sample_indices


def test_as_many_of_each_class_as_can_be_the_first_of_each_in_order():
    labels = np.array([0, 0, 0, 0, 1, 2, 2, 1])
    assert balanced_sample(labels, 6).tolist() == [0, 1, 4, 5, 6, 7]


def test_a_class_with_few_pictures_leaves_room_for_the_others():
    labels = np.array([0] * 10 + [1])
    assert balanced_sample(labels, 4).tolist() == [0, 1, 2, 10]


@pytest.mark.parametrize("size", [3, 100])
def test_never_more_than_there_are(size):
    assert len(balanced_sample(np.array([0, 1, 2]), size)) == 3


def sorted_by_class(tiny_dataset, n=1000):
    """As imported folders are: all pictures of one class, then all of the other."""
    x, y = np.zeros((n, 8, 8, 3), np.uint8), np.repeat([0, 1], n // 2)
    return tiny_dataset(x_train=x[:100], y_train=y[450:550], x_test=x, y_test=y)


def test_a_sample_is_of_all_classes_though_they_lie_one_after_the_other(tiny_dataset):
    dataset = sorted_by_class(tiny_dataset)
    rows = sample_indices(dataset, "test", 200)
    assert len(set(rows.tolist())) == 200
    assert 70 < dataset.y_test[rows].sum() < 130


def test_a_sample_is_always_the_same_and_begins_a_larger_one(tiny_dataset):
    dataset = sorted_by_class(tiny_dataset)
    np.testing.assert_array_equal(sample_indices(dataset, "test", 50), sample_indices(dataset, "test", 200)[:50])
    assert sorted(sample_indices(dataset, "train", 1000).tolist()) == list(range(100))
