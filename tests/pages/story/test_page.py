"""The Story page: the idea without any run, the figures with them, the way on."""

from dataclasses import replace

import numpy as np

from pages.parts import reads
from resnet_core.networks.spec import NetSpec


def test_without_runs_it_explains_the_addition_and_offers_to_train(lab, open_page):
    at = open_page("story")
    assert at.charts() == ["addition"]
    assert at.button(key="first_twins")


def test_the_first_twins_are_queued_put_on_the_table_and_shown_on_the_train_page(lab, open_page):
    at = open_page("story")
    at.button(key="first_twins").click().run()
    plain, residual = lab.store.runs()
    assert (plain.name, residual.name) == ("Plain-20", "ResNet-20")
    assert plain.group == residual.group
    assert at.session_state["table"] == [plain.id, residual.id]
    assert at.title[0].value == "Train"


def test_trained_twins_are_drawn_and_their_errors_told(lab, open_page):
    plain, residual = lab.add_twins()
    at = open_page("story")
    assert at.charts() == ["addition", "story_curves", "story_layers"]
    assert at.says("markdown", plain.name, residual.name, "n = 1")
    assert not [button for button in at.button if button.key == "first_twins"]


def test_two_depths_tell_what_more_layers_did(lab, open_page):
    for depth in (8, 14):
        spec = NetSpec(depth=depth, width=4)
        lab.add(spec)
        lab.add(spec.twin())
    at = open_page("story")
    assert at.says("markdown", "from 8 to 14 layers without skips", "with skips")


def test_compare_them_takes_the_storys_runs_along(lab, open_page):
    other = lab.add(NetSpec(depth=14, width=4), dataset="elsewhere")
    twins = lab.add_twins()
    at = open_page("story", runs=other.id)
    at.button(key="story_compare").click().run()
    assert at.title[0].value == "Compare"
    assert at.session_state["table"] == [run.id for run in twins]


def test_a_refusal_to_queue_is_said_on_the_page(lab, open_page, monkeypatch):
    def refuse(*_args):
        from resnet_core.errors import StoreError

        raise StoreError("The disk is full.")

    at = open_page("story")
    monkeypatch.setattr(lab.service, "submit_twins", refuse)
    at.button(key="first_twins").click().run()
    assert at.says("error", "disk is full")


def test_the_gradients_least_moment_in_training_is_told(lab, open_page, monkeypatch):
    """A plain network's gradient that grows towards the picture at first may still vanish later."""
    plain, _ = lab.add_twins()
    read = reads.layers

    def layers(run):
        history = read(run)
        if run.id != plain.id:
            return history
        stats = np.ones_like(history.block_stats)
        stats[0, 1, 0], stats[3, 1, 0] = 50.0, 0.02
        return replace(history, block_stats=stats)

    monkeypatch.setattr(reads, "layers", layers)
    step = read(plain).steps[3]
    at = open_page("story")
    assert at.says("markdown", plain.name, "50.0 times", "0.02", f"at step {step}", "it grows")
