"""What a job costs around its training: from queued to the first step, by a warm worker and by a cold one.

    python -m benchmarks.job_start

Queues ResNet-20 on Shapes-10 as the Train page does and waits for its first statistics in the store, which a training
reports with its first step. "first step" is that of the same training alone, after all imports: the rest is the job's
overhead. "cold" is the first job of a service that did not warm its workers up, and includes the import of torch.
Writes results/job_start.json.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.machine import describe_origin
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
        cold = time_jobs(home, warm=False, repeats=1)
        warm = time_jobs(home, warm=True, repeats=args.repeats)
        step = [time_first_step(home, seed) for seed in range(args.repeats)]
    result = {
        "about": describe_origin("benchmarks.job_start", sys.argv[1:]),
        "cold_s": round(cold[0], 2),
        "warm_s": [round(seconds, 2) for seconds in warm],
        "first_step_s": [round(seconds, 2) for seconds in step],
        "overhead_s": round(statistics.median(warm) - statistics.median(step), 2),
    }
    print(json.dumps(result, indent=1))
    args.out.write_text(json.dumps(result, indent=1) + "\n")


def time_jobs(home: Path, warm: bool, repeats: int) -> list[float]:
    """Seconds from queued to the first step, of one job after the other."""
    service = Service(home, warm=warm)
    service.start()
    try:
        while warm and not service.machine().ready:
            time.sleep(0.1)
        return [time_job(service, seed) for seed in range(repeats)]
    finally:
        service.stop()
        service.store.close()


def time_job(service: Service, seed: int) -> float:
    begun = time.perf_counter()
    run = service.submit(SPEC, Recipe(steps=10_000, seed=seed), DATA)
    while not len(service.store.steps(run)):
        time.sleep(0.02)
    seconds = time.perf_counter() - begun
    service.stop_run(run)
    while service.store.get(run).active:
        time.sleep(0.1)
    return seconds


def time_first_step(home: Path, seed: int) -> float:
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
