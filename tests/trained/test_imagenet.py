import hashlib
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torchvision import models

from resnet_core.data import download, storage
from resnet_core.data.download import downloads_folder
from resnet_core.errors import DataError
from resnet_core.networks import presets
from resnet_core.networks.build import build_net
from resnet_core.networks.spec import NetSpec
from resnet_core.trained import imagenet
from resnet_core.trained.imagenet_weights import fetch_weights

TINY = NetSpec(depth=8, width=4, num_classes=3)
NAME = "resnet-18"
CLASSES = ["cat", "dog", "ship"]


@pytest.mark.parametrize("name", imagenet.NETWORKS)
def test_the_table_says_what_torchvision_publishes(name):
    row = imagenet.NETWORKS[name]
    weights = models.get_weight(row.weights)
    assert Path(weights.url).name == row.file
    assert len(row.checksum.digits) == 8 and row.checksum.digits in row.file
    assert row.bytes == pytest.approx(weights.meta["_file_size"] * 2**20, rel=1e-6)
    assert row.error == pytest.approx(1 - weights.meta["_metrics"]["ImageNet-1K"]["acc@1"] / 100)
    transforms = weights.transforms()
    assert (transforms.resize_size, transforms.crop_size) == ([imagenet.RESIZED], [imagenet.SIDE])
    assert (tuple(transforms.mean), tuple(transforms.std)) == (imagenet.MEAN, imagenet.STD)


def test_a_network_that_is_not_published_is_a_sentence_with_those_that_are():
    with pytest.raises(DataError, match=r"plain-34.*alexnet.*resnet-152"):
        imagenet.published("imagenet:plain-34")


def test_the_picture_is_cut_as_torchvision_does():
    ramp = np.linspace(0, 255, 300, dtype=np.uint8)
    square = np.broadcast_to(ramp[None, :, None], (300, 300, 3)).copy()
    pixels = imagenet.center_crop(square)
    expected = models.ResNet50_Weights.IMAGENET1K_V1.transforms()(torch.from_numpy(square).permute(2, 0, 1))
    mean, std = np.array(imagenet.MEAN), np.array(imagenet.STD)
    assert pixels.shape == (224, 224, 3) and pixels.dtype == np.uint8
    np.testing.assert_allclose((pixels / 255 - mean) / std, expected.permute(1, 2, 0).numpy(), atol=0.02)


@pytest.fixture
def weights(tmp_path):
    """A tiny network's state dict as torch saves it."""
    path = tmp_path / "made" / "tiny.pth"
    path.parent.mkdir()
    torch.save(build_net(TINY, seed=3).state_dict(), path)
    return path.read_bytes()


@pytest.fixture
def server(weights, file_server, monkeypatch):
    """The tiny network in place of ResNet-18, published on this machine."""
    file_server.content = weights
    publish(monkeypatch, weights, f"{file_server.url}/tiny.pth")
    return file_server


def publish(monkeypatch, content: bytes, url: str) -> None:
    monkeypatch.setitem(presets.PRESETS, NAME, replace(presets.PRESETS[NAME], spec=TINY))
    file = f"tiny-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    row = replace(imagenet.NETWORKS[NAME], file=file, bytes=len(content))
    monkeypatch.setitem(imagenet.NETWORKS, NAME, row)
    found = SimpleNamespace(url=url, meta={"categories": CLASSES})
    monkeypatch.setattr(models, "get_weight", lambda name: found)


def put_file(home: Path, content: bytes) -> Path:
    path = downloads_folder(home) / imagenet.NETWORKS[NAME].file
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def left_behind(home: Path) -> list[str]:
    folders = (home / "weights", storage.datasets_folder(home))
    return sorted(path.name for folder in folders if folder.exists() for path in folder.iterdir())


def test_a_download_becomes_safetensors_with_its_classes_and_leaves_nothing_else(tmp_path, server):
    told = []
    path = fetch_weights(tmp_path, NAME, lambda what, fraction: told.append(fraction))
    assert told == sorted(told) and told[0] >= 0 and told[-1] <= 1
    kept, expected = load_file(path), build_net(TINY, seed=3).state_dict()
    assert kept.keys() == expected.keys()
    assert all(torch.equal(kept[key], value) for key, value in expected.items())
    assert imagenet.is_here(tmp_path, NAME)
    assert imagenet.published_net(tmp_path, NAME).facts.classes == tuple(CLASSES)
    assert left_behind(tmp_path) == ["imagenet-classes.json", f"{NAME}.safetensors"]


