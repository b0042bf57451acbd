import hashlib

import numpy as np
import pytest
import torch

from resnet_core.data.normalise import Normalise, per_channel
from resnet_core.errors import DataError

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)  # CIFAR-10's


def bytes_0_to_255():
    """All bytes, each in all channels, as one picture (1, 16, 16, 3)."""
    return torch.arange(256).to(torch.uint8).view(1, 16, 16, 1).repeat(1, 1, 1, 3)


def test_mean_and_deviation_are_taken_off_channel_by_channel():
    images = np.random.default_rng(0).integers(256, size=(2, 5, 6, 3), dtype=np.uint8)
    x = Normalise(MEAN, STD)(images)
    assert x.shape == (2, 3, 5, 6) and x.dtype == torch.float32
    assert x.is_contiguous(memory_format=torch.channels_last)
    by_hand = (images / 255 - np.array(MEAN)) / np.array(STD)
    np.testing.assert_allclose(x.permute(0, 2, 3, 1), by_hand, rtol=1e-5, atol=1e-6)


def test_the_bits_are_those_that_the_shipped_runs_were_trained_on():
    """Recorded from the code that trained them."""
    x = Normalise(MEAN, STD)(bytes_0_to_255())
    assert x[0, :, 0, 1].tolist() == [-1.9735969305038452, -1.9641824960708618, -1.691813588142395]
    digest = hashlib.sha256(x.permute(0, 2, 3, 1).contiguous().numpy().tobytes()).hexdigest()
    assert digest == "8a2600e414e2e3cf79b5a0e1a6b8940e375e7057927b810a3d9a4af3442a7515"


def test_a_network_for_larger_pictures_gets_them_enlarged():
    x = Normalise(MEAN, STD, image_size=32)(bytes_0_to_255())
    assert x.shape == (1, 3, 32, 32)
    np.testing.assert_allclose(x[0, :, 5, 9], [-1.3504325, -1.3320611, -1.1034282], rtol=1e-5)
    assert torch.equal(Normalise(MEAN, STD, image_size=16)(bytes_0_to_255()), Normalise(MEAN, STD)(bytes_0_to_255()))


def test_there_and_back():
    normalise = Normalise(MEAN, STD)
    pixels = torch.rand(2, 3, 8, 9, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(normalise.inverse(normalise.from_unit(pixels)), pixels)
    back = normalise.inverse(normalise(bytes_0_to_255())) * 255
    torch.testing.assert_close(back, bytes_0_to_255().permute(0, 3, 1, 2).float(), rtol=0, atol=1e-4)


def test_black_pixels_and_black_bytes_are_the_same_input():
    """Else a black pixel would differ from a black baseline by rounding noise."""
    normalise = Normalise(MEAN, STD)
    black = np.zeros((1, 4, 4, 3), np.uint8)
    assert torch.equal(normalise(black), normalise.from_unit(torch.zeros(1, 3, 4, 4)))


def test_given_pictures_are_left_alone():
    images = bytes_0_to_255()
    Normalise(MEAN, STD)(images)
    assert torch.equal(images, bytes_0_to_255())
    read_only = images.numpy().copy()
    read_only.flags.writeable = False
    assert Normalise(MEAN, STD)(read_only).shape == (1, 3, 16, 16)


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((1, 4, 4, 3), np.float32),
        np.zeros((4, 4, 3), np.uint8),
        np.zeros((1, 4, 4, 4), np.uint8),
        np.zeros((0, 4, 4, 3), np.uint8),
    ],
)
def test_what_is_no_batch_of_rgb_pictures_is_refused(images):
    with pytest.raises(DataError, match="uint8"):
        Normalise(MEAN, STD)(images)


def test_per_channel_broadcasts_over_pictures():
    like = torch.zeros(2, 3, 4, 4, dtype=torch.float64)
    values = per_channel((1.0, 2.0, 3.0), like)
    assert values.dtype == torch.float64
    assert (like + values)[1, :, 2, 3].tolist() == [1, 2, 3]
