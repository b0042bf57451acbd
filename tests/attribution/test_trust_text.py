"""Sentences that say what the measures of a map say."""

import numpy as np
import pytest

from resnet_core.attribution.explain_result import Attribution
from resnet_core.attribution.trust_text import describe_measures, describe_seed_agreement

NAN = float("nan")


def attribution(values: np.ndarray) -> Attribution:
    return Attribution("saliency", 3, values, values[None], None, np.zeros(10), 1.0, None, None, 0.1, {})


def test_every_measure_has_a_sentence_with_its_numbers():
    texts = describe_measures(
        {
            "sensitivity": {"largest": 0.5, "mean": 0.2, "radius": 0.02, "samples": 10},
            "completeness": {"delta": -0.01, "change": 2.0, "relative": 0.005},
            "randomisation": {"signed": 0.9},
            "deletion_insertion": {
                "deletion_area": 0.1,
                "insertion_area": 0.7,
                "deletion_random_area": 0.4,
                "insertion_random_area": 0.5,
            },
            "infidelity": {"unexplained": 0.3, "samples": 128},
        }
    )
    numbers = [("0.010", "2.00"), ("0.90", "hardly depends"), ("10.0 %", "70.0 %"), ("70 %", "30 %"), ("5 of 255",)]
    for text, shown in zip(texts, numbers, strict=True):
        assert all(number in text for number in shown), text


@pytest.mark.parametrize(
    ("measure", "numbers"),
    [
        ("randomisation", {"signed": NAN}),
        ("infidelity", {"unexplained": NAN, "samples": 128}),
        ("sensitivity", {"largest": NAN, "mean": NAN, "radius": 0.02, "samples": 10}),
    ],
)
def test_what_cannot_be_measured_is_said_and_not_numbered(measure, numbers):
    (text,) = describe_measures({measure: numbers})
    assert "nan" not in text and "–" not in text


def test_maps_of_seeds_are_compared_pair_by_pair():
    values = np.arange(16.0).reshape(4, 4)
    text = describe_seed_agreement([attribution(values), attribution(values), attribution(-values)])
    assert "-0.33" in text and "from -1.00 to 1.00" in text


def test_empty_maps_of_seeds_are_said():
    assert "cannot be compared" in describe_seed_agreement([attribution(np.zeros((4, 4)))] * 2)
