import numpy as np
import pytest

from resnet_core.analysis.gradient_ratio import GradientRatios, describe_gradient_ratios, first_to_last_ratio


def network(name, *ratios, is_plain=True):
    return GradientRatios(name, is_plain, np.arange(len(ratios)) * 1000, np.array(ratios))


def test_the_first_block_is_the_one_after_the_stem():
    grad_rms = np.array([[9.0, 4.0, 1.0, 2.0], [9.0, 1.0, 1.0, 4.0]])
    assert first_to_last_ratio(grad_rms).tolist() == [2.0, 0.25]


def test_where_the_last_gradient_is_zero_nothing_is_known():
    assert first_to_last_ratio(np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]])).tolist() == [np.inf, np.inf]


def test_the_ratio_before_training_and_the_least_are_told_with_its_step():
    text = describe_gradient_ratios([network("Plain-20", 50.0, 2.0, 0.02, 1.0)])
    for words in ("**Plain-20**", "50.0 times", "0.02", "at step 2,000", "it grows"):
        assert words in text


@pytest.mark.parametrize(
    ("ratios", "words"), [((2, 3), "it grows"), ((0.1, 0.2), "becomes smaller"), ((0.1, 5), "in some, and grows")]
)
def test_what_the_plain_networks_do_before_training(ratios, words):
    assert words in describe_gradient_ratios([network(str(ratio), ratio) for ratio in ratios])


def test_of_residual_networks_alone_nothing_is_said_about_plain_ones():
    assert "plain networks" not in describe_gradient_ratios([network("ResNet-20", 2.0, is_plain=False)])


def test_a_network_without_a_ratio_before_training_is_left_out():
    text = describe_gradient_ratios([network("Fixup", np.inf, 1.0), network("Plain-20", 2.0)])
    assert "Fixup" not in text and "Plain-20" in text
