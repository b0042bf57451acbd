"""A test picture of a dataset on the Explain page: searched for, chosen by its class, its number or a click."""

import numpy as np
import pytest
from streamlit.util import AttributeDictionary

from resnet_core.data.catalog import delete_dataset, load_dataset
from resnet_core.data.sample import sample_indices
from resnet_core.home import default_home


@pytest.fixture
def surveyed(lab, open_page, monkeypatch):
    """The page with two networks on the table. Of the 20 test pictures, whose classes are 0 to 9 twice, the first
    network answers all rightly; the second one answers class 0 always, and is the surer the later the picture."""
    right, wrong = lab.add_twins()

    def ask_each(question, pictures, nets=(), timeout=60.0):
        lab.service.note(question, (pictures, *(net.id for net in nets)))
        rows = np.arange(len(pictures))
        logits = np.zeros((1, len(pictures), 10), np.float32)
        logits[0, rows, rows % 10 if nets[0].id == right.id else 0] = 1 + rows
        yield from (logits[:, :15], logits[:, 15:])

    monkeypatch.setattr(lab.service, "ask_each", ask_each)
    return lambda: open_page("explain", runs=f"{right.id},{wrong.id}")


def shown(at) -> str:
    """The caption under the picture."""
    return at.image[-1].proto.imgs[0].caption


def test_pictures_on_which_the_networks_disagree_the_surest_first(lab, surveyed):
    at = surveyed()
    assert not [question for question, _ in lab.service.asked if question == "survey"]
    at.selectbox(key="picture_search_dots").set_value("disagree").run()
    assert at.number_input(key="picture_number_dots").proto.max == 18
    assert "test picture 19," in shown(at)
    assert "predictions" in at.charts()


def test_a_search_within_one_class_and_back_to_its_first_picture(surveyed):
    at = surveyed()
    at.selectbox(key="picture_search_dots").set_value("most_sure").run()
    at.number_input(key="picture_number_dots").set_value(3).run()
    at.selectbox(key="picture_class_dots").set_value("class 4").run()
    assert at.number_input(key="picture_number_dots").value == 1
    assert "test picture 14," in shown(at)


def test_the_networks_are_asked_once(lab, surveyed):
    at = surveyed()
    for search in ("disagree", "least_sure", "disagree"):
        at.selectbox(key="picture_search_dots").set_value(search).run()
    assert [question for question, _ in lab.service.asked].count("survey") == 2


def test_a_search_in_a_part_of_the_pictures_finds_them_by_their_numbers(lab, surveyed, monkeypatch):
    monkeypatch.setattr("pages.explain.dataset_picture.SEARCHED", 10)
    at = surveyed()
    at.selectbox(key="picture_search_dots").set_value("most_sure").run()
    [(pictures, _), _] = [noted for question, noted in lab.service.asked if question == "survey"]
    last = np.sort(sample_indices(load_dataset("dots", lab.home), "test", 10))[-1]  # of which the networks are surest
    assert len(pictures) == 10 and f"test picture {last}," in shown(at)


def test_a_search_without_a_hit_says_so(surveyed):
    at = surveyed()
    at.selectbox(key="picture_search_dots").set_value("all_wrong").run()
    assert at.says("info", "No test picture")
    assert "predictions" not in at.charts()


def test_a_refused_search_is_said_and_the_page_goes_on(lab, surveyed):
    at = surveyed()
    lab.service.refusal = "The answer takes too long, others may be asking too: try again in a moment."
    at.selectbox(key="picture_search_dots").set_value("disagree").run()
    assert at.says("error", "takes too long")
    lab.service.refusal = ""
    at.run()
    assert "test picture 19," in shown(at)


def test_a_click_on_a_small_picture_chooses_it(surveyed, monkeypatch):
    from pages.explain import dataset_picture

    at = surveyed()
    state = {"strip": AttributeDictionary({"selection": {"points": [{"customdata": [4]}]}})}
    monkeypatch.setattr(dataset_picture.st, "session_state", state)
    dataset_picture.choose_clicked("strip", "number", 18)
    assert state["number"] == 23
    monkeypatch.undo()
    assert "strip_picture_number_dots_0" in at.charts()


def test_one_network_alone_cannot_disagree(lab, open_page):
    at = open_page("explain", runs=lab.add().id)
    assert "The networks disagree" not in at.selectbox(key="picture_search_dots").options
    assert "All of them are wrong" in at.selectbox(key="picture_search_dots").options


def test_a_new_lab_says_that_its_pictures_are_being_drawn(lab, open_page):
    run = lab.add()
    delete_dataset("dots", default_home())
    at = open_page("explain", runs=run.id)
    assert at.says("info", "being drawn")
