import pytest
import torch
import torchvision

from resnet_core.networks.build import build_net
from resnet_core.networks.presets import preset
from resnet_core.networks.spec import NetSpec

VGG_BN = NetSpec("vgg", depth=19, width=64, layout="imagenet", num_classes=1000, image_size=224)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "theirs"), [("alexnet", "alexnet"), ("vgg-19", "vgg19")])
def test_torchvisions_weights_load_and_give_the_same_logits(name, theirs):
    reference = getattr(torchvision.models, theirs)(weights=None)
    net = build_net(preset(name), device="meta")
    net.load_state_dict(reference.state_dict(), strict=True, assign=True)
    images = torch.randn(1, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(net.eval()(images), reference.eval()(images), atol=1e-5, rtol=0)


def test_with_batch_norm_the_names_and_shapes_are_torchvisions_too():
    with torch.device("meta"):
        reference = torchvision.models.vgg19_bn(weights=None)
    net = build_net(VGG_BN, device="meta")
    shapes = {name: tensor.shape for name, tensor in net.state_dict().items()}
    assert shapes == {name: tensor.shape for name, tensor in reference.state_dict().items()}


@pytest.mark.parametrize("name", ["alexnet-at-32", "vgg-19-at-32"])
def test_at_32_pixels_every_pool_still_has_something_to_pool(name):
    net = build_net(preset(name), device="meta")
    sizes = []
    net.features.register_forward_hook(lambda _module, _inputs, output: sizes.append(output.shape[-1]))
    assert net(torch.empty(2, 3, 32, 32, device="meta")).shape == (2, 10)
    assert sizes == [net.avgpool.output_size[0]]
