"""Trained networks in memory: built around their weights, asked with pictures."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from resnet_core.errors import DataError, JobError
from resnet_core.networks.build import build_net
from resnet_core.networks.spec import NetSpec
from resnet_core.trained.loaded import load_net
from resnet_core.trained.net import DataFacts, TrainedNet
from resnet_core.training.checkpoint import save_weights

FACTS = DataFacts("dots", tuple("abcdefghij"), (0.5, 0.4, 0.3), (0.2, 0.25, 0.5))
SPECS = [
    NetSpec(depth=8, width=4),
    NetSpec(family="plain", depth=8, norm="none"),
    NetSpec(depth=8, norm="none", init="fixup"),
    NetSpec(family="highway", depth=8, norm="none"),
    NetSpec(depth=8, shortcut="B", merge="exclusive_gate", gate_bias=0.0),
]


def trained(spec: NetSpec) -> TrainedNet:
    return TrainedNet("n", "Net", spec, FACTS, 0)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_a_loaded_network_computes_what_the_saved_one_did(spec: NetSpec) -> None:
    net = build_net(spec, seed=3).eval()
    loaded = load_net(trained(spec), save_weights(net))
    x = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(loaded.module(x), net(x))
    assert not loaded.module.training and all(p.requires_grad for p in loaded.module.parameters())


def test_a_file_is_as_good_as_bytes(tmp_path) -> None:
    net = build_net(SPECS[0], seed=3)
    save_file(net.state_dict(), tmp_path / "net.safetensors")
    loaded = load_net(trained(SPECS[0]), tmp_path / "net.safetensors")
    assert all(torch.equal(value, net.state_dict()[name]) for name, value in loaded.module.state_dict().items())


def test_another_networks_and_damaged_weights_are_a_sentence(tmp_path) -> None:
    weights = save_weights(build_net(replace(SPECS[0], width=8)))
    for wrong in (weights, weights[:-10], b"no weights", tmp_path / "missing.safetensors"):
        with pytest.raises(JobError, match=r"Net|missing\.safetensors"):
            load_net(trained(SPECS[0]), wrong)


def test_pictures_become_its_normalised_input() -> None:
    loaded = load_net(trained(SPECS[0]), save_weights(build_net(SPECS[0])))
    pictures = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    expected = (pictures.transpose(0, 3, 1, 2) / 255 - np.reshape(FACTS.mean, (3, 1, 1))) / np.reshape(
        FACTS.std, (3, 1, 1)
    )
    np.testing.assert_allclose(loaded.input(pictures), expected, atol=1e-5)
    np.testing.assert_array_equal(loaded.input(pictures[0]), loaded.input(pictures[:1]))


def test_a_picture_of_another_size_or_type_is_a_sentence() -> None:
    loaded = load_net(trained(SPECS[0]), save_weights(build_net(SPECS[0])))
    with pytest.raises(DataError, match="32 x 32; this one has 16 x 8"):
        loaded.input(np.zeros((8, 16, 3), np.uint8))
    with pytest.raises(DataError, match="uint8"):
        loaded.input(np.zeros((32, 32, 3)))
