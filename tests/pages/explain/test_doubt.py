"""What is said of a picture that is unlike those a network knows."""

import io

import numpy as np
import pytest
from PIL import Image

from resnet_core.data.catalog import load_dataset
from resnet_core.data.sample import sample_indices


def png(color: str) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (40, 40), color).save(data, "PNG")
    return data.getvalue()


@pytest.fixture
def judged(lab, open_page, monkeypatch):
    """``judged(score)``: the page with an upload whose best score is this; the 20 test pictures score 1 to 20."""
    run = lab.add()

    def survey(pictures, best):
        logits = np.zeros((1, len(pictures), 10), np.float32)
        logits[0, :, 2] = best
        return logits

    def visit(score):
        def ask_each(question, pictures, nets=(), timeout=60.0):
            lab.service.note(question, (pictures, *(net.id for net in nets)))
            yield survey(pictures, 1 + np.arange(len(pictures)))

        real = lab.service.ask
        monkeypatch.setattr(lab.service, "ask_each", ask_each)
        monkeypatch.setattr(
            lab.service, "ask", lambda q, *a, **k: [survey(a[0], score)] if q == "survey" else real(q, *a, **k)
        )
        at = open_page("explain", runs=run.id)
        at.segmented_control(key="picture_from").set_value("upload").run()
        return at.file_uploader(key="picture").set_value([("mine.png", png("red"), "image/png")]).run()

    return visit


@pytest.mark.parametrize(("score", "words"), [(0.5, ("any", "20")), (1.5, ("95 %", "20"))])
def test_a_picture_that_scores_below_the_networks_own_is_doubted(judged, score, words):
    assert judged(score).says("warning", "likely", *words)


def test_a_picture_that_scores_like_the_networks_own_is_not(judged):
    at = judged(2.5)
    assert not at.warning and "predictions" in at.charts()


def test_it_is_compared_with_test_pictures_from_all_over_the_dataset(lab, judged, monkeypatch):
    """The first ones would be of the first classes only: imported folders are written class by class."""
    monkeypatch.setattr("pages.explain.doubt.COMPARED", 10)
    assert judged(0.5).says("warning", "likely", "10 test pictures")
    [pictures] = [noted[0] for question, noted in lab.service.asked if question == "survey"]
    dataset = load_dataset("dots", lab.home)
    np.testing.assert_array_equal(pictures, dataset.x_test[np.sort(sample_indices(dataset, "test", 10))])
    assert (pictures != dataset.x_test[:10]).any()


def test_a_test_picture_of_the_networks_own_data_is_not_questioned(lab, open_page):
    at = open_page("explain", runs=lab.add().id)
    assert not at.warning
    assert "survey" not in [question for question, _ in lab.service.asked]


@pytest.mark.parametrize(("score", "doubted"), [(0.5, True), (4.5, True), (7.5, False)])
def test_without_its_data_a_shipped_network_goes_by_what_was_noted(lab, open_page, monkeypatch, score, doubted):
    run = lab.add(dataset="gone")
    lab.store.set_facts(run.id, run.facts | {"best_scores": [float(level) for level in range(101)]})
    logits = np.zeros((1, 1, 10), np.float32)
    logits[0, 0, 2] = score
    real = lab.service.ask
    monkeypatch.setattr(lab.service, "ask", lambda q, *a, **k: [logits] if q == "survey" else real(q, *a, **k))
    at = open_page("explain", runs=run.id)
    at.segmented_control(key="picture_from").set_value("upload").run()
    at.file_uploader(key="picture").set_value([("mine.png", png("red"), "image/png")]).run()
    assert bool(at.warning) == doubted


def test_without_its_data_nothing_is_said(lab, open_page):
    at = open_page("explain", runs=lab.add(dataset="gone").id)
    assert "survey" not in [question for question, _ in lab.service.asked]
    assert at.charts()[-1] == "maps"
