import errno
import os
import sqlite3
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from resnet_core.errors import StoreError
from resnet_core.runs import files
from resnet_core.runs import store as store_module
from resnet_core.runs.store import RunLostError, RunStore
from resnet_core.training.events import CheckpointSaved, EpochEnded, StepStats, Stopped


def tables(store, run_id):
    layers = store.layers(run_id)
    return (
        store.epochs(run_id),
        store.steps(run_id),
        pd.DataFrame(layers.steps),
        pd.DataFrame(layers.weight_stats.reshape(len(layers.steps), -1)),
        pd.DataFrame(layers.block_stats.reshape(len(layers.steps), -1)),
    )


def same_tables(store, one, other):
    for a, b in zip(tables(store, one), tables(store, other), strict=True):
        pd.testing.assert_frame_equal(
            a.drop(columns="run", errors="ignore"), b.drop(columns="run", errors="ignore"), check_exact=True
        )


def test_a_new_run_waits_with_all_that_was_asked_for(store):
    run_id = store.create({"depth": 8}, {"seed": 3}, "cifar-10", name="Net", group="g", tags=["a", "b"])
    run = store.get(run_id)
    assert (run.state, run.spec, run.recipe, run.dataset) == ("queued", {"depth": 8}, {"seed": 3}, "cifar-10")
    assert (run.name, run.group, run.tags, run.origin, run.step) == ("Net", "g", ("a", "b"), "app", 0)
    assert run.created == pytest.approx(time.time(), abs=5)
    assert run.active and run.weights_step is None


def test_ids_sort_by_creation_and_are_never_given_again(store):
    ids = [store.create({}, {}, "d", name=str(i)) for i in range(50)]
    assert ids == sorted(ids) and len(set(ids)) == 50
    assert all(run_id.isalnum() and len(run_id) <= 8 for run_id in ids)
    store.delete(ids[-1])
    assert store.create({}, {}, "d", name="new") > ids[-1]
    assert [run.name for run in store.runs()] == [*map(str, range(49)), "new"]


def test_a_whole_training_is_recorded(store, run_id, events):
    store.record(run_id, list(events()))
    run = store.get(run_id)
    assert (run.state, run.step, run.epoch, run.total_steps, run.progress) == ("done", 30, 3, 30, 1.0)
    assert (run.device_name, run.parameters, run.seconds, run.weights_step) == (
        "CPU, 2 threads",
        1234,
        4.5,
        30,
    )
    assert run.started <= run.ended
    assert store.epochs(run_id)["test_error"].tolist() == pytest.approx([0.8, 0.7, 0.6])
    assert store.steps([run_id])["step"].tolist() == [5, 10, 15, 20, 25, 30]
    layers = store.layers(run_id)
    assert layers.steps.tolist() == [0, 5, 10, 15, 20, 25, 30]
    assert layers.weight_stats.shape == (7, 8, 3) and layers.block_stats.shape == (7, 4, 3)
    assert layers.block_stats.dtype == np.float32 and layers.block_stats[3, 0, 0] == 7.5
    assert store.weights(run_id) == b"the weights"
    assert os.listdir(store.folder(run_id)) == ["weights.safetensors"]


def test_events_told_again_change_nothing(store, run_id, events):
    told = list(events())
    store.record(run_id, told)
    other = store.create({}, {}, "d", name="told twice")
    for event in told[:12]:
        store.record(other, [event])
        store.record(other, [replace(event)])
    store.record(other, told[12:])
    same_tables(store, run_id, other)


@pytest.mark.parametrize("cut", range(1, 20))
def test_killed_anywhere_and_resumed_ends_with_the_rows_of_an_undisturbed_run(store, run_id, events, cut):
    store.record(run_id, list(events()))
    killed = store.create({}, {}, "d", name="killed")
    for event in list(events())[:cut]:
        store.record(killed, [event])
    checkpoint = store.latest_checkpoint(killed)
    step = int(checkpoint.split()[-1]) if checkpoint else 0
    store.record(killed, list(events(start=step)))
    same_tables(store, run_id, killed)
    assert store.get(killed).epoch == 3 and store.get(killed).state == "done"


