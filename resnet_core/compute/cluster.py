"""Starting Ray and knowing what there is to compute on. Ray is imported when it is started: that takes a
while. No torch.
"""

import logging
import os
import secrets
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from resnet_core.compute.failures import Failure
from resnet_core.cpu import available_cores, let_threads_sleep
from resnet_core.networks.spec import NetSpec
from resnet_core.processes import process_start
from resnet_core.training.estimate_result import Estimate
from resnet_core.training.recipe import Recipe

if TYPE_CHECKING:
    import ray

OBJECT_STORE_BYTES = 1 << 30
GPU_SHARE = 0.25
MAX_THREADS = 8
WARM_WORKERS = 2
_PACKAGE = Path(__file__).resolve().parent.parent  # workers import it from here
_FOLDER_PREFIX = "skips-"


@dataclass(frozen=True)
class Resources:
    """What the whole cluster has."""

    cpus: int
    gpus: int
    node_cpus: int  # of its largest machine: one training runs on one machine

    @property
    def slots(self) -> float:
        """What trainings share: GPUs where there are any, else CPU cores."""
        return self.gpus or self.cpus

    def options(self, threads: int) -> dict[str, float]:
        """What a training with ``threads`` CPU threads asks Ray for; on a GPU, four run beside each other."""
        return {"num_cpus": 1, "num_gpus": GPU_SHARE} if self.gpus else {"num_cpus": self._cores(threads)}

    def share(self, threads: int) -> float:
        """The slots that such a training takes."""
        return GPU_SHARE if self.gpus else self._cores(threads)

    def _cores(self, threads: int) -> int:
        """Cores that a training is booked for: all its threads, but half of a machine that it has for itself. It may
        train for days, and whoever comes next must be able to begin; the system then shares out the cores.
        """
        return min(threads, max(1, self.node_cpus // 2))

    def threads(self, wanting: int) -> int:
        """CPU threads of the next training when ``wanting`` are in work or wait, itself among them: one alone gets
        the machine, several run beside each other. More than eight do not make networks of this size faster.
        """
        return 1 if self.gpus else max(1, min(MAX_THREADS, self.node_cpus // wanting))


def start(num_cpus: int | None = None) -> Resources:
    """Connect to the cluster that ``RAY_ADDRESS`` names, else start Ray on this machine with ``num_cpus`` slots.

    Started here, it listens on 127.0.0.1 only, behind a secret of this process, and ends with it. It must not be
    called in the main thread of a server: Ray would replace its handler of SIGTERM.
    """
    address = os.environ.get("RAY_ADDRESS")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    let_threads_sleep()
    if not address:
        # The switch for systems on which Ray must stay on one machine; there it binds to the loopback alone.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))  # else Ray writes one to ~/.ray
        logging.getLogger("ray._private.authentication").setLevel(logging.ERROR)  # nothing to tell anybody
        paths = [str(_PACKAGE.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
        os.environ["PYTHONPATH"] = os.pathsep.join(paths)  # workers inherit it
    import ray

    if address:
        environment = {"py_modules": [str(_PACKAGE)], "env_vars": {"OMP_WAIT_POLICY": os.environ["OMP_WAIT_POLICY"]}}
        ray.init(address, log_to_driver=False, configure_logging=False, runtime_env=environment)
    elif not ray.is_initialized():
        ray.init(
            num_cpus=num_cpus or available_cores(),
            include_dashboard=False,
            log_to_driver=False,
            configure_logging=False,
            object_store_memory=OBJECT_STORE_BYTES,
            _temp_dir=str(_new_folder()),
            _system_config={"worker_niceness": 0},  # pages go first; trainings lower their own priority
        )
        _ray_processes.clear()
        _ray_processes.update(_started_here())
        if not _ray_processes.keys() >= set(_NEEDED):
            raise RuntimeError("Ray ended while it was being started")
    return resources()


_NEEDED = ("gcs_server", "raylet")
"""Ray's processes without which it is nothing."""

_ray_processes: dict[str, tuple[int, str | None]] = {}  # name -> number and start of those that were started here


def _started_here() -> dict[str, tuple[int, str | None]]:
    found = {}
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):  # it ended while we looked
            name = child.name().removesuffix(".exe")
            if name in _NEEDED:
                found[name] = (child.pid, process_start(child.pid))
    return found


def alive() -> bool:
    """Whether the Ray that was started here still stands. When it does not, this process has a minute to stop it
    before Ray ends it as well. A cluster that RAY_ADDRESS names is looked after by others.
    """
    return all(process_start(pid) == start for pid, start in _ray_processes.values())


def resources() -> Resources:
    import ray

    total = ray.cluster_resources()
    nodes = [node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]]
    return Resources(int(total.get("CPU", 0)), int(total.get("GPU", 0)), int(max(nodes, default=1)))


def warm_up(resources: Resources) -> str:
    """Have workers import what trainings need, as many as would run beside each other (at most WARM_WORKERS). Returns
    what they compute on, for people: "CPU, 2 cores", "NVIDIA H200", "4 x NVIDIA H200".
    """
    import ray

    from resnet_core.compute import jobs

    task = ray.remote(max_retries=3, max_calls=1 if resources.gpus > 1 else 0)(jobs.warm_up)
    count = min(WARM_WORKERS, max(1, int(resources.slots)))
    device = ray.get([task.options(**resources.options(1)).remote() for _ in range(count)])[0]
    if device["type"] == "cpu":
        return f"CPU, {resources.cpus} core" + ("" if resources.cpus == 1 else "s")
    return device["name"] if resources.gpus == 1 else f"{resources.gpus} x {device['name']}"


def start_estimate(
    spec: NetSpec, recipe: Recipe, n_train: int, n_test: int, resources: Resources, threads: int
) -> "ray.ObjectRef[Estimate | Failure]":
    """Begin to measure what a training would cost, see `jobs.estimate_task`; it takes no slot from those that run."""
    import ray

    from resnet_core.compute import jobs

    options = {"num_cpus": 0, "num_gpus": GPU_SHARE if resources.gpus else 0, "max_retries": 0}
    task = ray.remote(max_calls=1 if resources.gpus > 1 else 0)(jobs.run_interruptible).options(**options)
    return task.remote(jobs.estimate_task, spec.to_dict(), recipe.to_dict(), n_train, n_test, threads)


def on_this_node() -> dict[str, Any]:
    """Options of a task or actor that has to run where the home folder is."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = ray.get_runtime_context().get_node_id()
    return {"scheduling_strategy": NodeAffinitySchedulingStrategy(here, soft=False)}


def stop() -> None:
    """End the Ray that was started here, or what there is of it."""
    import ray

    _ray_processes.clear()
    ray.shutdown()
    shutil.rmtree(_parent() / _own_name(), ignore_errors=True)


def _new_folder() -> Path:
    """Where Ray keeps its sockets and logs: a short path, since a socket's may have only 107 characters."""
    for folder in _parent().glob(f"{_FOLDER_PREFIX}*"):
        if folder.name != _own_name() and not _in_use(folder):
            shutil.rmtree(folder, ignore_errors=True)  # left by a process that was killed
    folder = _parent() / _own_name()
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _own_name() -> str:
    """Shorter than `processes.process_tag`, which would make the sockets' paths too long on a Mac."""
    return f"{_FOLDER_PREFIX}{os.getpid()}-{_started(os.getpid())}"


def _in_use(folder: Path) -> bool:
    """Whether the process that the folder is named after still runs; true for a name that is not of ours."""
    pid, _, start = folder.name.removeprefix(_FOLDER_PREFIX).partition("-")
    return not pid.isdigit() or _started(int(pid)) == start


def _started(pid: int) -> str:
    return (process_start(pid) or "").replace(" ", "_")


def _parent() -> Path:
    short = Path("/tmp")
    return short if os.access(short, os.W_OK) else Path(tempfile.gettempdir())
