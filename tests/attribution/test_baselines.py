import numpy as np
import pytest
import torch

from resnet_core.attribution.baselines import blur, make_baseline
from resnet_core.attribution.methods import AttributionError
from resnet_core.data.normalise import Normalise

NORMALISE = Normalise((0.5, 0.4, 0.3), (0.2, 0.25, 0.5))


def picture(size=8):
    return torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0))


def test_black_is_pixel_zero_and_mean_is_the_mean_colour():
    x = NORMALISE.from_unit(picture())
    assert NORMALISE.inverse(make_baseline("black", x, NORMALISE)).abs().max() < 1e-6
    mean = NORMALISE.inverse(make_baseline("mean", x, NORMALISE))
    np.testing.assert_allclose(mean[1, :, 3, 3], (0.5, 0.4, 0.3), rtol=1e-6)


def test_noise_is_uniform_in_pixels_and_belongs_to_its_seed():
    x = NORMALISE.from_unit(picture(32))
    noise = NORMALISE.inverse(make_baseline("noise", x, NORMALISE, seed=3, count=4))
    assert noise.shape == (4, 3, 32, 32)
    assert noise.min() > -1e-6 and noise.max() < 1 + 1e-6
    assert noise.mean() == pytest.approx(0.5, abs=0.01) and noise.std() == pytest.approx(12**-0.5, abs=0.01)
    assert torch.equal(make_baseline("noise", x, NORMALISE, 3, 4), make_baseline("noise", x, NORMALISE, 3, 4))
    assert not torch.equal(make_baseline("noise", x, NORMALISE, 3, 4), make_baseline("noise", x, NORMALISE, 4, 4))


def test_blur_spreads_a_dot_as_a_gaussian():
    dot = torch.zeros(1, 1, 33, 33)
    dot[0, 0, 16, 16] = 1
    spread = blur(dot, sigma=2.0)[0, 0]
    offsets = torch.arange(33.0) - 16
    assert float(spread.sum()) == pytest.approx(1, abs=1e-5)
    assert float((spread.sum(0) * offsets**2).sum()) == pytest.approx(4, rel=0.05)
    torch.testing.assert_close(spread, spread.T)


def test_blur_keeps_an_even_picture():
    even = torch.full((1, 3, 8, 12), 0.7)
    torch.testing.assert_close(blur(even, sigma=1.0), even)


def test_unknown_baseline():
    with pytest.raises(AttributionError, match="white"):
        make_baseline("white", picture(), NORMALISE)
