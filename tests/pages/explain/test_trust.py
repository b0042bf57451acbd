"""One map with its checks: sentences that say what the numbers say, figures of what they were made of."""

import numpy as np
import pytest
from streamlit.util import AttributeDictionary

from pages.explain.trust import same_but_for_the_seed, seeds_text, trust_texts
from resnet_core.attribution.explain_result import Attribution
from resnet_core.networks.spec import NetSpec

NAN = float("nan")


def attribution(values: np.ndarray) -> Attribution:
    return Attribution("saliency", 3, values, values[None], None, np.zeros(10), 1.0, None, None, 0.1, {})


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


def test_what_counts_as_the_same_training(lab):
    run = lab.add(seed=0)
    other_seed = lab.add(seed=1)
    others = [lab.add(seed=0), other_seed, lab.add(seed=1), lab.add(NetSpec(depth=14, width=4), seed=2)]
    assert [r.id for r in same_but_for_the_seed(run, [run, *others])] == [run.id, other_seed.id]


@pytest.mark.parametrize(
    ("measure", "numbers"),
    [
        ("randomisation", {"signed": NAN}),
        ("infidelity", {"unexplained": NAN, "samples": 128}),
        ("sensitivity", {"largest": NAN, "mean": NAN, "radius": 0.02, "samples": 10}),
    ],
)
def test_what_cannot_be_measured_is_said_and_not_numbered(measure, numbers):
    (text,) = trust_texts({measure: numbers})
    assert "nan" not in text and "–" not in text


def test_maps_of_seeds_are_compared_pair_by_pair():
    values = np.arange(16.0).reshape(4, 4)
    text = seeds_text([attribution(values), attribution(values), attribution(-values)])
    assert "-0.33" in text and "from -1.00 to 1.00" in text


def test_empty_maps_of_seeds_are_said():
    assert "cannot be compared" in seeds_text([attribution(np.zeros((4, 4)))] * 2)
