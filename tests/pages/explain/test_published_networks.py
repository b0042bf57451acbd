"""The Explain page with networks trained on ImageNet in place of the runs."""

import io
import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from resnet_core.compute.status import DataTask
from resnet_core.trained import imagenet


def photo(size: tuple[int, int] = (400, 300)) -> tuple[str, bytes, str]:
    ramp = np.tile(np.linspace(0, 255, size[0], dtype=np.uint8)[None, :, None], (size[1], 1, 3))
    data = io.BytesIO()
    Image.fromarray(ramp).save(data, "PNG")
    return "photo.png", data.getvalue(), "image/png"


@pytest.fixture
def fetched(lab, monkeypatch):
    """Notes which weights were asked for; ``fetched.tasks`` are those that the service tells of."""
    found = SimpleNamespace(names=[], tasks=[])
    monkeypatch.setattr(lab.service, "fetch_weights", lambda name: found.names.append(name))
    monkeypatch.setattr(lab.service, "data_tasks", lambda: found.tasks)
    return found


@pytest.fixture
def put_weights(lab):
    """``put_weights("resnet-18")``: they are here, as far as a page looks."""

    def put(*names: str) -> None:
        for name in names:
            file = imagenet.weights_file(lab.home, name)
            file.parent.mkdir(exist_ok=True)
            file.touch()
            imagenet.classes_file(lab.home).write_text(json.dumps([f"thing {index}" for index in range(1000)]))

    return put


@pytest.fixture
def visit(lab, open_page, fetched, monkeypatch):
    """The page with these networks chosen, and none on the table."""
    values = np.full(1000, 0.0001, np.float32)
    values[3] = 0.9
    answer = lab.service.ask

    def ask(question, *args, **wanted):
        found = answer(question, *args, **wanted)
        return [values] if question == "predict" else found

    monkeypatch.setattr(lab.service, "ask", ask)

    def visit(*names: str):
        at = open_page("explain").segmented_control(key="networks_from").set_value("imagenet").run()
        return at.multiselect(key="imagenet_networks").set_value(list(names)).run()

    return visit


def test_the_table_is_not_needed(visit):
    at = visit()
    assert not at.charts() and not at.page_links()
    assert at.says("markdown", "Choose a network")


def test_weights_that_are_not_here_are_offered_with_their_size_and_fetched_once_asked_for(visit, fetched):
    at = visit("resnet-18", "vgg-19")
    assert at.says("info", "ResNet-18 47 MB", "VGG-19 575 MB")
    assert fetched.names == []
    at.button(key="fetch_weights").click().run()
    assert fetched.names == ["resnet-18", "vgg-19"]


def test_what_is_being_fetched_shows_how_far_it_is_and_is_not_offered_again(visit, fetched):
    fetched.tasks = [
        DataTask("t", "Fetching ResNet-18's weights", fraction=0.5, source="imagenet:resnet-18", kind="weights")
    ]
    at = visit("resnet-18")
    assert not [button for button in at.button if button.key == "fetch_weights"]
    assert at.get("progress")


def test_a_fetch_that_failed_says_why_and_can_be_tried_again(visit, fetched):
    fetched.tasks = [
        DataTask("t", "Fetching", "failed", error="put x.pth there", source="imagenet:resnet-18", kind="weights")
    ]
    at = visit("resnet-18")
    assert at.says("error", "put x.pth there")
    assert at.button(key="fetch_weights")


def test_another_networks_failure_and_a_datasets_are_not_told_here(visit, fetched):
    fetched.tasks = [
        DataTask("t", "Fetching", "failed", error="no VGG", source="imagenet:vgg-19", kind="weights"),
        DataTask("u", "Fetching", "failed", error="no CIFAR", source="cifar-10"),
    ]
    assert not visit("resnet-18").error


def test_a_photo_is_answered_and_explained_at_224(lab, visit, put_weights):
    put_weights("resnet-18", "vgg-19")
    at = visit("resnet-18", "vgg-19")
    at.file_uploader(key="picture").set_value(photo()).run()
    assert at.charts() == ["predictions", "maps"]
    assert at.says("caption", "All 2 networks answer thing 3")
    asked = [(question, args[-1], args[0].shape) for question, args in lab.service.asked]
    assert {shape for _, _, shape in asked} == {(224, 224, 3)}
    assert {run for _, run, _ in asked} == {"imagenet:resnet-18", "imagenet:vgg-19"}


def test_the_picture_is_cut_as_published_unless_a_part_is_chosen(lab, visit, put_weights):
    put_weights("resnet-18")
    at = visit("resnet-18")
    at.file_uploader(key="picture").set_value(photo()).run()
    at.slider(key="crop_x_photo.png").set_value(0).run()
    first, second = [args[0] for question, args in lab.service.asked if question == "predict"]
    # 300 pixels in the middle of 400, of which 262; then the leftmost 300, all of them.
    assert first[0, 0, 0] == pytest.approx(255 * 69 / 400, abs=2)
    assert second[0, 0, 0] <= 1 and second[0, -1, 0] == pytest.approx(255 * 300 / 400, abs=2)


def test_a_bad_file_gets_a_sentence(visit, put_weights):
    put_weights("resnet-18")
    at = visit("resnet-18")
    at.file_uploader(key="picture").set_value(("mine.png", b"words", "image/png")).run()
    assert at.says("error", "mine.png") and not at.charts()


def test_several_files_and_the_camera_as_for_the_runs(lab, visit, put_weights):
    put_weights("resnet-18")
    at = visit("resnet-18")
    at.file_uploader(key="picture").set_value([photo(), ("words.png", b"words", "image/png"), photo((300, 300))]).run()
    assert at.says("error", "words.png")
    assert at.selectbox(key="picture_which").options == ["1. photo.png", "2. photo.png"]
    at.segmented_control(key="imagenet_picture_from").set_value("camera").run()
    before = len(lab.service.asked)
    at.camera_input(key="photo").set_value(("photo.jpg", photo((500, 300))[1], "image/jpeg")).run()
    assert {args[0].shape for _, args in lab.service.asked[before:]} == {(224, 224, 3)}


def test_a_test_picture_is_enlarged(lab, visit, put_weights):
    put_weights("resnet-18")
    at = visit("resnet-18")
    at.segmented_control(key="imagenet_picture_from").set_value("dataset").run()
    assert at.charts() == ["predictions", "maps"]
    assert lab.service.asked[0][1][0].shape == (224, 224, 3)


def test_back_to_the_runs_with_a_class_that_they_do_not_know(lab, visit, put_weights):
    run = lab.add()
    put_weights("resnet-18")
    at = visit("resnet-18")
    at.file_uploader(key="picture").set_value(photo()).run()
    at.selectbox(key="target").set_value("thing 3").run()
    assert {args[2] for question, args in lab.service.asked[-3:]} == {3}
    at.multiselect(key="table").set_value([run.id])
    at.segmented_control(key="networks_from").set_value("runs").run()
    assert at.charts()[-2:] == ["predictions", "maps"]
    assert at.selectbox(key="target").value == "first"