def test_a_resume_forgets_what_came_after_its_checkpoint(store, run_id, events):
    for event in list(events())[:13]:  # two epochs, and the checkpoint after the second is not yet there
        store.record(run_id, [event])
    assert store.get(run_id).epoch == 2
    store.record(run_id, [next(events(start=10))])
    assert store.get(run_id).step == 10 and store.get(run_id).epoch == 1
    assert store.steps(run_id)["step"].max() == 10
    assert store.layers(run_id).steps.max() == 10
    assert store.latest_checkpoint(run_id) == b"state at 10"


def test_a_start_from_nothing_drops_checkpoints_that_could_not_be_read(store, run_id, events):
    store.record(run_id, list(events())[:8])
    assert store.latest_checkpoint(run_id) == b"state at 10"
    store.record(run_id, [next(events(start=0))])
    assert store.latest_checkpoint(run_id) is None


def test_weights_are_the_newest_there_are(store, run_id):
    assert store.weights(run_id) is None and store.latest_checkpoint(run_id) is None
    for step in (5, 10):
        store.record(run_id, [CheckpointSaved(step=step, epoch=0, data=b"%d" % step)])
    assert store.weights(run_id) == b"10" and store.get(run_id).weights_step == 10
    assert len(os.listdir(store.folder(run_id))) == 1


def test_a_half_written_checkpoint_is_never_taken_for_one(store, run_id):
    store.record(run_id, [CheckpointSaved(step=5, epoch=0, data=b"whole")])
    (store.folder(run_id) / "checkpoint-000000010.safetensors.77.tmp").write_bytes(b"ha")
    assert store.latest_checkpoint(run_id) == b"whole"


def test_stopped_and_resumed(store, run_id, events):
    store.record(run_id, [*list(events())[:8], Stopped(step=10)])
    run = store.get(run_id)
    assert (run.state, run.owner, run.weights_step) == ("stopped", None, 10)
    store.resume(run_id)
    assert store.get(run_id).state == "queued" and store.get(run_id).ended is None
    with pytest.raises(StoreError):
        store.resume(run_id)


