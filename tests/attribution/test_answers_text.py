import pytest

from resnet_core.attribution.answers_text import describe_answers, describe_doubt
from resnet_core.attribution.out_of_distribution import OOD_SHARE


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"ResNet-20": "cat"}, "ResNet-20 answers cat. They know 10 classes"),
        ({"ResNet-20": "cat", "Plain-20": "cat"}, "All 2 networks answer cat."),
        ({"ResNet-20": "cat", "Plain-20": "dog"}, "They disagree: ResNet-20 answers cat; Plain-20 answers dog."),
    ],
)
def test_who_answers_what(answers, words):
    assert describe_answers(answers, 10).startswith(words)


@pytest.mark.parametrize(
    ("below", "words"), [(0, "than for any of 500"), (0.002, "than for 99 % of 500"), (OOD_SHARE, "95 %")]
)
def test_a_low_best_score_is_said_and_never_rounded_up(below, words):
    text = describe_doubt("ResNet-20", below, "500 test pictures")
    assert words in text and "ResNet-20" in text and "likely shows none" in text


def test_an_ordinary_best_score_is_not_mentioned():
    assert describe_doubt("ResNet-20", OOD_SHARE + 0.01, "500 test pictures") == ""
