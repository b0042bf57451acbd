"""What a job costs around its training: from queued to the first step, by a warm worker and by a cold one.

    python -m benchmarks.job_start

Queues ResNet-20 on Shapes-10 as the Train page does and looks at the store for its first statistics, which a training
reports with its first step. "first step" is that of the same training in a process of its own, imports done: the rest
is the job's overhead. "cold" is the first job of a lab that did not warm its workers up: the import of torch is in it.
Writes results/job_start.json.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.machine import described
from resnet_core.compute.service import Service
from resnet_core.data.catalog import load_dataset
from resnet_core.networks.spec import NetSpec
from resnet_core.training.events import StepStats
from resnet_core.training.recipe import Recipe

OUT = Path(__file__).resolve().parent / "results" / "job_start.json"
SPEC, DATA = NetSpec(depth=20), "shapes-10"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        load_dataset(DATA, home)
        cold = queued_to_first_step(home, warm=False, repeats=1)
        warm = queued_to_first_step(home, warm=True, repeats=args.repeats)
        step = [first_step(home, seed) for seed in range(args.repeats)]
    result = {
        "about": described("benchmarks.job_start", sys.argv[1:]),
        "cold_s": round(cold[0], 2),
        "warm_s": [round(seconds, 2) for seconds in warm],
        "first_step_s": [round(seconds, 2) for seconds in step],
        "overhead_s": round(statistics.median(warm) - statistics.median(step), 2),
    }
    print(json.dumps(result, indent=1))
    args.out.write_text(json.dumps(result, indent=1) + "\n")


def queued_to_first_step(home: Path, warm: bool, repeats: int) -> list[float]:
    """Seconds, one job after the other."""
    lab = Service(home, warm=warm)
    lab.start()
    try:
        while warm and not lab.machine().ready:
            time.sleep(0.1)
        return [one_job(lab, seed) for seed in range(repeats)]
    finally:
        lab.stop()
        lab.store.close()


def one_job(lab: Service, seed: int) -> float:
    begun = time.perf_counter()
    run = lab.submit(SPEC, Recipe(steps=10_000, seed=seed), DATA)
    while not len(lab.store.steps(run)):
        time.sleep(0.02)
    seconds = time.perf_counter() - begun
    lab.stop_run(run)
    while lab.store.get(run).active:
        time.sleep(0.1)
    return seconds


def first_step(home: Path, seed: int) -> float:
    """Of the training alone, in this process: building the network, the first step, its statistics."""
    from resnet_core.training.trainer import train

    data = load_dataset(DATA, home)
    begun = time.perf_counter()
    for event in train(SPEC, Recipe(steps=10_000, seed=seed), data):
        if isinstance(event, StepStats):
            return time.perf_counter() - begun
    raise AssertionError("a training reports its first step")


if __name__ == "__main__":
    main()
