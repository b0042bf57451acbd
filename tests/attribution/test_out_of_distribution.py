import numpy as np

from resnet_core.attribution.out_of_distribution import share_below


def test_the_share_of_own_pictures_that_score_lower():
    own = [1.0, 2.0, 3.0, 4.0]
    assert share_below(np.array([2.5, -9.0]), own) == 0.5
    assert share_below(np.array([-1.0, 0.5]), own) == 0.0
    assert share_below(np.array([0.0, 9.0]), own) == 1.0
