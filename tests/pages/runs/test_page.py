"""The page on runs and data: find, rename, tag, delete and exchange runs; every dataset with its samples."""

import io

import numpy as np
import pytest

from pages.parts import starters
from resnet_core.compute.status import DataTask
from resnet_core.data.importing import import_dataset
from resnet_core.gallery.shipped import install as ships
from resnet_core.networks.spec import NetSpec
from resnet_core.training.recipe import preset


def pick(at, *rows: int):
    """Ticks rows of the list of runs, newest first."""
    at.session_state[at.dataframe[0].key] = {"selection": {"rows": list(rows)}}
    return at.run()


def test_without_runs_it_says_so_and_shows_the_datasets(lab, open_page):
    at = open_page("runs")
    assert at.info
    titles = " ".join(element.value for element in at.markdown)
    assert all(name in titles for name in ("Shapes-10", "CIFAR-10", "Dots"))


def test_a_dataset_says_how_much_there_is_of_it(lab, open_page):
    assert open_page("runs").says("markdown", "Dots", "10 classes", "40 training", "20 test", "B")


def test_the_list_says_when_in_the_visitors_own_time(lab, open_page):
    run = lab.add()
    [created] = open_page("runs").dataframe[0].value["created"]
    assert created.tz is not None and created.timestamp() == pytest.approx(run.created, abs=1)


def test_the_list_is_newest_first_and_searchable(lab, open_page):
    first, second = lab.add(name="first"), lab.add(name="second", tags=("lesson",))
    at = open_page("runs")
    assert at.dataframe[0].value["id"].tolist() == [second.id, first.id]
    at.text_input(key="search").set_value("LESSON done").run()
    assert at.dataframe[0].value["id"].tolist() == [second.id]
    at.text_input(key="search").set_value("no such thing").run()
    assert at.dataframe[0].value.empty


def test_a_picked_run_is_renamed_and_tagged(lab, open_page):
    run = lab.add()
    at = pick(open_page("runs"), 0)
    at.text_input(key=f"name_{run.id}").set_value("the good one")
    at.multiselect(key=f"tags_{run.id}").set_value(["lesson 3"])
    at.button(key=f"save_{run.id}").click().run()
    kept = lab.store.get(run.id)
    assert (kept.name, kept.tags) == ("the good one", ("lesson 3",))


def test_a_run_cannot_lose_its_name(lab, open_page):
    run = lab.add()
    at = pick(open_page("runs"), 0)
    at.text_input(key=f"name_{run.id}").set_value("  ")
    at.button(key=f"save_{run.id}").click().run()
    assert at.says("error", "name")
    assert lab.store.get(run.id).name == run.name


def test_a_picked_run_goes_on_the_table(lab, open_page):
    run = lab.add()
    at = pick(open_page("runs"), 0)
    at.button(key="put").click().run()
    assert at.session_state["table"] == [run.id]


def test_delete_asks_first_then_removes_run_files_and_place_on_the_table(lab, open_page):
    gone, kept = lab.add(), lab.add()
    at = pick(open_page("runs", runs=f"{gone.id},{kept.id}"), 1)
    assert at.says("markdown", "cannot be undone")
    assert len(lab.store.runs()) == 2
    at.button(key="delete").click().run()
    assert [run.id for run in lab.store.runs()] == [kept.id]
    assert not lab.store.folder(gone.id).exists()
    assert at.session_state["table"] == [kept.id]


def test_after_a_deletion_nothing_else_is_picked_in_its_place(lab, open_page):
    lab.add()
    lab.add()
    at = pick(open_page("runs"), 0)
    at.button(key="delete").click().run()
    assert "delete" not in [button.key for button in at.button]


def test_a_training_in_work_cannot_be_deleted(lab, open_page):
    lab.add(until="running")
    at = pick(open_page("runs"), 0)
    assert "delete" not in [button.key for button in at.button]
    assert at.says("caption", "Stop")


def test_several_runs_are_deleted_together(lab, open_page):
    for _ in range(3):
        lab.add()
    at = pick(open_page("runs"), 0, 2)
    at.button(key="delete").click().run()
    assert len(lab.store.runs()) == 1


@pytest.mark.parametrize("data", [b"no bundle at all", b""])
def test_what_is_no_exported_run_is_refused_with_a_sentence(lab, open_page, data):
    at = open_page("runs")
    at.file_uploader(key="bundle").set_value(("mine.skiprun", data, "application/zip")).run()
    at.button(key="import_bundle").click().run()
    assert at.error
    assert not lab.store.runs()


def test_an_upload_of_data_is_handed_to_a_task(lab, open_page, monkeypatch):
    started = []
    monkeypatch.setattr(lab.service, "import_path", lambda path: started.append(path))
    at = open_page("runs")
    arrays = io.BytesIO()
    np.savez(arrays, x_train=np.zeros(1))
    at.file_uploader(key="own_upload").set_value(("../mine.npz", arrays.getvalue(), "application/zip")).run()
    at.button(key="own_add").click().run()
    [path] = started
    assert path.is_relative_to(lab.home / "uploads") and path.name == "mine.npz"


