import pytest

from resnet_core.analysis.comparison import compare_designs, describe_change
from resnet_core.networks.spec import NetSpec

PLAIN = NetSpec(family="plain", depth=20)
RESIDUAL = NetSpec(depth=20)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (PLAIN, RESIDUAL, "with skips"),
        (RESIDUAL, PLAIN, "without skips"),
        (RESIDUAL, RESIDUAL.with_skips("111000111"), "with 6 of 9 skips instead of 9"),
        (RESIDUAL, NetSpec(depth=20, norm="none"), "without batch norm"),
        (PLAIN, NetSpec(depth=20, norm="none"), "with skips and without batch norm"),
        (RESIDUAL, NetSpec(depth=56), "depth 56 instead of 20"),
        (
            NetSpec(depth=20, norm="none"),
            NetSpec(depth=20, norm="none", init="fixup"),
            "start Fixup instead of He",
        ),
        (RESIDUAL, NetSpec(depth=20, skip_strength=0.5), "skip strength 0.5 instead of 1.0"),
        (RESIDUAL, RESIDUAL, ""),
    ],
)
def test_a_change_is_named(before: NetSpec, after: NetSpec, said: str) -> None:
    assert describe_change(before, after) == said


def test_a_comparison_carries_both_ratios_and_both_verdicts(made_up) -> None:
    plain = made_up([[1e4, 1e2, 1], [2e4, 1e2, 1]], spec=PLAIN)
    residual = made_up([[10, 3, 1], [20, 3, 1]], spec=RESIDUAL)
    (sentence,) = compare_designs([plain, residual])
    assert "With skips (Plain-20 → ResNet-20)" in sentence
    assert "1.5 × 10⁴ (2 seeds: 1.0 × 10⁴ to 2.0 × 10⁴) to 15 (2 seeds: 10 to 20)" in sentence
    assert "grows towards the input before the change and stays within 2 decades after it" in sentence


def test_no_change_is_claimed_where_the_seeds_overlap(made_up) -> None:
    one, other = made_up([[10, 1], [30, 1]]), made_up([[20, 1], [40, 1]])
    apart = made_up([[50, 1], [60, 1]])
    assert "overlap" in compare_designs([one, other])[0]
    assert "overlap" not in compare_designs([one, apart])[0] and "higher" in compare_designs([one, apart])[0]


def test_losses_are_mentioned_when_they_are_far_apart(made_up) -> None:
    calm, wild = made_up([1, 1], loss=2.3), made_up([1, 1], loss=4e4)
    assert "loss" not in compare_designs([calm, made_up([1, 1], loss=2.5)])[0]
    assert "2.3 to 4.0 × 10⁴" in compare_designs([calm, wild])[0]


def test_what_has_no_ratio_is_compared_all_the_same(made_up) -> None:
    sentences = compare_designs(
        [made_up([10, 1]), made_up([0, 0]), made_up([float("nan"), float("inf")]), made_up([0, 1])]
    )
    assert "no ratio" in sentences[0] and "infinity or NaN" in sentences[1] and "exactly 0" in sentences[2]
