import numpy as np
import pytest

from resnet_core.attribution.scaling import FLOOR, share_scale


def ramp(top, size=(10, 10)):
    return np.linspace(-top, top, size[0] * size[1], dtype=np.float32).reshape(size)


def test_the_strongest_map_sets_the_limit_for_both_signs():
    low, high = share_scale([ramp(4.0), ramp(1.0, (30, 30))], signed=True)
    assert low == -high
    assert high == pytest.approx(np.percentile(np.abs(ramp(4.0)), 99))


def test_unsigned_starts_at_zero():
    low, high = share_scale([np.abs(ramp(2.0))], signed=False)
    assert low == 0.0 and 1.9 < high <= 2.0


def test_one_hot_pixel_does_not_darken_the_rest():
    spiked = ramp(1.0, (20, 20))
    spiked[0, 0] = 1000
    assert 0.9 < share_scale([spiked], signed=True).high <= 1.0


def test_many_weak_maps_do_not_clip_the_strong_one():
    strong = ramp(1.0)
    high = share_scale([strong] + [ramp(0.001)] * 20, signed=True).high
    assert np.mean(np.abs(strong) > high) <= 0.02


def test_near_zero_maps_are_not_blown_up():
    assert share_scale([ramp(1e-9), np.zeros((4, 4), np.float32)], signed=True).high == FLOOR
