import os
import signal
import sqlite3
import time
from contextlib import closing

import pytest
from ray.exceptions import NodeDiedError, OutOfMemoryError, WorkerCrashedError

from resnet_core.compute import supervisor
from resnet_core.data import storage
from resnet_core.errors import StoreBusyError, StoreError
from resnet_core.runs import database
from resnet_core.training.events import StepStats


def test_a_run_is_trained_and_recorded(service, tools):
    run_id = service.submit(tools.SPEC, tools.recipe(), "dots")
    tools.ended(service.store, run_id)
    tools.assert_undisturbed(service.store, run_id)
    run = service.store.get(run_id)
    assert run.facts["classes"][0] == "class 0" and len(run.facts["mean"]) == 3
    assert run.owner is None and run.attempts == 0


def test_a_worker_killed_in_the_middle_changes_nothing(service, tools):
    run_id = service.submit(tools.SPEC, tools.recipe("waits"), "dots")
    os.kill(tools.worker_of(service.store, run_id), signal.SIGKILL)
    tools.ended(service.store, run_id)
    tools.assert_undisturbed(service.store, run_id)
    assert service.store.get(run_id).attempts == 0, "it had got further"


def test_a_worker_that_always_dies_is_given_up_with_a_sentence(service, tools):
    run_id = service.submit(tools.SPEC, tools.recipe("dies"), "dots")
    run = tools.ended(service.store, run_id)
    assert (run.state, run.attempts) == ("failed", 4)
    assert "died 4 times without reaching another checkpoint" in run.reason and "left no reason" in run.reason
    assert service.store.steps(run_id)["step"].tolist() == [5, 10, 15, 20], "what was recorded is kept"


def test_a_worker_that_dies_often_but_gets_further_each_time_is_not_given_up(service, tools):
    run_id = service.submit(tools.SPEC, tools.recipe("frail", steps=60), "dots")
    run = tools.ended(service.store, run_id, 120)
    tools.assert_undisturbed(service.store, run_id)
    assert (run.state, run.attempts) == ("done", 0)


@pytest.mark.parametrize(
    ("error", "kills", "words"),
    [
        (OutOfMemoryError("too much"), 0, "ran out of memory"),
        (WorkerCrashedError(), 1, "ran out of memory"),
        (NodeDiedError("gone"), 0, "its machine was lost"),
        (WorkerCrashedError(), 0, "left no reason"),
        (WorkerCrashedError(), None, "left no reason"),
    ],
)
def test_the_cause_is_named_that_was_seen(monkeypatch, error, kills, words):
    monkeypatch.setattr(supervisor, "oom_kills", lambda: kills)
    assert words in supervisor._death_sentence(4, error, 0)


def test_a_locked_store_ends_no_training(make_service, home, tools, monkeypatch):
    monkeypatch.setattr(database, "LOCK_WAIT_S", 1.0)  # more than the lab itself keeps others waiting, however busy
    service = make_service(home)
    run_id = service.submit(tools.SPEC, tools.recipe("slow", steps=60), "dots")
    tools.worker_of(service.store, run_id)
    with closing(sqlite3.connect(home / "lab.sqlite3", isolation_level=None)) as other:
        other.execute("PRAGMA busy_timeout = 10000")
        other.execute("BEGIN IMMEDIATE")
        tools.wait_until(lambda: "once it is free" in service.machine().problem)
        time.sleep(2)
        assert service.store.get(run_id).state == "running"
        other.execute("ROLLBACK")
    tools.ended(service.store, run_id)
    tools.assert_undisturbed(service.store, run_id)
    tools.wait_until(lambda: service.machine().problem == "")


def test_stopped_and_resumed_as_if_never_stopped(service, tools):
    run_id = service.submit(tools.SPEC, tools.recipe("waits", steps=60), "dots")
    tools.worker_of(service.store, run_id)
    service.stop_run(run_id)
    run = tools.ended(service.store, run_id)
    assert run.state == "stopped" and 12 <= run.step < 60 and run.weights_step == run.step
    service.resume(run_id)
    tools.ended(service.store, run_id)
    tools.assert_undisturbed(service.store, run_id)


