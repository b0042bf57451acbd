"""Networks trained on ImageNet in the lab: at most two in memory, whatever is asked."""

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from resnet_core.attribution import imagenet
from resnet_core.compute.asking import LabLine
from resnet_core.compute.failures import Failure
from resnet_core.compute.lab import QUESTIONS, Lab, Missing, NetKey, Parcel, Whole
from resnet_core.compute.service import Service
from resnet_core.errors import JobError
from resnet_core.networks import presets
from resnet_core.networks.build import build_net
from resnet_core.networks.presets import preset
from resnet_core.training.checkpoint import save_weights

LARGE = replace(preset("resnet-18"), width=4, num_classes=3)
SMALL = replace(LARGE, image_size=32)
FACTS = {"classes": ["a", "b", "c"], "mean": [0.5] * 3, "std": [0.2] * 3}
PICTURE = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)


@pytest.fixture
def lab():
    threads = torch.get_num_threads()
    yield Lab(threads, QUESTIONS | {"describe": "fake_answers:describe"})
    torch.set_num_threads(threads)


@pytest.fixture
def parcel(tmp_path):
    """``parcel("a")``: a network for 224 pixels, its weights in a file."""

    def make(name: str) -> Parcel:
        file = tmp_path / f"{name}.safetensors"
        save_file(build_net(LARGE, seed=ord(name)).state_dict(), file)
        return Parcel(LARGE.to_dict(), file, FACTS)

    return make


def ask(lab: Lab, question: str, names: str, parcels: dict, *args) -> list:
    sent = {NetKey(name, 0): parcel for name, parcel in parcels.items()}
    return list(lab.answer(question, args, [NetKey(name, 0) for name in names], sent))


def here(lab: Lab) -> set[str]:
    return {key.run for key in lab._nets}


def test_the_large_network_asked_longest_ago_makes_room(lab, parcel):
    small = Parcel(SMALL.to_dict(), save_weights(build_net(SMALL)), FACTS)
    ask(lab, "describe", "s", {"s": small})
    for name in "ab":
        ask(lab, "describe", name, {name: parcel(name)})
    ask(lab, "describe", "a", {})
    ask(lab, "describe", "c", {"c": parcel("c")})
    assert here(lab) == {"s", "a", "c"}
    assert isinstance(ask(lab, "describe", "b", {})[0], Missing)


def test_what_made_room_is_out_of_memory(lab, parcel):
    ask(lab, "predict", "a", {"a": parcel("a")}, PICTURE)
    first = weakref.ref(lab._nets[NetKey("a", 0)].net)
    for name in "bc":
        ask(lab, "predict", name, {name: parcel(name)}, PICTURE)
    gc.collect()
    assert first() is None


def test_two_large_networks_of_one_question_stay_together(lab, parcel):
    for name in "ab":
        ask(lab, "describe", name, {name: parcel(name)})
    assert isinstance(ask(lab, "describe", "ac", {"c": parcel("c")})[0], Whole)
    assert here(lab) == {"a", "c"}


def test_a_file_answers_as_the_network_it_was_saved_from(lab, parcel):
    [whole] = ask(lab, "predict", "a", {"a": parcel("a")}, PICTURE)
    net = build_net(LARGE, seed=ord("a")).eval()
    x = (torch.from_numpy(PICTURE).permute(2, 0, 1)[None] / 255 - 0.5) / 0.2
    with torch.no_grad():
        np.testing.assert_allclose(whole.value[0], net(x).softmax(1)[0].numpy(), atol=1e-5)


def test_a_picture_of_another_size_is_a_sentence(lab, parcel):
    [failure] = ask(lab, "predict", "a", {"a": parcel("a")}, PICTURE[:32, :32])
    assert isinstance(failure, Failure) and "224 x 224" in failure.sentence and not failure.details


def test_a_damaged_file_is_a_sentence(lab, parcel):
    made = parcel("a")
    made.weights.write_bytes(made.weights.read_bytes()[:-100])
    [failure] = ask(lab, "predict", "a", {"a": made}, PICTURE)
    assert "a.safetensors is damaged" in failure.sentence and not failure.details
    assert here(lab) == set()


def test_the_trust_of_a_large_network_comes_without_what_takes_minutes(lab, parcel):
    [(_, attribution)] = ask(lab, "explain", "a", {"a": parcel("a")}, PICTURE, ["input_x_gradient"], 1)
    assert [name for name, _ in ask(lab, "trust", "a", {}, PICTURE, attribution)] == ["randomisation"]


@pytest.fixture
def service(ray_running, tmp_path, monkeypatch):
    """A service whose three smallest ResNets trained on ImageNet are tiny and here; the lab for them is not started."""
    (tmp_path / "weights").mkdir()
    for seed, name in enumerate(("resnet-18", "resnet-34", "resnet-50")):
        monkeypatch.setitem(presets.PRESETS, name, replace(presets.PRESETS[name], spec=LARGE))
        save_file(build_net(LARGE, seed=seed).state_dict(), imagenet.weights_file(tmp_path, name))
    (tmp_path / "weights" / "imagenet-classes.json").write_text('["a", "b", "c"]')
    service = Service(tmp_path, warm=False)
    service._lab = LabLine(service.store)
    service._started.set()
    return service


def test_a_page_asks_by_name_and_the_others_lab_stays_free(service):
    ids = ["imagenet:resnet-18", "imagenet:resnet-34"]
    first, second = service.ask("predict", PICTURE, runs=ids)
    assert first.shape == (3,) and first.sum() == pytest.approx(1, abs=1e-5)
    assert not np.allclose(first, second)
    assert service._large_lab is not None


def test_weights_that_are_not_here_and_too_many_networks_are_sentences(service):
    with pytest.raises(JobError, match="VGG-19's weights are not here"):
        service.ask("predict", PICTURE, runs=["imagenet:vgg-19"])
    three = [f"imagenet:{name}" for name in ("resnet-18", "resnet-34", "resnet-50")]
    with pytest.raises(JobError, match="at once"):
        service.ask("predict", PICTURE, runs=three)


def test_weights_asked_for_twice_are_fetched_once(make_service, tmp_path, tools):
    lab = make_service(tmp_path)
    file = imagenet.downloads_folder(tmp_path) / imagenet.NETWORKS["alexnet"].file
    file.parent.mkdir()
    file.write_bytes(b"half of it")
    assert lab.fetch_weights("alexnet") == lab.fetch_weights("alexnet")
    [task] = tools.wait_until(lambda: [task for task in lab.data_tasks() if task.state != "running"])
    assert task.state == "failed" and "checksum" in task.error and task.source == "imagenet:alexnet"
