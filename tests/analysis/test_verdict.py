"""Sentences must carry the numbers they are made from, and change when the numbers do."""

import numpy as np
import pytest

from resnet_core.analysis.verdict import judge


def test_the_sentence_turns_round_with_the_numbers(made_up) -> None:
    up = judge(made_up([1e5, 1e4, 1e3, 1e2])).headline
    down = judge(made_up([1e2, 1e3, 1e4, 1e5])).headline
    assert "grows towards the input" in up and "vanishes" not in up and "1,000 times" in up
    assert "vanishes towards the input" in down and "grows" not in down and "1.0 × 10⁻³ times" in down
    assert "1.0 decades more per block" in up and "1.0 decades less per block" in down


def test_the_spread_over_seeds_is_told_and_a_single_seed_too(made_up) -> None:
    assert "3 seeds: 10 to 30" in judge(made_up([[10, 1], [20, 1], [30, 1]])).headline
    assert "one seed" in judge(made_up([10, 1])).headline


def test_a_single_start_whose_gradient_is_lost_is_not_hidden(made_up) -> None:
    headline = judge(made_up([[1e3, 1], [2e3, 1], [0, 0]])).headline
    assert "2 of 3 seeds" in headline and "disagree" in headline


def test_exact_zeros_are_named_as_such(made_up) -> None:
    underflow = judge(made_up([0, 0, 1e-30, 1e-10])).headline
    assert "exactly 0 in float32 at 2 of 4 blocks" in underflow
    assert "20 decades less per block" in underflow


def test_where_nothing_comes_through_it_says_what_would_learn(made_up) -> None:
    fixup = judge(made_up([0, 0, 0], weight_grad_rms=[0, 0, 0, 1.0])).headline
    assert "exactly 0 at 3 of 3 blocks" in fixup and "weights of fc" in fixup


def test_the_other_quantities_are_only_said_to_agree_when_they_do(made_up) -> None:
    gradient = [1e4, 1e2, 1.0]
    agree = judge(made_up(gradient, [1e4, 1e2, 1, 1], [1e4, 1e2, 1, 1])).others
    differ = judge(made_up(gradient, [1, 1, 1, 1], [1e4, 1e2, 1, 1])).others
    assert "does not depend" in agree
    assert "verdict depends" in differ and "stays within 2 decades" in differ


@pytest.mark.parametrize(
    ("variance", "said"),
    [
        ([1.0, 10, 1e3], "grows by 3.0 decades"),
        ([1.0, 0.1, 1e-3], "falls by 3.0 decades"),
        ([1.0, 5.0, 1.1], "hardly changes"),
        ([1.0, 0, 0], "exactly 0 in float32 from block1"),
        ([1.0, 1e30, np.nan], "overflows float32 from block2"),
    ],
)
def test_the_signal_is_described_by_its_variance(made_up, variance, said: str) -> None:
    assert said in judge(made_up([1, 1, 1], variance=variance)).signal


def test_not_finite_names_the_place(made_up) -> None:
    found = judge(made_up([np.nan, np.inf, 1.0], loss=np.inf))
    assert "block1" in found.headline and "infinite" in found.signal