def test_only_one_of_many_claims_a_run(store, run_id):
    others = [RunStore(store.home) for _ in range(4)]
    won = []
    threads = [
        threading.Thread(target=lambda i=i, s=s: won.append(i) if s.claim(run_id, f"app-{i}") else None)
        for i, s in enumerate(others)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1 and store.get(run_id).owner == f"app-{won[0]}"
    for other in others:
        other.close()


def test_who_has_lost_a_run_can_neither_record_nor_end_it(store, run_id, events):
    store.claim(run_id, "app-new")
    told = list(events())
    with pytest.raises(RunLostError):
        store.record(run_id, told[:3], owner="app-old")
    with pytest.raises(RunLostError):
        store.record(run_id, told[7:8], owner="app-old")
    assert store.steps(run_id).empty and not store.folder(run_id).exists()
    assert not store.set_state(run_id, "failed", "no", owner="app-old")
    assert store.get(run_id).state == "queued" and store.get(run_id).owner == "app-new"


def test_stop_requests(store):
    waiting, in_hand, done = (store.create({}, {}, "d", name=str(i)) for i in range(3))
    store.claim(in_hand, "app-1")
    store.set_state(done, "done")
    for run_id in (waiting, in_hand, done):
        store.request_stop(run_id)
    assert [store.get(i).state for i in (waiting, in_hand, done)] == ["stopped", "stopping", "done"]


def test_a_stop_asked_for_while_the_training_starts_is_not_forgotten(store, run_id, events):
    store.claim(run_id, "app-1")
    store.request_stop(run_id)
    store.record(run_id, list(events())[:2], owner="app-1")
    assert store.get(run_id).state == "stopping"


def test_delete_takes_rows_and_files(store, run_id, events):
    store.record(run_id, list(events()))
    store.delete(run_id)
    assert store.epochs(run_id).empty and store.steps(run_id).empty and not store.folder(run_id).exists()
    with pytest.raises(StoreError, match=run_id):
        store.get(run_id)
    with pytest.raises(StoreError, match=run_id):
        store.record(run_id, list(events())[:2])
    assert store.steps(run_id).empty


def test_a_run_in_work_is_not_deleted(store, run_id):
    store.claim(run_id, "app-1")
    with pytest.raises(StoreError, match="stop"):
        store.delete(run_id)
    assert store.get(run_id).owner == "app-1"


@pytest.mark.parametrize(
    "act",
    [
        lambda s: s.get("nope"),
        lambda s: s.layers("nope"),
        lambda s: s.rename("nope", "x"),
        lambda s: s.tag("nope", ["x"]),
        lambda s: s.resume("nope"),
        lambda s: s.request_stop("nope"),
        lambda s: s.delete("nope"),
    ],
)
def test_a_run_that_does_not_exist_is_named_in_the_answer(store, act):
    with pytest.raises(StoreError, match="nope"):
        act(store)


def test_rename_and_tag(store, run_id):
    store.rename(run_id, "  Deep one ")
    store.tag(run_id, ["b", " a", "b", ""])
    assert store.get(run_id).name == "Deep one" and store.get(run_id).tags == ("a", "b")
    with pytest.raises(StoreError):
        store.rename(run_id, "  ")


def test_version_grows_with_each_change_and_only_then(store, run_id):
    before = store.version()
    store.get(run_id), store.runs(), store.epochs(run_id)
    assert store.version() == before
    store.rename(run_id, "x")
    middle = store.version()
    store.record(run_id, [StepStats(step=1, loss=1.0, error=0.5, lr=0.1, images_per_s=1.0)])
    assert before < middle < store.version() == store.get(run_id).version


def test_a_run_has_its_last_and_its_best_error(store, run_id, events):
    assert store.get(run_id).last_test_error is store.get(run_id).best_test_error is None
    store.record(run_id, [*events(), EpochEnded(4, 40, 1.0, 0.1, 1.0, 0.75, 1.0)])
    run = store.get(run_id)
    assert (run.last_test_error, run.best_test_error) == (0.75, pytest.approx(0.6))


@pytest.fixture
def clock(monkeypatch):
    """``clock.now``: what the store takes for the time, in seconds."""
    clock = SimpleNamespace(now=1_800_000_000.0)
    monkeypatch.setattr(store_module.time, "time", lambda: clock.now)
    return clock


def record_for(store, run_id, clock, seconds, events):
    """Record ``events`` evenly over some seconds."""
    for event in events:
        store.record(run_id, [event])
        clock.now += seconds / (len(events) - 1)
    clock.now -= seconds / (len(events) - 1)


@pytest.mark.parametrize("end", [("queued", ""), ("failed", "Its worker died."), ("stopped", "")])
def test_the_time_of_attempts_that_did_not_end_by_themselves_counts(store, run_id, events, clock, end):
    begun = list(events())[:10]
    record_for(store, run_id, clock, 40, begun)
    assert store.get(run_id).seconds == pytest.approx(40), "while it is in work"
    clock.now += 86_400  # nobody looked for a day
    store.set_state(run_id, *end)
    assert store.get(run_id).seconds == pytest.approx(40)
    store.record(run_id, list(events(start=10)))
    assert store.get(run_id).seconds == pytest.approx(40 + 4.5)


def test_an_attempt_begun_anew_without_a_word_in_between_counts(store, run_id, events, clock):
    record_for(store, run_id, clock, 40, list(events())[:10])
    clock.now += 1000
    record_for(store, run_id, clock, 20, [next(events(start=10)), Stopped(step=10)])
    assert store.get(run_id).seconds == pytest.approx(60)


def test_a_store_of_an_older_version_is_brought_up_to_date(store, run_id, events):
    with store.database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE runs DROP COLUMN last_event")
    again = RunStore(store.home)
    again.record(run_id, list(events()))
    assert again.get(run_id).state == "done"
    again.close()


def test_time_left(store, run_id, events):
    store.record(run_id, list(events())[:3])
    assert store.get(run_id).seconds_left == pytest.approx((30 - 5) * 10 / 100)


def test_non_finite_numbers_survive(store, run_id):
    store.record(run_id, [StepStats(step=1, loss=float("nan"), error=0.5, lr=0.1, images_per_s=1.0)])
    assert store.steps(run_id)["loss"].isna().all()


# What a broken disk or database says


def test_a_full_disk_is_a_sentence_and_what_was_recorded_stays(store, run_id, events, monkeypatch):
    told = list(events())
    store.record(run_id, told[:8])

    def refuse(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", refuse)
    with pytest.raises(StoreError, match="full"):
        store.record(run_id, told[8:])
    monkeypatch.undo()
    assert store.latest_checkpoint(run_id) == b"state at 10"
    assert store.steps(run_id)["step"].tolist() == [5, 10, 15, 20]
    assert len(os.listdir(store.folder(run_id))) == 1, "the half-written file takes no room"


def test_a_full_database_is_a_sentence(store, run_id, events):
    with store.database.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="full"):
        for step in range(5000):
            store.record(run_id, [StepStats(step=step, loss=1.0, error=0.5, lr=0.1, images_per_s=1.0)])


def test_a_locked_database_is_a_sentence(store, run_id, monkeypatch):
    other = sqlite3.connect(store.home / "lab.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with store.database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 50")
    with pytest.raises(StoreError, match="in use"):
        store.rename(run_id, "x")
    assert store.get(run_id).name == "Plain-8", "readers do not wait for a writer"
    other.execute("ROLLBACK")
    other.close()


def test_a_damaged_database_is_a_sentence(tmp_path):
    (tmp_path / "lab.sqlite3").write_bytes(b"this is no database at all" * 100)
    with pytest.raises(StoreError, match="damaged"):
        RunStore(tmp_path)


def test_a_home_that_cannot_be_made_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file"):
        RunStore(tmp_path / "file" / "home")


def test_a_store_of_a_newer_lab_is_refused(store):
    with store.database.write() as connection:
        connection.exec_driver_sql("UPDATE counters SET value = 99 WHERE name = 'schema'")
    with pytest.raises(StoreError, match="99"):
        RunStore(store.home)


# How fast it is, and what it loads


def test_a_long_run_is_read_quickly(store, run_id):
    rng = np.random.default_rng(0)
    from resnet_core.training.events import LayerStats, Started

    names = tuple(f"layer{i}" for i in range(57))
    store.record(run_id, [Started(0, 200, 2.0, "cpu", "CPU", "fp32", 1, 100, names, names[:28], "none")])
    stats = [
        event
        for s in range(200)
        for event in (
            StepStats(s, 1.0, 0.5, 0.1, 1.0),
            LayerStats(s, rng.random((57, 3), np.float32), rng.random((28, 3), np.float32)),
        )
    ]
    store.record(run_id, stats + [EpochEnded(e, 2 * e, 1.0, 0.1, 1.0, 0.2, 1.0) for e in range(1, 101)])

    def read():
        store.epochs(run_id), store.steps(run_id), store.layers(run_id)

    assert fastest(read) < 0.020
    assert fastest(store.version) < 0.001


def fastest(act, times=9):
    taken = []
    for _ in range(times):
        start = time.process_time()
        act()
        taken.append(time.process_time() - start)
    return min(taken)
