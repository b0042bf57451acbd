"""Do killed trainings end with the numbers of undisturbed ones? Five real ones, killed at random moments.

    python -m benchmarks.kill_test

A process like the app's (this file with --app) trains five small networks on a part of Shapes-10. At random steps,
drawn with the seed, SIGKILL ends either the worker process of a training or the whole app; a killed app is started
again. Afterwards each network is trained once more without disturbance, with the same number of threads, and every
recorded row and every weight has to be the same to the last bit (times and speeds aside). Checkpoints are made every
second instead of every 30, so that these short trainings have some to resume from.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from resnet_core.compute.jobs import Job
from resnet_core.compute.service import Service
from resnet_core.data import shapes10, storage
from resnet_core.data.catalog import load_dataset
from resnet_core.data.dataset import Dataset
from resnet_core.networks.spec import NetSpec
from resnet_core.runs.run import Run
from resnet_core.runs.store import RunStore
from resnet_core.training.events import Event
from resnet_core.training.recipe import Recipe

ROOT = Path(__file__).resolve().parents[1]
DATASET = "shapes-10-part"
TIMES = ("seconds", "images_per_s")
TIMEOUT_S = 240.0


@dataclass(frozen=True)
class Kill:
    """One SIGKILL and how the run went on."""

    run: str
    victim: str  # "worker" or "app"
    at_step: int  # recorded when the signal was sent
    went_on_from: int  # step of the checkpoint that was there
    seconds_lost: float  # until a worker trained the run again


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "kill_test.json")
    parser.add_argument("--app", type=Path, metavar="HOME", help="be the app that is killed")
    args = parser.parse_args()
    if args.app:
        run_app(args.app)
        return
    with tempfile.TemporaryDirectory(prefix="kill-test-") as home:
        result = measure(Path(home), args)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps({key: result[key] for key in ("kills", "same", "lost", "left_running")}))
    sys.exit(0 if result["same"] == args.runs else 1)


def run_app(home: Path) -> None:
    service = Service(home, warm=False, trainer="benchmarks.kill_test:train_with_checkpoints")
    service.start()
    signal.pause()


def train_with_checkpoints(
    job: Job, dataset: Dataset, resume: bytes | None, should_stop: Callable[[], bool]
) -> Iterator[Event]:
    """The real training, with a checkpoint every second."""
    import torch

    from resnet_core.training.trainer import train

    torch.set_num_threads(job.threads)
    spec, recipe = NetSpec.from_dict(job.spec), Recipe.from_dict(job.recipe)
    yield from train(spec, recipe, dataset, resume=resume, should_stop=should_stop, checkpoint_every_s=1)


def measure(home: Path, args: argparse.Namespace) -> dict[str, object]:
    from benchmarks.machine import describe_origin  # imports torch, which the app's process must not

    rng = random.Random(args.seed)
    store = RunStore(home)
    make_dataset(home)
    runs = [queue(store, index, args.steps) for index in range(args.runs)]
    plan = {run: sorted(rng.sample(range(args.steps // 10, args.steps * 9 // 10), 2)) for run in runs}
    victims = {run: rng.sample(["worker", "app"], 2) for run in runs}
    begun = time.monotonic()
    kills = disturb(store, home, plan, victims)
    seconds = time.monotonic() - begun
    compared = [compare(store, home, store.get(run)) for run in runs]
    return {
        **describe_origin(
            "benchmarks.kill_test", [f"--seed={args.seed}", f"--runs={args.runs}", f"--steps={args.steps}"]
        ),
        "what": f"{args.runs} trainings of {args.steps} steps, ResNet-8 and plain-8 of width 8, batch 64",
        "kills": len(kills),
        "killed": [asdict(kill) for kill in kills],
        "runs": compared,
        "same": sum(run["rows_same"] and run["weights_same"] for run in compared),
        "lost": args.runs - len(store.runs()),
        "left_running": len(store.runs(("queued", "running", "stopping"))),
        "seconds": round(seconds, 1),
    }


def make_dataset(home: Path) -> None:
    part = shapes10.small_dataset(n_train=2000, n_test=500)
    with storage.new_folder(home) as folder:
        for key in storage.ARRAYS:
            storage.save_array(folder, key, getattr(part, key))
        storage.commit(folder, home, name=DATASET, title=DATASET, classes=part.classes, source=part.source)


def queue(store: RunStore, index: int, steps: int) -> str:
    spec = NetSpec(family="residual" if index % 2 else "plain", depth=8, width=8)
    recipe = Recipe(name="kill-test", steps=steps, batch_size=64, lr=0.05, schedule="one_cycle", seed=index)
    return store.create(spec.to_dict(), recipe.to_dict(), DATASET, name=f"{spec.name} seed {index}")


def disturb(store: RunStore, home: Path, plan: dict[str, list[int]], victims: dict[str, list[str]]) -> list[Kill]:
    """Kill as planned until all runs have ended."""
    kills: list[Kill] = []
    app = start_app(home)
    try:
        while active := [run for run in store.runs() if run.active]:
            for run in active:
                if plan[run.id] and run.state == "running" and run.step >= plan[run.id][0]:
                    plan[run.id].pop(0)
                    victim = victims[run.id].pop(0)
                    begun = time.monotonic()
                    if victim == "app":
                        kill(app.pid)
                        app.wait()
                        saved = store.get(run.id)
                        app = start_app(home)
                    else:
                        kill(find_worker(run.id))
                        saved = store.get(run.id)
                    wait_until_resumed(store, saved)
                    lost = round(time.monotonic() - begun, 1)
                    kills.append(Kill(run.id, victim, saved.step, saved.weights_step or 0, lost))
                    print(kills[-1], file=sys.stderr)
            time.sleep(0.05)
    finally:
        kill(app.pid)
        app.wait()
    return kills


def start_app(home: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "benchmarks.kill_test", "--app", str(home)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def find_worker(run: str) -> int:
    """The process id of the worker that trains ``run``: Ray names the process after the task."""
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        for commandline in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = commandline.read_bytes().decode(errors="replace")
            except (FileNotFoundError, ProcessLookupError):
                continue  # ended meanwhile
            if words.startswith("ray::") and run in words:
                return int(commandline.parent.name)
        time.sleep(0.02)
    sys.exit(f"There is no worker that trains {run}.")


def wait_until_resumed(store: RunStore, before: Run) -> None:
    """Wait until the run trains again, or has ended."""
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        run = store.get(before.id)
        resumed = run.state == "running" and run.step != before.step and run.version != before.version
        if resumed or not run.active:
            return
        time.sleep(0.05)
    sys.exit(f"Run {before.id} was not taken up within {TIMEOUT_S:.0f} s: {store.get(before.id)}")


def compare(store: RunStore, home: Path, run: Run) -> dict[str, object]:
    """Train the same run without disturbance and compare the two."""
    quiet = RunStore(home / "undisturbed")
    reference = quiet.create(run.spec, run.recipe, run.dataset, name=run.name)
    job = Job("", run.spec, run.recipe, run.threads, None)
    dataset = load_dataset(run.dataset, home)
    quiet.record(reference, list(train_with_checkpoints(job, dataset, None, lambda: False)))
    same = {
        "epochs": same_rows(store.epochs(run.id), quiet.epochs(reference)),
        "steps": same_rows(store.steps(run.id), quiet.steps(reference)),
        "layers": same_layers(store, run.id, quiet, reference),
    }
    last = store.epochs(run.id).iloc[-1]
    return {
        "run": run.id,
        "name": run.name,
        "state": run.state,
        "attempts": run.attempts,
        "threads": run.threads,
        "test_error": last["test_error"],
        "rows_same": all(same.values()),
        "weights_same": store.weights(run.id) == quiet.weights(reference),
        "tables": same,
    }


def same_rows(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    dropped = ["run", *(name for name in TIMES if name in one)]
    return one.drop(columns=dropped).equals(other.drop(columns=dropped))


def same_layers(store: RunStore, run: str, quiet: RunStore, reference: str) -> bool:
    one, other = store.layers(run), quiet.layers(reference)
    return all(
        np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True)
        for name in ("steps", "weight_stats", "block_stats")
    )


if __name__ == "__main__":
    main()
