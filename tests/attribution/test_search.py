import numpy as np
import pytest

from resnet_core.attribution.search import SEARCHES, probabilities

Y = np.array([0, 1, 0, 1])


def logits(*networks):
    """Two classes; each number is how far class 1 leads, for pictures 0, 1, 2, 3."""
    leads = np.array(networks, dtype=np.float32)
    return np.stack([np.zeros_like(leads), leads], axis=-1)


TWO = logits([-4, 1, 3, -2], [-5, -2, 1, -3])  # answers 0 1 1 0 and 0 0 1 0; the truth is 0 1 0 1


@pytest.mark.parametrize(
    ("search", "hits"),
    [("disagree", [1]), ("all_wrong", [3, 2]), ("least_sure", [1, 2, 3, 0]), ("most_sure", [0, 3, 2, 1])],
)
def test_hits_and_their_order(search, hits):
    assert SEARCHES[search].order(TWO, Y).tolist() == hits


def test_one_network_never_disagrees_and_may_be_wrong():
    assert SEARCHES["disagree"].order(TWO[:1], Y).tolist() == []
    assert SEARCHES["all_wrong"].order(TWO[:1], Y).tolist() == [2, 3]


def test_probabilities_of_large_logits():
    np.testing.assert_allclose(probabilities(np.array([[1000.0, 1000.0, 0.0]])), [[0.5, 0.5, 0.0]], atol=1e-12)
