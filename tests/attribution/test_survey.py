import numpy as np
import pytest
import torch

from resnet_core.attribution import survey as module
from resnet_core.attribution.survey import survey
from resnet_core.networks.build import build_net
from resnet_core.networks.spec import NetSpec


@pytest.fixture
def nets(resnet, normalise, loaded):
    return [
        loaded(resnet[0], normalise.mean, normalise.std),
        loaded(build_net(NetSpec(depth=8), seed=7), (0.1,) * 3, (1.0,) * 3),
    ]


def test_parts_are_the_logits_of_every_network_in_order(nets, monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE", 2)
    pictures = np.random.default_rng(0).integers(256, size=(5, 32, 32, 3), dtype=np.uint8)
    parts = list(survey(nets, pictures))
    assert [part.shape for part in parts] == [(2, 2, 10), (2, 2, 10), (2, 1, 10)]
    with torch.no_grad():
        alone = [net.module.eval()(net.input(pictures)).numpy() for net in nets]
    np.testing.assert_allclose(np.concatenate(parts, axis=1), alone, rtol=1e-4, atol=1e-5)


def test_a_network_is_asked_in_evaluation_mode_and_left_as_it_was(nets):
    module = nets[0].module.train()
    picture = np.zeros((1, 32, 32, 3), np.uint8)
    first, again = next(survey(nets, picture)), next(survey(nets, picture))
    np.testing.assert_array_equal(first, again)
    assert module.training