def test_a_task_shows_how_far_it_is_and_why_it_failed(lab, open_page, monkeypatch):
    tasks = [
        DataTask("1", "Fetching CIFAR-10", fraction=0.4, message="12 of 170 MB"),
        DataTask("2", "Importing mine.zip", state="failed", error="There is only one class, 'rose'."),
    ]
    monkeypatch.setattr(lab.service, "data_tasks", lambda: tasks)
    at = open_page("runs")
    assert any("12 of 170 MB" in bar.proto.text for bar in at.get("progress"))
    assert at.says("error", "only one class")


def test_whose_tasks_they_are_is_said_and_the_failures_of_others_are_theirs(lab, open_page, monkeypatch):
    tasks = [
        DataTask("1", "Importing mine.zip", message="2 of 9 pictures"),
        DataTask("2", "Importing theirs.zip", message="3 of 9 pictures"),
        DataTask("3", "Importing theirs.zip", state="failed", error="There is only one class, 'rose'."),
        DataTask("4", "Drawing Shapes-10", state="failed", error="The disk is full."),  # by the lab itself
    ]
    monkeypatch.setattr(lab.service, "data_tasks", lambda: tasks)
    for window, started in (("mine", ("1",)), ("theirs", ("2", "3"))):
        monkeypatch.setattr(starters, "_session", lambda window=window: window)
        starters.note_start(*started)
    monkeypatch.setattr(starters, "_session", lambda: "mine")
    at = open_page("runs")
    bars = {bar.proto.text for bar in at.get("progress")}
    assert bars == {
        "Importing mine.zip: 2 of 9 pictures",
        "Importing theirs.zip (started in another window): 3 of 9 pictures",
    }
    assert {error.value for error in at.error} == {"The disk is full."}


def test_unbalanced_classes_are_warned_of_in_text_that_is_not_markdown(lab, open_page):
    counts = {"rose": (500, 125), "[a](http://b.de)": (20, 5), "tulip": (8, 2)}
    y_train, y_test = (np.repeat(range(3), [both[part] for both in counts.values()]) for part in (0, 1))
    pictures = np.random.default_rng(0).integers(0, 256, (len(y_train), 1, 1), np.uint8)
    np.savez(
        lab.home / "flowers.npz", x_train=pictures, y_train=y_train, x_test=pictures[: len(y_test)], y_test=y_test,
        classes=np.array(list(counts)),
    )  # fmt: skip
    import_dataset(lab.home / "flowers.npz", lab.home)
    [warning] = open_page("runs").warning
    assert "rose has 500 training pictures, tulip 8" in warning.value and "test error of 5.3 %" in warning.value


def test_a_dataset_of_ones_own_is_deleted_the_lab_s_are_not(lab, open_page):
    at = open_page("runs")
    dropping = [button.key for button in at.button if button.key.startswith("drop_")]
    assert dropping == ["drop_dots"]
    at.button(key="drop_dots").click().run()
    assert not (lab.home / "datasets" / "dots").exists()


def test_a_picked_run_says_how_to_train_it_again(lab, open_page):
    lab.store.create(NetSpec(depth=8).to_dict(), preset("short-4").to_dict(), "dots", name="mine")
    at = pick(open_page("runs"), 0)
    assert "--preset resnet-8 --data dots --recipe short-4" in at.code[0].value


def test_a_run_that_ships_can_be_made_again_and_not_be_changed(lab, open_page):
    last = ships(lab.store)[-1]
    at = pick(open_page("runs"), 0)
    assert f"gallery --make {last.removeprefix('gallery-')}" in at.code[0].value
    assert not [box for box in at.text_input if box.key.startswith("name_")]
    assert not [button for button in at.button if button.key == "delete"]


DAMAGE = {
    "a time that no calendar has": {"created": 1e300},
    "the year 9999": {"created": 253_402_214_400.0},
    "fewer class names than outputs": {"facts": {"classes": ["a", "b"], "mean": [0.5] * 3, "std": [0.2] * 3}},
    "a network that cannot be built": {"spec": {"depth": 21}},
    "a network too large for this server": {"spec": {"depth": 2000, "width": 1024}},
    "no recipe": {"recipe": {"seed": "x"}},
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_run_is_listed_and_can_be_deleted_and_takes_no_page_along(lab, open_page, kind):
    sound, damaged = lab.add(), lab.add(name="damaged one")
    lab.store._change(damaged.id, **DAMAGE[kind])
    at = open_page("runs", runs=f"{sound.id},{damaged.id}")
    assert at.dataframe[0].value["state"].tolist() == ["damaged", "done"]
    at = pick(at, 0)
    assert at.says("warning", damaged.id)
    at.button(key="delete").click().run()
    assert [run.id for run in lab.store.runs()] == [sound.id]


def test_other_pages_do_without_a_damaged_run(lab, open_page):
    sound, damaged = lab.add(), lab.add()
    for values in DAMAGE.values():
        lab.store._change(damaged.id, **values)
    for page in ("story", "train", "compare", "explain"):
        at = open_page(page, runs=f"{sound.id},{damaged.id}")
        assert not at.exception, page
        assert at.multiselect(key="table").value == [sound.id], page
