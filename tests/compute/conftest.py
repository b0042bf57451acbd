import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
os.environ["PYTHONPATH"] = str(HERE)  # Ray's workers import the fakes from here

from resnet_core.compute import cluster  # noqa: E402
from resnet_core.compute.service import Service  # noqa: E402
from resnet_core.data import storage  # noqa: E402
from resnet_core.networks.spec import NetSpec  # noqa: E402
from resnet_core.training.recipe import Recipe  # noqa: E402

SPEC = NetSpec(family="residual", depth=8, width=4)


@pytest.fixture(scope="session")
def ray_running():
    resources = cluster.start(num_cpus=2)
    yield resources
    cluster.stop()


@pytest.fixture
def home(tmp_path):
    add_dataset(tmp_path, "dots", seed=0)
    return tmp_path


def add_dataset(home, name, seed):
    rng = np.random.default_rng(seed)
    with storage.new_folder(home) as folder:
        for part, count in (("train", 40), ("test", 20)):
            storage.save_array(folder, f"x_{part}", rng.integers(0, 256, (count, 32, 32, 3), np.uint8))
            storage.save_array(folder, f"y_{part}", np.arange(count) % 10)
        classes = tuple(f"class {i}" for i in range(10))
        storage.commit(folder, home, name=name, title=name, classes=classes, source="noise")


@pytest.fixture
def make_service(ray_running):
    """Services with the fake training, on the one Ray of the session."""
    made = []

    def make(home, **options):
        service = Service(home, **{"trainer": "fake_training:train", "warm": False, **options})
        service.start()
        made.append(service)
        return service

    with pytest.MonkeyPatch.context() as patch:  # its own: a test may undo the one it uses
        patch.setattr(cluster, "stop", lambda: None)
        yield make
        for service in made:
            service.stop()


@pytest.fixture
def service(make_service, home):
    return make_service(home)


def recipe(kind="normal", steps=40, seed=1):
    return Recipe(name=kind, steps=steps, seed=seed, batch_size=10)


def wait_until(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
    return found


def ended(store, run_id, seconds=60.0):
    return wait_until(lambda: (run := store.get(run_id)) and not run.active and run, seconds)


def worker_of(store, run_id):
    """The process number of the fake training, once it has made some steps."""
    run = wait_until(lambda: (run := store.get(run_id)).state == "running" and run.step >= 12 and run)
    return int(run.device_name.split()[1])


def assert_undisturbed(store, run_id, run_recipe=None):
    """The run has exactly the rows and weights that a training without any disturbance makes."""
    import fake_training

    from resnet_core.compute.jobs import Job
    from resnet_core.data.catalog import load_dataset
    from resnet_core.runs.store import RunStore

    run = store.get(run_id)
    assert run.state == "done", run.reason
    job = Job("", run.spec, run.recipe | {"name": "undisturbed"}, 1, None)
    quiet = RunStore(store.home / "undisturbed")
    reference = quiet.create(run.spec, run.recipe, run.dataset, name="reference")
    quiet.record(reference, list(fake_training.train(job, load_dataset(run.dataset, store.home), None, lambda: False)))
    for table in ("epochs", "steps"):
        pd.testing.assert_frame_equal(
            getattr(store, table)(run_id).drop(columns="run"),
            getattr(quiet, table)(reference).drop(columns="run"),
        )
    mine, other = store.layers(run_id), quiet.layers(reference)
    assert mine.steps.tolist() == other.steps.tolist()
    np.testing.assert_array_equal(mine.weight_stats, other.weight_stats)
    np.testing.assert_array_equal(mine.block_stats, other.block_stats)
    assert json.loads(store.weights(run_id)) == json.loads(quiet.weights(reference))
    quiet.close()


@pytest.fixture
def tools():
    """The helpers above, for test files: with importlib as import mode they cannot import this one."""
    return sys.modules[__name__]
