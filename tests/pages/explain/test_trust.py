"""One map with its checks: sentences that say what the numbers say, figures of what they were made of."""

import pytest
from streamlit.util import AttributeDictionary


@pytest.fixture
def opened(lab, open_page):
    """The page with the Grad-CAM of the first of these runs opened and its checks asked for."""

    def visit(*runs):
        at = open_page("explain", runs=",".join(run.id for run in runs))
        points = [{"customdata": [runs[0].id, "grad_cam"]}]
        at.session_state["maps"] = AttributeDictionary({"selection": {"points": points}})
        at.run()
        return at.toggle(key="trust").set_value(True).run()

    return visit


def test_every_measure_has_a_sentence_with_its_number(opened, lab):
    at = opened(*lab.add_twins())
    for words in (("0.010", "2.00"), ("0.90", "hardly depends"), ("10.0 %", "40.0 %"), ("70 %", "30 %"), ("50 %",)):
        assert at.says("markdown", *words), words


def test_the_random_map_and_the_curves_are_drawn(opened, lab):
    charts = opened(*lab.add_twins()).charts()
    assert charts[-3:] == ["map", "map_of_random_weights", "deletion_insertion"]


def test_trainings_that_differ_in_their_seed_only_are_compared(opened, lab):
    at = opened(*(lab.add(seed=seed) for seed in (0, 1, 2)))
    assert "maps_of_seeds" in at.charts()
    assert at.says("markdown", "3 trainings that differ in the seed only")
