"""What pages say of datasets beside the errors that were measured on them."""

import pytest

from pages.parts.backend import service
from tests.pages.conftest import CLASSES, add_noise


@pytest.fixture
def unbalanced(lab):
    """Finished twins, trained on data of which one class has eleven times as many pictures as another."""
    add_noise(lab.home, "mine", CLASSES, unbalanced=True)
    fingerprint = next(info.fingerprint for info in service().datasets() if info.name == "mine")
    runs = lab.add_twins(dataset="mine")
    for run in runs:
        lab.store.set_facts(run.id, run.facts | {"fingerprint": fingerprint})
    return ",".join(run.id for run in runs)


@pytest.mark.parametrize("page", ["story", "train", "compare"])
def test_data_far_from_balanced_are_warned_of_beside_the_errors(lab, unbalanced, open_page, page):
    assert open_page(page, runs=unbalanced).says("warning", "far from balanced", "class 0 has 22 training pictures")
    lab.service.delete_dataset("mine")
    add_noise(lab.home, "mine", CLASSES)
    assert not open_page(page, runs=unbalanced).warning, "these are not the data that they were trained on"


def test_data_far_from_balanced_are_warned_of_before_a_training(lab, open_page):
    add_noise(lab.home, "mine", CLASSES, unbalanced=True)
    assert open_page("train", dataset="mine").says("warning", "far from balanced")
    assert not open_page("train", dataset="dots").warning
