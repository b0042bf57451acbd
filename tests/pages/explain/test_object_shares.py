"""The share of attribution on the object, as a table that grows."""

import numpy as np
import pytest

from resnet_core.data import storage

CLASSES = tuple(f"class {i}" for i in range(10))


@pytest.fixture
def marked(lab, monkeypatch):
    """A dataset whose objects are the left quarter of each picture; a network's share there is the mean of its mask
    and a half, but nothing in the first picture."""
    rng = np.random.default_rng(0)
    masks = np.zeros((60, 32, 32), bool)
    masks[:, :, :8] = True
    with storage.new_folder(lab.home) as folder:
        for part, count in (("train", 40), ("test", 60)):
            storage.save_array(folder, f"x_{part}", rng.integers(0, 256, (count, 32, 32, 3), np.uint8))
            storage.save_array(folder, f"y_{part}", np.arange(count) % 10)
        storage.save_array(folder, "test_masks", masks)
        storage.commit(folder, lab.home, name="marked", title="Marked", classes=CLASSES, source="Noise for a test.")

    def ask_each(question, pictures, masks, targets, methods, params, nets=(), timeout=60.0):
        lab.service.note(question, (pictures, masks, targets, methods, params, *(net.id for net in nets)))
        shares = masks.mean((1, 2)) + 0.5
        shares[0] = np.nan
        yield {"shares": shares}

    monkeypatch.setattr(lab.service, "ask_each", ask_each)


def test_it_is_measured_only_when_asked(lab, marked, open_page):
    one, other = lab.add_twins(dataset="marked")
    at = open_page("explain", runs=f"{one.id},{other.id}")
    assert "object_shares" not in [question for question, _ in lab.service.asked]
    at.button(key="measure_shares").click().run()
    table = at.dataframe[0].value
    assert len(table) == 2 * 3
    assert set(table["On the object"]) == {"75.0 %"} and set(table["Chance"]) == {"25.0 %"}
    assert set(table["Pictures"]) == {60 - 3}, "each question's first map was empty"


def test_the_true_classes_are_asked_about_and_asked_once(lab, marked, open_page):
    at = open_page("explain", runs=lab.add(dataset="marked").id)
    at.pills(key="methods").set_value(["saliency"]).run()
    at.button(key="measure_shares").click().run()
    asked = [args for question, args in lab.service.asked if question == "object_shares"]
    assert sorted(target for args in asked for target in args[2]) == sorted(list(range(10)) * 6)
    at.slider(key="strength").set_value(20).run()
    assert at.dataframe
    assert len([q for q, _ in lab.service.asked if q == "object_shares"]) == len(asked)


def test_other_methods_are_not_measured_unasked(lab, marked, open_page):
    at = open_page("explain", runs=lab.add(dataset="marked").id)
    at.button(key="measure_shares").click().run()
    at.pills(key="methods").set_value(["occlusion"]).run()
    assert not at.dataframe


def test_data_without_marked_objects_offer_no_table(lab, open_page):
    at = open_page("explain", runs=lab.add().id)
    assert "measure_shares" not in [button.key for button in at.button]
