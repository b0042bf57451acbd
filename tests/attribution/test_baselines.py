import numpy as np
import pytest
import torch

from resnet_core.attribution.methods import AttributionError
from resnet_core.attribution.pixels import PixelSpace, blur, to_input

SPACE = PixelSpace((0.5, 0.4, 0.3), (0.2, 0.25, 0.5))


def picture(size=8):
    return torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0))


def test_there_and_back():
    torch.testing.assert_close(SPACE.to_pixels(SPACE.normalise(picture())), picture())


def test_black_is_pixel_zero_and_mean_is_the_mean_colour():
    x = SPACE.normalise(picture())
    assert SPACE.to_pixels(SPACE.baseline("black", x)).abs().max() < 1e-6
    mean = SPACE.to_pixels(SPACE.baseline("mean", x))
    np.testing.assert_allclose(mean[1, :, 3, 3], (0.5, 0.4, 0.3), rtol=1e-6)


def test_noise_is_uniform_in_pixels_and_belongs_to_its_seed():
    x = SPACE.normalise(picture(32))
    noise = SPACE.to_pixels(SPACE.baseline("noise", x, seed=3, count=4))
    assert noise.shape == (4, 3, 32, 32)
    assert noise.min() > -1e-6 and noise.max() < 1 + 1e-6
    assert noise.mean() == pytest.approx(0.5, abs=0.01) and noise.std() == pytest.approx(12**-0.5, abs=0.01)
    assert torch.equal(SPACE.baseline("noise", x, 3, 4), SPACE.baseline("noise", x, 3, 4))
    assert not torch.equal(SPACE.baseline("noise", x, 3, 4), SPACE.baseline("noise", x, 4, 4))


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
        SPACE.baseline("white", picture())


def test_to_input_takes_one_picture_or_several():
    pictures = np.random.default_rng(0).integers(256, size=(2, 5, 6, 3), dtype=np.uint8)
    both = to_input(pictures, SPACE.mean, SPACE.std)
    assert both.shape == (2, 3, 5, 6)
    assert torch.equal(to_input(pictures[1], SPACE.mean, SPACE.std)[0], both[1])
    assert float(both[0, 2, 3, 4]) == pytest.approx((pictures[0, 3, 4, 2] / 255 - 0.3) / 0.5, rel=1e-5)


@pytest.mark.parametrize(
    "picture", [np.zeros((4, 4, 3), np.float32), np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8)]
)
def test_to_input_refuses_what_is_no_rgb_picture(picture):
    with pytest.raises(AttributionError, match="uint8"):
        to_input(picture, SPACE.mean, SPACE.std)
