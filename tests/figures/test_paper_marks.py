import pytest

from resnet_core.figures.paper_marks import paper_marks
from resnet_core.networks.spec import NetSpec
from resnet_core.training.recipe import preset
from tests.runs.conftest import finished_run

PAPERS_OWN = {"recipe": preset("paper").to_dict(), "dataset": "cifar-10", "state": "done"}


def test_the_papers_number_stands_beside_its_own_network_and_recipe():
    run = finished_run("r", NetSpec(depth=20), **PAPERS_OWN)
    [mark] = paper_marks([run])
    assert (mark.value, mark.run) == (0.0875, "r")
    assert mark.label == "He et al. 2015, ResNet-20: 8.75 % after 64,000 steps"


@pytest.mark.parametrize("other", [{"recipe": preset("short-12").to_dict()}, {"dataset": "dots"}, {"state": "stopped"}])
def test_not_beside_another_training(other):
    assert paper_marks([finished_run("r", NetSpec(depth=20), **PAPERS_OWN | other)]) == []


def test_not_beside_a_network_for_which_it_states_none():
    assert paper_marks([finished_run("r", NetSpec(family="plain", depth=20), **PAPERS_OWN)]) == []
