import numpy as np
import pytest

from resnet_core.attribution.scaling import FLOOR, share_scale


def ramp(top, size=(10, 10)):
    return np.linspace(-top, top, size[0] * size[1], dtype=np.float32).reshape(size)


def test_sign_is_kept_and_the_strongest_map_sets_the_limit():
    scale = share_scale([ramp(4.0), ramp(1.0)], signed=True, percentile=100)
    assert (scale.low, scale.high) == (-4.0, 4.0)
    assert scale.maps[0].min() == -1 and scale.maps[0].max() == 1
    assert scale.maps[1].max() == pytest.approx(0.25)
    assert scale.strength == pytest.approx([1, 0.25])


def test_unsigned_starts_at_zero():
    scale = share_scale([np.abs(ramp(2.0))], signed=False, percentile=100)
    assert (scale.low, scale.high) == (0.0, 2.0)
    assert scale.maps[0].min() >= 0 and scale.maps[0].max() == 1


def test_one_hot_pixel_does_not_darken_the_rest():
    spiked = ramp(1.0)
    spiked[0, 0] = 1000
    scale = share_scale([spiked], signed=True, percentile=98)
    assert 0.9 < scale.high <= 1.0
    assert scale.maps[0][0, 0] == 1 and 0 < scale.clipped[0] <= 0.02


def test_many_weak_maps_do_not_clip_the_strong_one():
    scale = share_scale([ramp(1.0)] + [ramp(0.001)] * 20, signed=True)
    assert scale.clipped[0] <= 0.011


def test_near_zero_maps_are_not_blown_up():
    scale = share_scale([ramp(1e-9), np.zeros((4, 4), np.float32)], signed=True)
    assert scale.high == FLOOR
    assert np.abs(scale.maps[0]).max() < 0.01 and not scale.maps[1].any()


def test_maps_may_have_different_sizes():
    scale = share_scale([ramp(1.0, (8, 8)), ramp(2.0, (32, 32))], signed=True)
    assert [values.shape for values in scale.maps] == [(8, 8), (32, 32)]


@pytest.mark.parametrize(("maps", "percentile"), [([], 99), ([ramp(1.0)], 0), ([ramp(1.0)], 101)])
def test_refused(maps, percentile):
    with pytest.raises(ValueError):
        share_scale(maps, signed=True, percentile=percentile)