def test_a_training_that_does_not_answer_is_ended(service, tools, monkeypatch):
    monkeypatch.setattr(supervisor, "STOP_PATIENCE_S", 0.5)
    run_id = service.submit(tools.SPEC, tools.recipe("deaf", steps=2000), "dots")
    worker = tools.worker_of(service.store, run_id)
    service.stop_run(run_id)
    run = tools.ended(service.store, run_id)
    assert run.state == "stopped" and "resum" in run.reason
    assert service.store.latest_checkpoint(run_id) is not None
    tools.wait_until(lambda: not alive(worker))


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_runs_queue_and_a_waiting_one_can_be_stopped(service, tools):
    first, second, third, fourth = (service.submit(tools.SPEC, tools.recipe("slow", seed=s), "dots") for s in range(4))
    tools.worker_of(service.store, first)
    service.stop_run(fourth)
    assert service.store.get(third).state == "queued"
    assert tools.ended(service.store, fourth, 5).state == "stopped"
    assert service.machine().n_waiting >= 1
    for run_id in (first, second, third):
        tools.ended(service.store, run_id)
        tools.assert_undisturbed(service.store, run_id)
    started = [service.store.get(run_id).started for run_id in (first, second, third)]
    assert started == sorted(started), "first come, first served"
    assert service.store.get(fourth).started is None


def test_a_lone_run_has_all_cores_and_twins_run_side_by_side(service, tools):
    alone = service.submit(tools.SPEC, tools.recipe(), "dots")
    tools.ended(service.store, alone)
    assert service.store.get(alone).threads == 2
    plain, residual = service.submit_twins(tools.SPEC, tools.recipe("slow", steps=2000), "dots")
    tools.wait_until(lambda: all(service.store.get(i).state == "running" for i in (plain, residual)))
    runs = [service.store.get(i) for i in (plain, residual)]
    assert [run.threads for run in runs] == [1, 1]
    assert runs[0].group == runs[1].group is not None
    assert [run.spec["family"] for run in runs] == ["plain", "residual"]
    assert runs[0].recipe == runs[1].recipe
    for run in runs:
        service.stop_run(run.id)
    for run in runs:
        tools.ended(service.store, run.id)


def test_a_resume_keeps_the_number_of_threads(service, tools):
    plain, residual = service.submit_twins(tools.SPEC, tools.recipe("waits"), "dots")
    tools.worker_of(service.store, plain)
    for run_id in (plain, residual):
        service.stop_run(run_id)
    tools.ended(service.store, plain), tools.ended(service.store, residual)
    service.resume(plain)
    tools.ended(service.store, plain)
    assert service.store.get(plain).parameters == 1, "the fake tells its threads as parameters"


@pytest.mark.parametrize(
    ("kind", "words"),
    [("sorry", "nan at step 22"), ("memory", "Memory ran out"), ("torch error", "Memory ran out")],
)
def test_what_ends_a_training_is_told_in_words(service, tools, kind, words):
    run_id = service.submit(tools.SPEC, tools.recipe(kind), "dots")
    run = tools.ended(service.store, run_id)
    assert run.state == "failed" and words in run.reason
    assert run.step == 20 and service.store.latest_checkpoint(run_id) is not None


def test_our_own_mistakes_are_reported_in_a_file_and_not_on_the_page(service, tools):
    run_id = service.submit(tools.SPEC, tools.recipe("broken"), "dots")
    run = tools.ended(service.store, run_id)
    assert run.state == "failed" and "Traceback" not in run.reason
    report = (service.store.folder(run_id) / "error.log").read_text()
    assert "Traceback" in report and "ZeroDivisionError" in report


def test_a_dataset_that_vanished_while_the_run_waited(service, tools, home):
    tools.add_dataset(home, "other", seed=5)
    first, second = (service.submit(tools.SPEC, tools.recipe("slow", seed=s), "dots") for s in (1, 2))
    waiting = service.submit(tools.SPEC, tools.recipe(), "other")
    storage.remove_dataset(home, "other")
    run = tools.ended(service.store, waiting)
    assert run.state == "failed" and "other" in run.reason
    for run_id in (first, second):
        tools.ended(service.store, run_id)


def test_a_run_does_not_go_on_with_other_pictures(service, tools, home):
    run_id = service.submit(tools.SPEC, tools.recipe("waits", steps=60), "dots")
    tools.worker_of(service.store, run_id)
    service.stop_run(run_id)
    tools.ended(service.store, run_id)
    storage.remove_dataset(home, "dots")
    tools.add_dataset(home, "dots", seed=99)
    service.resume(run_id)
    run = tools.ended(service.store, run_id)
    assert run.state == "failed" and "other pictures" in run.reason


