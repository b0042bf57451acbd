import numpy as np
import pytest

from resnet_core.data.sample import balanced_sample


def test_as_many_of_each_class_as_can_be_the_first_of_each_in_order():
    labels = np.array([0, 0, 0, 0, 1, 2, 2, 1])
    assert balanced_sample(labels, 6).tolist() == [0, 1, 4, 5, 6, 7]


def test_a_class_with_few_pictures_leaves_room_for_the_others():
    labels = np.array([0] * 10 + [1])
    assert balanced_sample(labels, 4).tolist() == [0, 1, 2, 10]


@pytest.mark.parametrize("size", [3, 100])
def test_never_more_than_there_are(size):
    assert len(balanced_sample(np.array([0, 1, 2]), size)) == 3
