import torch

from resnet_core.networks.layers import ZeroPad


def test_option_a_keeps_every_second_pixel_and_pads_with_zeros():
    x = torch.randn(2, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    out = ZeroPad(4, 7, stride=2)(x)
    assert out.shape == (2, 7, 2, 2)
    assert torch.equal(out[:, :4], x[:, :, ::2, ::2])
    assert not out[:, 4:].any()
