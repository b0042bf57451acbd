import subprocess
import sys

import pytest

from resnet_core.runs import ownership
from resnet_core.runs.ownership import OrphanWatch, register


@pytest.fixture
def dead_owner(store):
    """An owner of the given kind whose process has ended."""

    def make(kind):
        code = (
            "import sys; from pathlib import Path; from resnet_core.runs.store import RunStore;"
            "from resnet_core.runs.ownership import register;"
            "print(register(RunStore(Path(sys.argv[1])), sys.argv[2]))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, store.home, kind], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    return make


def test_a_run_whose_process_lives_is_left_alone(store, run_id):
    owner = register(store, "app")
    store.claim(run_id, owner)
    assert OrphanWatch(store).release_orphans() == []
    assert store.get(run_id).owner == owner


def test_a_dead_apps_runs_are_queued_again(store, run_id, dead_owner, events):
    store.claim(run_id, dead_owner("app"))
    store.record(run_id, list(events())[:9])
    assert store.get(run_id).state == "running"
    assert OrphanWatch(store).release_orphans() == [run_id]
    run = store.get(run_id)
    assert (run.state, run.owner, run.ended) == ("queued", None, None)
    assert store.latest_checkpoint(run_id) is not None and store.owners() == {}


def test_a_dead_commands_run_is_stopped_with_a_sentence(store, dead_owner):
    run_id = store.create({}, {}, "d", name="n", origin="cli", owner=dead_owner("cli"))
    OrphanWatch(store).release_orphans()
    assert store.get(run_id).state == "stopped" and "resume" in store.get(run_id).reason
    store.resume(run_id)
    assert store.get(run_id).state == "queued"


def test_a_run_that_was_being_stopped_is_stopped(store, run_id, dead_owner):
    store.claim(run_id, dead_owner("app"))
    store.request_stop(run_id)
    OrphanWatch(store).release_orphans()
    assert store.get(run_id).state == "stopped"


def test_a_command_that_was_suspended_keeps_its_run(store, run_id, monkeypatch):
    """Ctrl-Z: its process lives and sends no heartbeat."""
    owner = register(store, "cli")
    store.claim(run_id, owner)
    now = [1000.0]
    monkeypatch.setattr(ownership.time, "monotonic", lambda: now[0])
    watch = OrphanWatch(store)
    for _ in range(3):
        assert watch.release_orphans() == []
        now[0] += 3600


def test_a_number_given_to_another_process_does_not_keep_a_run(store, run_id):
    owner = register(store, "app")
    with store.database.write() as connection:
        connection.exec_driver_sql("UPDATE owners SET process_start = '1'")
    store.claim(run_id, owner)
    assert OrphanWatch(store).release_orphans() == [run_id]


def test_another_machines_run_is_taken_when_its_heartbeat_stands_still(store, run_id, monkeypatch):
    owner = register(store, "app")
    with store.database.write() as connection:
        connection.exec_driver_sql("UPDATE owners SET host = 'elsewhere', process_start = '1'")
    store.claim(run_id, owner)
    now = [1000.0]
    monkeypatch.setattr(ownership.time, "monotonic", lambda: now[0])
    watch = OrphanWatch(store)
    assert watch.release_orphans() == []
    now[0] += 29
    store.heartbeat(owner)
    assert watch.release_orphans() == []
    now[0] += 29
    assert watch.release_orphans() == []
    now[0] += 2
    assert watch.release_orphans() == [run_id]


def test_only_one_of_two_watchers_settles_a_run(store, run_id, dead_owner):
    store.claim(run_id, dead_owner("app"))
    first, second = OrphanWatch(store), OrphanWatch(store)
    assert first.release_orphans() == [run_id] and second.release_orphans() == []
