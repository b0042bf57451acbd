"""The Explain page: a picture from data or a file, the answers, the maps, one map with its checks."""

import io

import numpy as np
import pytest
from PIL import Image
from streamlit.util import AttributeDictionary

from pages.explain import maps
from resnet_core.errors import NewerWeightsError
from resnet_core.training.events import CheckpointSaved


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


@pytest.fixture
def explained(lab, open_page):
    """The page with a plain and a residual network on the table."""
    twins = lab.add_twins()

    def visit(source: str = "dataset"):
        at = open_page("explain", runs=",".join(run.id for run in twins))
        return at if source == "dataset" else at.segmented_control(key="picture_from").set_value(source).run()

    return visit


def test_without_a_trained_network_it_shows_the_way_to_train(lab, open_page):
    waiting = lab.add(until="queued")
    at = open_page("explain", runs=waiting.id)
    assert not at.charts()
    assert at.page_links() == ["train"]


def test_a_test_picture_is_answered_and_explained_by_each_network(lab, explained):
    at = explained()
    assert at.charts()[1:] == ["predictions", "maps"]
    questions = [question for question, _ in lab.service.asked]
    assert questions.count("predict") == 2 and questions.count("explain") == 2 * 3
    assert at.says("caption", "All 2 networks answer class 3")


def test_what_was_answered_is_not_asked_again(lab, explained):
    at = explained()
    before = len(lab.service.asked)
    at.slider(key="strength").set_value(20).run()
    assert len(lab.service.asked) == before


def test_all_networks_are_asked_about_the_chosen_class(lab, explained):
    at = explained()
    at.selectbox(key="target").set_value("class 7").run()
    assert {args[2] for question, args in lab.service.asked[-6:] if question == "explain"} == {7}


def test_settings_of_a_method_reach_the_question(lab, explained):
    at = explained()
    at.pills(key="methods").set_value(["integrated_gradients"]).run()
    at.selectbox(key="integrated_gradients_baseline").select_index(1).run()
    params = lab.service.asked[-1][1][3]["integrated_gradients"]
    assert params["baseline"] == at.selectbox(key="integrated_gradients_baseline").value


def test_no_method_no_maps(explained):
    at = explained()
    at.pills(key="methods").set_value([]).run()
    assert at.charts()[1:] == ["predictions"] and at.info


def test_the_pictures_of_one_class_can_be_leafed_through(explained):
    at = explained()
    at.selectbox(key="picture_class_dots").set_value("class 4").run()
    assert at.number_input(key="picture_number_dots").proto.max == 2
    at.number_input(key="picture_number_dots").set_value(2).run()
    assert at.charts()[1:] == ["predictions", "maps"]


def test_a_refusal_of_the_lab_is_said_and_the_picture_stays(lab, explained):
    lab.service.refusal = "The answer takes too long, others may be asking too: try again in a moment."
    at = explained()
    assert at.says("error", "takes too long")
    assert at.image


def test_an_uploaded_photo_is_answered(lab, explained):
    photo = Image.fromarray(np.full((60, 80, 3), 90, np.uint8))
    at = explained("upload")
    assert not at.charts()
    at.file_uploader(key="picture").set_value(("photo.jpg", encoded(photo, "JPEG"), "image/jpeg")).run()
    assert at.charts() == ["predictions", "maps"]
    asked = next(args[0] for question, args in lab.service.asked if question == "predict")
    assert asked.shape == (32, 32, 3) and asked.dtype == np.uint8


def test_the_part_of_the_photo_that_is_chosen_is_what_the_network_gets(lab, explained):
    half = np.zeros((64, 128, 3), np.uint8)
    half[:, 64:] = 255
    at = explained("upload")
    at.file_uploader(key="picture").set_value(("half.png", encoded(Image.fromarray(half)), "image/png")).run()
    at.slider(key="crop_x_half.png").set_value(100).run()
    asked = [args[0] for question, args in lab.service.asked if question == "predict"][-1]
    assert asked.min() == 255


BAD = {
    "a text": b"just some words",
    "empty": b"",
    "cut off": encoded(Image.effect_noise((200, 200), 50).convert("RGB"), "JPEG")[:900],
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_gets_a_sentence_with_its_name_and_leaves_the_page_usable(explained, kind):
    at = explained("upload")
    at.file_uploader(key="picture").set_value(("mine.png", BAD[kind], "image/png")).run()
    assert at.says("error", "mine.png")
    good = encoded(Image.new("RGB", (40, 40), "red"))
    at.file_uploader(key="picture").set_value(("good.png", good, "image/png")).run()
    assert at.charts() == ["predictions", "maps"]


@pytest.mark.parametrize("mode", ["L", "CMYK", "P", "RGBA", "I;16"])
def test_every_common_kind_of_picture_is_taken(explained, mode):
    picture = Image.new(mode, (40, 40)) if mode == "I;16" else Image.new("RGB", (40, 40), "red").convert(mode)
    kind = "JPEG" if mode == "CMYK" else "PNG"
    name = f"mine.{kind.lower()}"
    at = explained("upload")
    at.file_uploader(key="picture").set_value((name, encoded(picture, kind), "image/png")).run()
    assert not at.error
    assert at.charts() == ["predictions", "maps"]


def test_a_clicked_map_opens_large_and_its_checks_are_told(lab, explained):
    at = explained()
    run = lab.runs[1]
    at.session_state["maps"] = AttributeDictionary({"selection": {"points": [{"customdata": [run, "grad_cam"]}]}})
    at.run()
    assert at.charts()[-1] == "map"
    assert at.says("caption", "computed at 8 × 8, enlarged")
    at.toggle(key="trust").set_value(True).run()
    assert at.says("markdown", "0.010", "2.00")
    assert at.says("markdown", "0.90", "hardly depends")


def test_networks_that_know_other_classes_are_left_out_and_it_says_so(lab, open_page):
    one, other = lab.add_twins()
    lab.store.set_facts(other.id, {**other.facts, "classes": [f"kind {i}" for i in range(10)]})
    at = open_page("explain", runs=f"{one.id},{other.id}")
    assert at.says("caption", "left out")
    assert [question for question, _ in lab.service.asked].count("predict") == 1


def test_the_maps_can_be_saved_as_a_picture_with_captions_and_as_arrays(explained, monkeypatch):
    made = {}
    monkeypatch.setattr(maps.st, "download_button", lambda label, data, **kwargs: made.update({label: data}))
    explained()
    picture = Image.open(io.BytesIO(made["Picture (.png)"]()))
    assert picture.format == "PNG" and picture.width > 4 * 400
    arrays = np.load(io.BytesIO(made["Arrays (.npz)"]()))
    assert len(arrays.files) == 2 + 2 * 3


def test_weights_that_newer_ones_have_replaced_meanwhile_give_way_to_them(lab, open_page, monkeypatch):
    run, asked = lab.add(until="running"), []
    real = lab.service.ask

    def ask(question, *args, nets=(), **more):
        if not asked:  # the training goes on between the page's look at the store and its question
            lab.store.record(run.id, [CheckpointSaved(30, 3, b"state")])
        asked.extend(nets)
        if any(net.weights_version != lab.store.get(net.id).weights_step for net in nets):
            raise NewerWeightsError("It has learned on meanwhile.")
        return real(question, *args, nets=nets, **more)

    monkeypatch.setattr(lab.service, "ask", ask)
    at = open_page("explain", runs=run.id)
    assert not at.error and "maps" in at.charts()
    assert [net.weights_version for net in asked][:2] == [10, 30] and asked[-1].weights_version == 30
