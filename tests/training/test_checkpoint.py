import json
import struct

import pytest
import torch

from resnet_core.errors import TrainingError
from resnet_core.networks.build import build_net
from resnet_core.networks.spec import NetSpec
from resnet_core.training import checkpoint


def test_state_comes_back_bit_for_bit():
    tensors = {
        "net.a": torch.randn(4, 3, 3, 3).contiguous(memory_format=torch.channels_last),
        "net.count": torch.tensor(7),
        "sums": torch.randn(2, 3, dtype=torch.float64),
    }
    meta = {"step": 12, "spec": {"name": "Plain-20 · ünï"}, "epoch_s": 0.1}
    loaded, said = checkpoint.load_checkpoint(checkpoint.save_checkpoint(tensors, meta))
    assert said == meta
    assert loaded.keys() == tensors.keys()
    assert all(torch.equal(loaded[name], tensors[name]) for name in tensors)
    assert loaded["net.a"].dtype == torch.float32
    assert loaded["sums"].dtype == torch.float64


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"abc",
        b"\x80\x04K\x01.",
        b"\xff" * 64,
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 4) + b"{}",
    ],
)
def test_what_is_no_checkpoint_is_refused(data):
    with pytest.raises(TrainingError):
        checkpoint.load_checkpoint(data)
    with pytest.raises(TrainingError):
        checkpoint.load_weights(data, torch.nn.Linear(1, 1))


def test_a_checkpoint_of_another_format_is_refused(monkeypatch):
    monkeypatch.setattr(checkpoint, "FORMAT", 99)
    data = checkpoint.save_checkpoint({"sums": torch.zeros(1)}, {"step": 1})
    monkeypatch.undo()
    with pytest.raises(TrainingError, match="99"):
        checkpoint.load_checkpoint(data)


def test_weights_load_from_weights_and_from_checkpoints(toy_spec):
    net = build_net(toy_spec, seed=3)
    state = {f"net.{name}": tensor for name, tensor in net.state_dict().items()}
    state |= {"momentum.conv1.weight": torch.zeros(1), "sums": torch.zeros(1)}
    for data in (checkpoint.save_weights(net), checkpoint.save_checkpoint(state, {"step": 1})):
        other = build_net(toy_spec, seed=4).to(memory_format=torch.channels_last)
        checkpoint.load_weights(data, other)
        assert all(torch.equal(a, b) for a, b in zip(net.parameters(), other.parameters(), strict=True))
        assert other.conv1.weight.is_contiguous(memory_format=torch.channels_last)


def test_weights_of_another_network_leave_it_as_it_was(toy_spec):
    data = checkpoint.save_weights(build_net(NetSpec(depth=14, width=4, num_classes=3)))
    net = build_net(toy_spec, seed=4)
    before = [p.clone() for p in net.parameters()]
    with pytest.raises(TrainingError, match="another network"):
        checkpoint.load_weights(data, net)
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))


def test_twins_exchange_weights(toy_spec):
    net, twin = build_net(toy_spec, seed=1), build_net(toy_spec.twin(), seed=2)
    checkpoint.load_weights(checkpoint.save_weights(net), twin)
    assert torch.equal(net.fc.weight, twin.fc.weight)


def test_the_description_is_read_without_the_tensors():
    data = checkpoint.save_checkpoint({"sums": torch.zeros(1000)}, {"step": 5})
    assert checkpoint.read_meta(data[:400]) == {"step": 5}
    assert json.dumps(checkpoint.read_meta(checkpoint.save_weights(torch.nn.Linear(1, 1)))) == "{}"
