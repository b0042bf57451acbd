"""A person's own picture on the Explain page: several files, the newest of them, the camera."""

import io

import pytest
from PIL import Image

from pages.explain.own_pictures import MOST_FILES, camera_allowed


def png(color: str) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (40, 40), color).save(data, "PNG")
    return data.getvalue()


def test_of_several_files_one_is_chosen_and_the_bad_ones_are_told(lab, open_page):
    at = open_page("explain", runs=lab.add().id)
    at.segmented_control(key="picture_from").set_value("upload").run()
    files = [("red.png", png("red")), ("words.png", b"just words"), ("blue.png", png("blue")), ("empty.png", b"")]
    at.file_uploader(key="picture").set_value([(name, data, "image/png") for name, data in files]).run()
    assert at.says("error", "words.png") and at.says("error", "empty.png") and len(at.error) == 2
    asked = [args[0] for question, args in lab.service.asked if question == "predict"]
    assert asked[-1][0, 0].tolist() == [255, 0, 0]
    at.selectbox(key="picture_which").select_index(1).run()
    asked = [args[0] for question, args in lab.service.asked if question == "predict"]
    assert asked[-1][0, 0].tolist() == [0, 0, 255]


def test_too_many_files_are_not_all_read(lab, open_page):
    at = open_page("explain", runs=lab.add().id)
    at.segmented_control(key="picture_from").set_value("upload").run()
    files = [(f"{i}.png", png("red"), "image/png") for i in range(MOST_FILES + 1)]
    at.file_uploader(key="picture").set_value(files).run()
    assert at.says("warning", str(MOST_FILES), str(MOST_FILES + 1))
    assert len(at.selectbox(key="picture_which").options) == MOST_FILES


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://lab.example/explain", True),
        ("http://localhost:8501/explain", True),
        ("http://127.0.0.1:8501", True),
        ("http://[::1]:8501", True),
        ("http://192.168.1.5:8501/explain", False),
        ("http://lab.example/explain", False),
        (None, True),
    ],
)
def test_the_camera_is_offered_where_browsers_lend_it(url, allowed):
    assert camera_allowed(url) is allowed


def test_a_link_can_ask_for_an_upload(lab, open_page):
    at = open_page("explain", runs=lab.add().id, picture_from="Upload")
    assert at.file_uploader(key="picture")


def asked(lab) -> list[int]:
    """The colour of the picture that a network was last asked about."""
    return [args[0] for question, args in lab.service.asked if question == "predict"][-1][0, 0].tolist()


def test_the_newest_file_is_shown_until_another_is_chosen_and_the_rest_when_it_is_gone(lab, open_page):
    at = open_page("explain", runs=lab.add().id)
    at.segmented_control(key="picture_from").set_value("upload").run()
    at.file_uploader(key="picture").set_value([("red.png", png("red"), "image/png")]).run()
    assert asked(lab) == [255, 0, 0]
    at.file_uploader(key="picture").set_value(
        [("red.png", png("red"), "image/png"), ("blue.png", png("blue"), "image/png")]
    ).run()
    at.selectbox(key="picture_which").select_index(1).run()
    at.file_uploader(key="picture").set_value([("lime.png", png("lime"), "image/png")]).run()
    assert asked(lab) == [0, 255, 0] and not [box for box in at.selectbox if box.key == "picture_which"]


def test_a_photo_of_the_camera_is_answered(lab, open_page):
    at = open_page("explain", runs=lab.add().id)
    at.segmented_control(key="picture_from").set_value("camera").run()
    at.camera_input(key="photo").set_value(("photo.jpg", png("blue"), "image/jpeg")).run()
    assert asked(lab) == [0, 0, 255]
