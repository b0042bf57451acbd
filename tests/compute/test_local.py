import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from resnet_core.compute import local
from resnet_core.compute.local import create_run, train_run
from resnet_core.errors import DataError, JobError, StoreError
from resnet_core.runs import database
from resnet_core.runs.ownership import OrphanWatch
from resnet_core.runs.store import RunStore
from resnet_core.training.events import Finished

FAKE = "fake_training:train"


@pytest.fixture
def store(home):
    store = RunStore(home)
    yield store
    store.close()


def begin(store, tools, *recipe, **options):
    return create_run(store, tools.SPEC, tools.recipe(*recipe), "dots", **options)


def test_a_run_is_trained_here_and_recorded(store, tools):
    run_id = begin(store, tools, name="mine", tags=("a",))
    events = []
    run = train_run(store, run_id, trainer=FAKE, on_event=events.append)
    tools.assert_undisturbed(store, run_id)
    assert (run.name, run.tags, run.origin, run.owner) == ("mine", ("a",), "cli", None)
    assert isinstance(events[-1], Finished)


def test_a_store_that_others_keep_to_themselves_for_long_does_not_end_a_training(store, tools, monkeypatch, caplog):
    monkeypatch.setattr(database, "LOCK_WAIT_S", 0.5)
    store = RunStore(store.home)  # with that patience
    run_id = begin(store, tools)
    lock = sqlite3.connect(store.home / "lab.sqlite3", isolation_level=None, check_same_thread=False)
    record, locked = store.record, []

    def record_while_locked(*args):
        if not locked:
            locked.append(lock.execute("BEGIN IMMEDIATE"))
            threading.Timer(2.0, lock.rollback).start()
        record(*args)

    monkeypatch.setattr(store, "record", record_while_locked)
    assert train_run(store, run_id, trainer=FAKE).state == "done"
    tools.assert_undisturbed(store, run_id)
    assert "waits" in caplog.text


def test_a_new_run_is_ours_before_it_starts(store, tools):
    run_id = begin(store, tools)
    assert not store.claim(run_id, "app-1")
    assert OrphanWatch(store).release_orphans() == []


def test_a_store_that_is_busy_for_a_while_does_not_silence_the_heartbeat(store, monkeypatch):
    beats = []

    def heartbeat(owner):
        beats.append(owner)
        if len(beats) == 1:
            raise StoreError("The store was in use by another process.")

    monkeypatch.setattr(local, "HEARTBEAT_S", 0.01)
    monkeypatch.setattr(store, "heartbeat", heartbeat)
    with local._heartbeat(store, "cli-1"):
        end = time.monotonic() + 10
        while len(beats) < 3 and time.monotonic() < end:
            time.sleep(0.01)
    assert beats[:3] == ["cli-1"] * 3


def test_a_dataset_that_is_not_there(store, tools):
    with pytest.raises(DataError, match="cats"):
        create_run(store, tools.SPEC, tools.recipe(), "cats")
    assert store.runs() == []


def test_a_stop_from_the_app_is_heard_and_the_run_can_go_on(store, tools):
    run_id = begin(store, tools, "waits", 60)
    other = RunStore(store.home)
    stopper = threading.Timer(0.5, lambda: other.request_stop(run_id))
    stopper.start()
    run = train_run(store, run_id, trainer=FAKE)
    assert run.state == "stopped" and 0 < run.step < 60
    assert train_run(store, run_id, trainer=FAKE).state == "done"
    tools.assert_undisturbed(store, run_id)


def test_another_processs_run_is_left_alone(store, tools):
    run_id = store.create(tools.SPEC.to_dict(), tools.recipe().to_dict(), "dots", name="n")
    store.add_owner({"id": "app-1", "kind": "app", "host": "elsewhere", "pid": 1, "process_start": ""})
    store.claim(run_id, "app-1")
    with pytest.raises(JobError, match="another process"):
        train_run(store, run_id, trainer=FAKE)
    store.set_state(run_id, "done")
    with pytest.raises(StoreError, match="done"):
        train_run(store, run_id, trainer=FAKE)


def test_what_ends_it_is_recorded_in_words(store, tools):
    run = train_run(store, begin(store, tools, "sorry"), trainer=FAKE)
    assert run.state == "failed" and "nan at step 22" in run.reason


def test_our_own_mistakes_come_through_and_are_recorded(store, tools):
    run_id = begin(store, tools, "broken")
    with pytest.raises(ZeroDivisionError):
        train_run(store, run_id, trainer=FAKE)
    assert store.get(run_id).state == "failed"
    assert "ZeroDivisionError" in (store.folder(run_id) / "error.log").read_text()


COMMAND = """
import sys
from pathlib import Path
from resnet_core.compute.local import create_run, train_run
from resnet_core.networks.spec import NetSpec
from resnet_core.runs.store import RunStore
from resnet_core.training.recipe import Recipe
store = RunStore(Path(sys.argv[1]))
recipe = Recipe(name=sys.argv[2], steps=60, seed=1, batch_size=10)
run = create_run(store, NetSpec(family="residual", depth=8, width=4), recipe, "dots")
print(run, flush=True)
print(train_run(store, run, trainer="fake_training:train").state, flush=True)
"""


@pytest.fixture
def command(home):
    """The same in a process of its own, as the command line does it."""
    here = Path(__file__).parent
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(here.parent.parent), str(here)])}
    started = []

    def start(kind):
        process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, str(home), kind], stdout=subprocess.PIPE, text=True, env=environment
        )
        started.append(process)
        return process, process.stdout.readline().strip()

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_stops_with_a_checkpoint(command, store, tools, number):
    process, run_id = command("waits")
    tools.worker_of(store, run_id)
    process.send_signal(number)
    assert process.stdout.readline().strip() == "stopped"
    run = store.get(run_id)
    assert (run.state, run.owner) == ("stopped", None) and run.weights_step == run.step
    train_run(store, run_id, trainer=FAKE)
    tools.assert_undisturbed(store, run_id)


@pytest.mark.slow
def test_a_second_ctrl_c_ends_it_at_once(command, store, tools):
    process, run_id = command("deaf")
    tools.worker_of(store, run_id)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)  # two at once arrive as one
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0
    assert store.get(run_id).state == "stopped" and "resume" in store.get(run_id).reason


@pytest.mark.slow
def test_a_killed_commands_run_is_found_stopped_and_goes_on(command, store, tools):
    process, run_id = command("waits")
    tools.worker_of(store, run_id)
    process.kill()
    process.wait()
    assert OrphanWatch(store).release_orphans() == [run_id]
    assert store.get(run_id).state == "stopped"
    train_run(store, run_id, trainer=FAKE)
    tools.assert_undisturbed(store, run_id)
