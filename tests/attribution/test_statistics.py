import numpy as np
import pytest

from resnet_core.attribution.statistics import (
    bootstrap_mean,
    object_share,
    pairwise_rank_correlations,
    rank_correlation,
)


def test_rank_correlation_sees_order_only():
    values = np.array([[0.1, -2.0], [3.0, 0.5]])
    assert rank_correlation(values, np.exp(values)) == pytest.approx(1)
    assert rank_correlation(values, -(values**3)) == pytest.approx(-1)


def test_rank_correlation_by_hand():
    # Without ties Spearman is 1 - 6 Σd² / (n (n² - 1)): here d = (0, 1, 1, 0), n = 4.
    assert rank_correlation(np.array([1, 2, 3, 4]), np.array([1, 3, 2, 4])) == pytest.approx(1 - 12 / 60)


def test_ties_share_their_rank():
    # Ranks 1.5, 1.5, 3 against 1, 2, 3: Pearson by hand is 1.5 / sqrt(1.5 · 2).
    assert rank_correlation(np.array([0, 0, 5]), np.array([1, 2, 3])) == pytest.approx(1.5 / 3**0.5)


def test_no_order_no_correlation():
    assert np.isnan(rank_correlation(np.zeros(5), np.arange(5)))


def test_agreement_is_a_symmetric_table():
    a, b = np.arange(9.0), np.arange(9.0)[::-1]
    np.testing.assert_allclose(pairwise_rank_correlations([a, b, a]), [[1, -1, 1], [-1, 1, -1], [1, -1, 1]])


def test_object_share_counts_both_signs():
    values = np.array([[3.0, -1.0], [0.0, -4.0]])
    mask = np.array([[True, False], [False, True]])
    assert object_share(values, mask) == pytest.approx(7 / 8)
    assert object_share(np.ones((2, 2)), mask) == pytest.approx(0.5)


def test_empty_map_has_no_share():
    assert np.isnan(object_share(np.zeros((2, 2)), np.ones((2, 2), bool)))


def test_interval_holds_the_mean_about_as_often_as_it_says():
    random = np.random.default_rng(1)
    hits = 0
    for trial in range(200):
        interval = bootstrap_mean(random.normal(3, 1, size=60), seed=trial, resamples=500)
        hits += interval.low <= 3 <= interval.high
    assert 0.88 < hits / 200 <= 0.99


def test_interval_is_seeded_and_leaves_out_nan():
    values = [0.2, float("nan"), 0.4, 0.9]
    first = bootstrap_mean(values)
    assert first == bootstrap_mean(values)
    assert first.count == 3 and first.mean == pytest.approx(0.5) and first.low < 0.5 < first.high


def test_interval_of_nothing():
    nothing = bootstrap_mean([float("nan")])
    assert nothing.count == 0 and np.isnan(nothing.mean)
