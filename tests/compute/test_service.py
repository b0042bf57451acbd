import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from resnet_core.compute import jobs
from resnet_core.compute import service as service_module
from resnet_core.compute.service import Service, connect
from resnet_core.compute.status import DataTask
from resnet_core.data.uploads import save_upload
from resnet_core.errors import DataError, JobError, SpecError, StoreError
from resnet_core.gallery import shipped
from resnet_core.networks.spec import NetSpec
from resnet_core.processes import process_start
from resnet_core.runs.store import RunStore

HERE = Path(__file__).parent


class App:
    """The process of app_process.py, and a way to talk with it."""

    def __init__(self, home, *kinds, trainer="fake_training:train"):
        root = str(HERE.parent.parent)
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([root, str(HERE)])}
        environment.pop("RAY_AUTH_TOKEN", None)
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "app_process.py"), str(home), trainer, *kinds],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        self._runs = None

    @property
    def runs(self):
        """What it has queued, once it has tried to start Ray."""
        if self._runs is None:
            self._runs = self.heard()["runs"]
        return self._runs

    def heard(self):
        return json.loads(self.process.stdout.readline())

    def ask(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return self.heard()

    def kill(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def start_app(home):
    apps = []

    def start(*kinds, **options):
        apps.append(App(home, *kinds, **options))
        return apps[-1]

    yield start
    for app in apps:
        app.kill()


def test_an_app_killed_in_the_middle_is_taken_up_by_the_next(start_app, make_service, home, tools):
    app = start_app("waits", "slow", "slow")
    store = RunStore(home)
    tools.worker_of(store, app.runs[0])
    app.kill()
    assert store.get(app.runs[0]).state == "running", "nobody was there to say otherwise"
    again = make_service(home)
    for run_id in app.runs:
        tools.ended(again.store, run_id)
        tools.assert_undisturbed(again.store, run_id)
    assert [run.id for run in again.store.runs()] == app.runs
    assert {run.attempts for run in again.store.runs()} == {0}, "it was not the runs' fault"


def test_the_apps_process_stays_light_and_to_itself(start_app, home, tools):
    """After a real training, whose events come from a process full of torch."""
    app = start_app("normal", trainer=jobs.TRAINER)
    run = tools.ended(RunStore(home), app.runs[0], 120)
    assert run.state == "done" and run.software.startswith("torch")
    facts = app.ask("facts")
    assert facts["heavy"] == []
    assert facts["megabytes"] < 400
    if not facts["listening"]:
        pytest.skip("cannot see the sockets of this system")
    assert [where for where in facts["listening"] if "127.0.0.1" not in where] == []


def test_rays_own_death_is_survived(start_app, home, tools):
    """Without anybody's care Ray ends the app's process a minute after its own."""
    app = start_app("waits", "slow")
    store = RunStore(home)
    tools.worker_of(store, app.runs[0])
    for pid in ray_processes(app.process.pid):
        os.kill(pid, signal.SIGKILL)
    for run_id in app.runs:
        tools.ended(store, run_id)
        tools.assert_undisturbed(store, run_id)
    assert app.process.poll() is None
    assert app.ask("stop") == {"stopped": True}


def test_ray_killed_while_it_starts_is_started_again(start_app, home, tools):
    """Ray itself waits half a minute for the part that was killed, and then raises a bare Exception."""
    app = start_app("normal")
    raylet = tools.wait_until(lambda: started_by(app.process.pid).get("raylet"))
    os.kill(raylet, signal.SIGKILL)
    tools.ended(RunStore(home), app.runs[0], 120)
    tools.assert_undisturbed(RunStore(home), app.runs[0])
    assert app.process.poll() is None


def test_a_start_that_fails_is_told_and_tried_again(home, monkeypatch):
    service, tries = Service(home), []

    def start(_num_cpus):
        tries.append(service.machine().problem)
        raise Exception("the node\ntimed out")

    monkeypatch.setattr(service_module.cluster, "start", start)
    monkeypatch.setattr(service_module.cluster, "stop", lambda: None)
    monkeypatch.setattr(service_module, "RETRY_S", 0.01)
    service.start()
    assert "could not be started (the node timed out)" in service.machine().problem
    deadline = time.monotonic() + 30
    while len(tries) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    service.stop()
    assert len(tries) >= 3 and tries[0] == "" and "tried again" in tries[1]


def started_by(parent):
    """Numbers of Ray's processes that a process has started, by name."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            before, _, after = stat.read_text().rpartition(")")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
        pid, _, name = before.partition(" (")
        if name in ("raylet", "gcs_server") and int(after.split()[1]) == parent:
            found[name] = int(pid)
    return found


def ray_processes(parent):
    found = list(started_by(parent).values())
    if not found:
        pytest.skip("cannot see the processes of this system")
    return found


def test_a_stopped_app_leaves_no_process_behind(start_app, tools):
    app = start_app("slow")
    assert app.runs
    children = ray_processes(app.process.pid)
    assert app.ask("stop") == {"stopped": True}
    tools.wait_until(lambda: all(process_start(pid) is None for pid in children), 15)


def test_reading_and_queueing_work_before_the_start(home, tools):
    service = Service(home)
    run_id = service.submit(tools.SPEC, tools.recipe(), "dots")
    machine = service.machine()
    assert (machine.ready, machine.n_waiting, machine.n_running, machine.problem) == (False, 1, 0, "")
    assert service.data_tasks() == [] and service.store.get(run_id).state == "queued"
    service.stop_run(run_id)
    service.delete(run_id)
    assert service.store.runs() == []
    service.stop()


def test_questions_before_the_start_are_a_sentence(home, monkeypatch):
    monkeypatch.setattr(service_module, "WAIT_FOR_START_S", 0.05)
    with pytest.raises(JobError, match="getting ready"):
        Service(home).ask("predict")


def test_a_dataset_that_is_not_there_is_refused_at_once(home, tools):
    service = Service(home)
    with pytest.raises(DataError, match="cats"):
        service.submit(tools.SPEC, tools.recipe(), "cats")
    with pytest.raises(DataError, match="CIFAR-10"):
        service.submit(tools.SPEC, tools.recipe(), "cifar-10")
    assert service.store.runs() == []


def test_twins_are_queued_together_or_not_at_all(home, tools):
    service = Service(home)
    plain, residual = (service.store.get(i) for i in service.submit_twins(tools.SPEC, tools.recipe(), "dots"))
    assert plain.spec["family"] == "plain" and residual.spec["family"] == "residual"
    assert plain.group == residual.group is not None and plain.recipe == residual.recipe
    with pytest.raises(SpecError):
        service.submit_twins(NetSpec(family="vgg", depth=19, layout="imagenet"), tools.recipe(), "dots")
    assert len(service.store.runs()) == 2


def test_a_run_in_work_is_not_deleted(service, tools):
    run_id = service.submit(tools.SPEC, tools.recipe("waits"), "dots")
    tools.worker_of(service.store, run_id)
    with pytest.raises(StoreError, match="stop it"):
        service.delete(run_id)
    service.stop_run(run_id)
    tools.ended(service.store, run_id)
    service.delete(run_id)
    assert service.store.runs() == [] and not service.store.folder(run_id).exists()


def test_data_tasks_tell_how_far_they_are(service, tmp_path, tools):
    (tmp_path / "bad.npz").write_bytes(b"no npz")
    task_id = service.import_path(tmp_path / "bad.npz")
    task = tools.wait_until(lambda: (t := service.data_tasks()[-1]).state != "running" and t)
    assert task.id == task_id and task.state == "failed" and "bad.npz" in task.title and task.error.endswith(".")


def test_datasets_are_listed_opened_and_deleted(home):
    service = Service(home)
    assert {"shapes-10", "cifar-10", "dots"} == {info.name for info in service.datasets()}
    dots = service.dataset("dots")
    pictures, classes = service.preview("dots", per_class=1)
    assert pictures.shape == (len(dots.classes), 1, 32, 32, 3) and classes == dots.classes
    service.delete_dataset("dots")
    with pytest.raises(DataError, match="dots"):
        service.dataset("dots")


def test_an_upload_is_kept_for_its_task_inside_the_home(home, monkeypatch):
    service, started = Service(home), []
    monkeypatch.setattr(service, "import_path", lambda path: started.append(path) or "task")
    assert service.import_dataset("../../mine.npz", b"arrays") == "task"
    [path] = started
    assert path.read_bytes() == b"arrays" and path.name == "mine.npz" and path.is_relative_to(home / "uploads")


def test_an_upload_whose_task_cannot_begin_is_not_kept(home, monkeypatch):
    def not_ready(_path):
        raise JobError("The lab is still getting ready.")

    service = Service(home)
    monkeypatch.setattr(service, "import_path", not_ready)
    with pytest.raises(JobError):
        service.import_dataset("mine.npz", b"arrays")
    assert list((home / "uploads").iterdir()) == []


def test_an_upload_goes_with_the_worker_that_died_of_it(home):
    from ray.exceptions import WorkerCrashedError

    from resnet_core.compute.data_tasks import DataTasks

    def stream():
        raise WorkerCrashedError
        yield

    tasks, path = DataTasks(home), save_upload(home, "mine.npz", b"arrays")
    tasks._tasks["t"] = DataTask("t", "Importing mine.npz", source=str(path), kind="import")
    tasks._listen("t", stream())
    assert tasks.all()[0].state == "failed" and not path.exists()


def test_a_run_travels_as_a_file(home, tmp_path):
    ours, theirs = Service(home), Service(tmp_path / "other")
    run_id = shipped.install(ours.store)[0]
    run = theirs.import_run(ours.export_run(run_id))
    assert (run.name, run.spec, run.origin) == (ours.store.get(run_id).name, ours.store.get(run_id).spec, "import")
    assert theirs.store.weights(run.id) is not None
    with pytest.raises(StoreError):
        theirs.import_run(b"no run")


def test_one_service_for_each_home(home, tmp_path):
    assert connect(home) is connect(Path(str(home) + "/.")) is not connect(tmp_path / "other")


def test_a_new_home_gets_its_first_pictures_unasked(make_service, home, tools, monkeypatch):
    from resnet_core.compute.data_tasks import DataTasks
    from resnet_core.compute.inference_client import InferenceClient

    started = []
    monkeypatch.setattr(service_module.cluster, "warm_up", lambda _resources: "cpu")
    monkeypatch.setattr(InferenceClient, "wait_until_ready", lambda _self: None)
    monkeypatch.setattr(DataTasks, "start", lambda _self, kind, source, *_: started.append((kind, source)))
    left = home / "uploads" / "upload-1" / "mine.npz"  # by a service that was killed
    left.parent.mkdir(parents=True)
    left.touch()
    for path in (left, left.parent):
        os.utime(path, (0, 0))
    service = make_service(home, warm=True)
    tools.wait_until(lambda: service.machine().ready)
    assert started == [("dataset", "shapes-10")]
    assert not left.parent.exists()
