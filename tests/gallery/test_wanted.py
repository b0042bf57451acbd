"""The names of the runs that are to ship."""

import pytest

from resnet_core.errors import SpecError
from resnet_core.gallery.wanted import PAPER, SHORT, find_wanted


def test_every_name_leads_back_to_its_training() -> None:
    for each in (*PAPER, *SHORT):
        assert find_wanted(each.name) == each
        recipe = each.resolve()[1]
        assert recipe.seed == each.seed and recipe.is_paper == (each in PAPER)
    assert len({each.name for each in (*PAPER, *SHORT)}) == len(PAPER) + len(SHORT)


@pytest.mark.parametrize(
    "name", ["plain-20", "plain-20-short-12", "cat-20-paper-s0", "plain-21-paper-s0", "../x-paper-s0"]
)
def test_a_name_that_is_none(name: str) -> None:
    with pytest.raises(SpecError):
        find_wanted(name)