def test_a_full_disk_fails_the_run_and_not_the_supervisor(service, tools, monkeypatch):
    record, set_state = service.store.record, service.store.set_state
    full = StoreError("The disk is full: free some space, then resume the run.")
    refused = []

    def record_until_full(run_id, events, owner=None):
        if any(isinstance(event, StepStats) and event.step >= 20 for event in events):
            raise full
        record(run_id, events, owner)

    def set_state_later(run_id, state, reason="", **options):
        if state == "failed" and len(refused) < 2:
            refused.append(run_id)
            raise full
        return set_state(run_id, state, reason, **options)

    monkeypatch.setattr(service.store, "record", record_until_full)
    monkeypatch.setattr(service.store, "set_state", set_state_later)
    run_id = service.submit(tools.SPEC, tools.recipe(), "dots")
    run = tools.ended(service.store, run_id)
    assert run.state == "failed" and "full" in run.reason and len(refused) == 2
    assert service.store.steps(run_id)["step"].max() >= 5
    monkeypatch.undo()
    service.resume(run_id)
    tools.ended(service.store, run_id)
    tools.assert_undisturbed(service.store, run_id)


def test_a_run_taken_over_by_another_process_is_let_go(service, tools):
    run_id = service.submit(tools.SPEC, tools.recipe("slow", steps=2000), "dots")
    worker = tools.worker_of(service.store, run_id)
    with service.store.database.write() as connection:
        connection.exec_driver_sql("UPDATE runs SET owner = 'app-other'")
    tools.wait_until(lambda: not alive(worker))
    step = service.store.get(run_id).step
    time.sleep(0.3)
    assert service.store.get(run_id).step == step and service.store.get(run_id).owner == "app-other"
    fresh = service.submit(tools.SPEC, tools.recipe(), "dots")
    assert tools.ended(service.store, fresh).state == "done"


def test_a_stop_that_outlives_the_app_is_a_stop(service, tools, make_service, home):
    run_id = service.submit(tools.SPEC, tools.recipe("slow", steps=2000), "dots")
    tools.worker_of(service.store, run_id)
    service.store.request_stop(run_id)
    service.stop()
    assert service.store.get(run_id).state == "stopped"


def test_leaving_queues_what_runs_and_the_next_start_takes_it_up(service, tools, make_service, home):
    run_ids = [service.submit(tools.SPEC, tools.recipe(kind, 80), "dots") for kind in ("waits", "slow")]
    tools.worker_of(service.store, run_ids[0])
    service.stop()
    runs = [service.store.get(run_id) for run_id in run_ids]
    assert [run.state for run in runs] == ["queued"] * 2 and service.store.owners() == {}
    assert runs[0].weights_step == runs[0].step >= 12, "a checkpoint was made on leaving"
    again = make_service(home)
    for run_id in run_ids:
        tools.ended(again.store, run_id)
        tools.assert_undisturbed(again.store, run_id)


def test_the_cost_is_measured_with_the_cores_that_each_would_get(service, make_service, home, tools):
    names = [service.estimate(tools.SPEC, tools.recipe(), 40, 20, together=n).device_name for n in (1, 2)]
    assert names == ["CPU, 2 threads", "CPU, 1 thread"]
    assert make_service(home, threads_per_run=1).estimate(tools.SPEC, tools.recipe(), 40, 20).device_name == names[1]


def test_what_a_busy_store_does_not_take_is_recorded_once_it_is_free(service, tools, monkeypatch):
    record, problems = service.store.record, []

    def busy_at_first(run, events, owner=None):
        if events and len(problems) < 4:
            problems.append(service.machine().problem)
            raise StoreBusyError("The store is in use.")
        record(run, events, owner)

    monkeypatch.setattr(supervisor, "PAUSE_S", 0.1)
    monkeypatch.setattr(service.store, "record", busy_at_first)
    run_id = service.submit(tools.SPEC, tools.recipe(), "dots")
    assert tools.ended(service.store, run_id).state == "done"
    tools.assert_undisturbed(service.store, run_id)
    assert any("once it is free" in problem for problem in problems)


def test_a_run_that_could_not_be_launched_is_launched_later(service, tools, monkeypatch):
    real, refused = service.store.set_threads, []

    def set_threads(*args):
        if not refused:
            refused.append(True)
            raise StoreError("The store was in use by another process.")
        real(*args)

    monkeypatch.setattr(service.store, "set_threads", set_threads)
    run_id = service.submit(tools.SPEC, tools.recipe(), "dots")
    assert tools.ended(service.store, run_id).state == "done" and refused