def test_what_is_here_is_not_fetched_again(tmp_path, server):
    first = fetch_weights(tmp_path, NAME)
    server.behaviour = "missing"
    assert fetch_weights(tmp_path, NAME) == first


def test_a_published_network_can_be_asked_like_a_run(tmp_path):
    imagenet.classes_file(tmp_path).parent.mkdir()
    imagenet.classes_file(tmp_path).write_text(json.dumps(CLASSES))
    net = imagenet.published_net(tmp_path, "imagenet:resnet-50")
    assert (net.id, net.name, net.spec.depth, net.is_large) == ("imagenet:resnet-50", "ResNet-50", 50, True)
    assert net.facts.classes == tuple(CLASSES) and net.facts.mean == imagenet.MEAN


def test_before_any_weights_are_here_nobody_knows_the_classes(tmp_path):
    with pytest.raises(DataError, match="fetch"):
        imagenet.published_net(tmp_path, NAME)


@pytest.mark.parametrize("behaviour", ["missing", "cut", "changed"])
def test_a_failed_download_says_the_way_out_leaves_nothing_and_can_be_tried_again(tmp_path, server, behaviour):
    server.behaviour = behaviour
    with pytest.raises(DataError, match=rf"put {imagenet.NETWORKS[NAME].file} into .*downloads"):
        fetch_weights(tmp_path, NAME)
    assert left_behind(tmp_path) == [] and not imagenet.is_here(tmp_path, NAME)
    server.behaviour = "whole"
    assert fetch_weights(tmp_path, NAME).is_file()


def test_a_download_that_stands_still_is_given_up(tmp_path, server, monkeypatch):
    monkeypatch.setattr(download, "STALLED_S", 0.5)
    server.behaviour = "stuck"
    with pytest.raises(DataError, match="stands still"):
        fetch_weights(tmp_path, NAME)
    assert left_behind(tmp_path) == []


def test_without_a_network_a_file_put_there_is_used(tmp_path, weights, monkeypatch):
    publish(monkeypatch, weights, "http://127.0.0.1:9/tiny.pth")
    with pytest.raises(DataError, match="could not be downloaded"):
        fetch_weights(tmp_path, NAME)
    file = put_file(tmp_path, weights)
    assert fetch_weights(tmp_path, NAME).is_file()
    assert file.is_file()  # it is the person's


def test_a_wrong_file_put_there_is_named(tmp_path, weights, monkeypatch):
    publish(monkeypatch, weights, "http://127.0.0.1:9/tiny.pth")
    file = put_file(tmp_path, weights[:-1])
    with pytest.raises(DataError, match=f"{file.name}.*checksum"):
        fetch_weights(tmp_path, NAME)
    assert left_behind(tmp_path) == []


def test_another_networks_weights_are_refused(tmp_path, monkeypatch, weights):
    other = tmp_path / "made" / "other.pth"
    torch.save(build_net(replace(TINY, width=8)).state_dict(), other)
    publish(monkeypatch, other.read_bytes(), "http://127.0.0.1:9/tiny.pth")
    put_file(tmp_path, other.read_bytes())
    with pytest.raises(DataError, match="no weights of ResNet-18"):
        fetch_weights(tmp_path, NAME)
    assert left_behind(tmp_path) == []


def test_a_pickle_that_would_run_something_is_refused(tmp_path, monkeypatch):
    class Evil:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    torch.save({"conv1.weight": Evil()}, tmp_path / "evil.pth")
    content = (tmp_path / "evil.pth").read_bytes()
    publish(monkeypatch, content, "http://127.0.0.1:9/tiny.pth")
    put_file(tmp_path, content)
    with pytest.raises(DataError, match="no weights"):
        fetch_weights(tmp_path, NAME)
    assert not (tmp_path / "ran").exists()
