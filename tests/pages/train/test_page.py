"""The Train page: the order form queues what it says, the cards show what is queued, runs and has ended."""

import threading

import pytest

from pages.parts import machine as machine_line
from pages.parts import starters
from resnet_core.errors import StoreError
from resnet_core.networks.spec import NetSpec
from resnet_core.training.events import EpochEnded


def keys(elements) -> list[str]:
    return [element.key for element in elements]


def order(open_page, kind: str, depth: int):
    """The page with one network chosen, by a link."""
    return open_page("train", kind=kind, depth=str(depth))


def test_with_nothing_trained_it_says_how_to_begin(lab, open_page):
    at = open_page("train")
    assert at.says("markdown", "Nothing has been trained yet")
    assert at.says("markdown", "images/s measured")


def test_before_the_machine_is_ready_the_order_can_be_placed_without_a_price(lab, open_page):
    lab.service.ready = False
    at = open_page("train")
    assert not lab.service.asked
    at.button(key="train").click().run()
    assert [run.state for run in lab.store.runs()] == ["queued", "queued"]


def test_a_price_that_cannot_be_measured_is_said_and_does_not_stop_the_order(lab, open_page):
    lab.service.refusal = "The cost could not be measured: try again in a moment."
    at = open_page("train")
    assert at.says("error", "could not be measured")
    at.button(key="train").click().run()
    assert len(lab.store.runs()) == 2


def test_the_queue_is_there_and_the_form_works_while_the_estimate_is_measured(lab, open_page, monkeypatch):
    run, answer, known = lab.add(until="running"), lab.service.estimate, threading.Event()
    monkeypatch.setattr(lab.service, "estimate", lambda *args, **more: known.wait(60) and answer(*args, **more))
    at = open_page("train")
    assert at.says("caption", "Measuring") and at.charts() == [f"live_{run.id}"]
    at.segmented_control(key="kind").set_value("plain").run()
    at.button(key="train").click().run()
    assert at.says("caption", "Measuring") and lab.store.runs()[-1].name == "Plain-20"
    known.set()
    at.run()
    assert at.says("markdown", "images/s measured") and not at.says("caption", "Measuring")


def test_twins_are_queued_with_one_seed_and_both_lie_on_the_table(lab, open_page):
    at = open_page("train")
    at.number_input(key="seed").set_value(7)
    at.button(key="train").click().run()
    plain, residual = lab.store.runs()
    assert (plain.spec["family"], residual.spec["family"]) == ("plain", "residual")
    assert plain.recipe == residual.recipe and plain.recipe["seed"] == 7
    assert at.session_state["table"] == [plain.id, residual.id]
    assert at.query_params["runs"] == f"{plain.id},{residual.id}"
    assert {f"stop_{plain.id}", f"stop_{residual.id}"} <= set(keys(at.button))


@pytest.mark.parametrize("kind", ["plain", "residual"])
def test_one_network_alone(lab, open_page, kind):
    at = order(open_page, kind, 8)
    at.button(key="train").click().run()
    [run] = lab.store.runs()
    assert (run.spec["family"], run.spec["depth"]) == (kind, 8)


def test_a_network_of_the_papers_and_its_twin(lab, open_page):
    at = open_page("train")
    at.segmented_control(key="kind").set_value("design").run()
    at.selectbox(key="which_network").set_value("preact-110").run()
    at.toggle(key="with_twin").set_value(True).run()
    at.button(key="train").click().run()
    assert [(run.spec["family"], run.spec["skips"]) for run in lab.store.runs()] == [
        ("preact", "none"),
        ("preact", "all"),
    ]


def test_single_skips_are_switched_off_by_their_pills(lab, open_page):
    at = order(open_page, "residual", 20)
    at.pills(key="skips_9").unselect(3).unselect(6).run()
    at.button(key="train").click().run()
    assert lab.store.runs()[0].spec["skips"] == "110110111"


def test_what_is_set_is_what_is_queued(lab, open_page):
    at = order(open_page, "residual", 8)
    at.number_input(key="width").set_value(8)
    at.toggle(key="norm").set_value(False)
    at.number_input(key="epochs_short-4").set_value(2)
    at.number_input(key="lr_short-4").set_value(0.05)
    at.number_input(key="batch_short-4").set_value(64)
    at.toggle(key="augment_short-4").set_value(False).run()
    at.button(key="train").click().run()
    [run] = lab.store.runs()
    assert (run.spec["width"], run.spec["norm"]) == (8, "none")
    recipe = {key: run.recipe[key] for key in ("epochs", "lr", "batch_size", "augment")}
    assert recipe == {"epochs": 2, "lr": 0.05, "batch_size": 64, "augment": False}


def test_the_papers_recipe_counts_steps(lab, open_page):
    at = order(open_page, "residual", 20)
    at.selectbox(key="recipe").set_value("paper").run()
    at.button(key="train").click().run()
    assert lab.store.runs()[0].recipe["steps"] == 64_000


def test_the_last_layer_has_as_many_answers_as_the_data_has_classes(lab, open_page, add_dataset):
    add_dataset("three", classes=3)
    at = order(open_page, "residual", 8)
    at.selectbox(key="dataset").set_value("three").run()
    at.button(key="train").click().run()
    assert lab.store.runs()[0].spec["num_classes"] == 3


def test_cifar10_that_is_not_here_is_offered_and_nothing_can_be_queued(lab, open_page):
    at = open_page("train")
    at.selectbox(key="dataset").set_value("cifar-10").run()
    assert "fetch_cifar10" in keys(at.button)
    assert "train" not in keys(at.button)


def test_a_refusal_to_queue_is_said_beside_the_button(lab, open_page, monkeypatch):
    def refuse(*_args):
        raise StoreError("The disk is full.")

    at = open_page("train")
    monkeypatch.setattr(lab.service, "submit_twins", refuse)
    at.button(key="train").click().run()
    assert at.says("error", "disk is full")


def test_a_running_training_shows_how_far_it_is_and_its_curve(lab, open_page):
    run = lab.add(until="running")
    at = open_page("train")
    assert at.says("markdown", "step 15 of 30")
    assert at.charts() == [f"live_{run.id}"]


def test_stop_then_resume_by_the_buttons(lab, open_page):
    run = lab.add(until="queued")
    at = open_page("train")
    at.button(key=f"stop_{run.id}").click().run()
    assert lab.store.get(run.id).state == "stopped"
    at.button(key=f"resume_{run.id}").click().run()
    assert lab.store.get(run.id).state == "queued"
    assert f"stop_{run.id}" in keys(at.button)


def test_whose_a_training_is_is_said_and_another_s_is_not_stopped_by_one_click(lab, open_page, monkeypatch):
    lab.add(until="running", name="from a shell", origin="cli")
    at = open_page("train", kind="plain", depth="8")
    at.button(key="train").click().run()
    own = lab.store.runs()[-1]
    monkeypatch.setattr(starters, "_session", lambda: "another window")
    other = open_page("train", kind="residual", depth="14")
    other.button(key="train").click().run()
    theirs = lab.store.runs()[-1]
    assert other.says("markdown", "ResNet-14", "yours") and other.says("markdown", "Plain-8", "in another window")
    assert other.says("markdown", "from a shell", "on the command line")
    assert other.button(key=f"stop_{theirs.id}").label == "Stop"
    assert other.button(key=f"stop_{own.id}").label == "Stop it all the same"
    assert other.says("markdown", "was not started in this window")
    other.button(key=f"stop_{own.id}").click().run()
    assert lab.store.get(own.id).state == "stopped"


def test_a_failed_training_says_why(lab, open_page):
    lab.add(until="failed")
    assert open_page("train").says("error", "infinite at step 12 in conv1")


def test_resuming_what_was_deleted_meanwhile_is_said(lab, open_page):
    run = lab.add(until="stopped")
    at = open_page("train")
    lab.store.delete(run.id)
    at.button(key=f"resume_{run.id}").click().run()
    assert at.says("error", run.id)


def test_ended_twins_share_a_card_and_go_to_compare_together(lab, open_page):
    twins = lab.add_twins()
    at = open_page("train")
    at.button(key=f"compare_{twins[0].id}").click().run()
    assert at.title[0].value == "Compare"
    assert at.session_state["table"] == [run.id for run in twins]


def test_of_many_ended_runs_the_newest_are_shown(lab, open_page):
    runs = [lab.add(NetSpec(depth=8, width=4)) for _ in range(6)]
    shown = [key for key in keys(open_page("train").button) if key.startswith("compare_")]
    assert shown == [f"compare_{run.id}" for run in runs[:1:-1]]


def test_the_time_is_that_of_the_share_of_the_machine_and_says_who_else_is_there(lab, open_page):
    assert open_page("train").says("markdown", "for each of the two")
    assert not open_page("train").says("caption", "in work or waiting")
    lab.add(until="running")
    assert open_page("train").says("caption", "1 other training is in work or waiting here")
    lab.add(until="queued")
    assert open_page("train").says("caption", "2 other trainings are in work or waiting here")


@pytest.mark.parametrize("page", ["story", "train", "compare", "explain", "runs"])
def test_a_store_that_cannot_be_read_is_a_sentence_on_every_page(lab, open_page, monkeypatch, page):
    def refuse(*_args):
        raise StoreError("The store was in use by another process: try again in a moment.")

    monkeypatch.setattr(lab.store, "runs", refuse)
    at = open_page(page)
    assert not at.exception and at.says("error", "try again in a moment")


def test_the_last_epoch_is_the_last(lab, open_page):
    run = lab.add(until="running")
    lab.store.record(run.id, [EpochEnded(3, 30, 0.1, 0.2, 0.3, 0.4, 1.5)])
    assert open_page("train").says("markdown", "Epoch 3 · step 30 of 30")


def test_the_page_begins_anew_once_the_machine_is_ready(lab, open_page, monkeypatch):
    begun, real = [], lab.service.machine

    def machine():
        lab.service.ready = bool(begun)  # from the second time that somebody asks
        begun.append(True)
        return real()

    monkeypatch.setattr(lab.service, "machine", machine)
    lines = []
    whole = machine_line.show_machine
    monkeypatch.setattr(machine_line, "show_machine", lambda: (lines.append(True), whole()))
    assert open_page("train").says("markdown", "images/s measured") and len(lines) == 2
