"""Several trainings at once in one process on one device, against the same trainings one after the other.

Each is in a thread and on a CUDA stream of its own.

    python -m benchmarks.side_by_side --out benchmarks/results/side_by_side_gpu.json
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.machine import describe_origin
from benchmarks.throughput import BATCH, random_pictures
from resnet_core.data.dataset import Dataset
from resnet_core.networks.spec import NetSpec
from resnet_core.training.device import device_name, pick_device
from resnet_core.training.events import Event, StepStats
from resnet_core.training.recipe import Recipe
from resnet_core.training.trainer import train


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--depths", type=int, nargs="+", default=[20, 56])
    parser.add_argument("--at-once", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--steps", type=int, default=1000, help="of each training (default: %(default)s)")
    parser.add_argument("--device")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    data, rows = random_pictures(20_000), []
    for depth in args.depths:
        alone = None
        for n in args.at_once:
            rate = measure_images_per_s(NetSpec(depth=depth), n, data, args)
            alone = alone or rate / n
            rows.append({"depth": depth, "at_once": n, "images_per_s": round(rate), "over_one": round(rate / alone, 3)})
            print(rows[-1], flush=True)
            if args.out:
                where, _ = pick_device(args.device)
                about = describe_origin("benchmarks.side_by_side", sys.argv[1:]) | {"device": device_name(where)}
                args.out.write_text(json.dumps({"about": about, "rows": rows}, indent=1) + "\n")


def measure_images_per_s(spec: NetSpec, n: int, data: Dataset, args: argparse.Namespace) -> float:
    """Throughput of n trainings together, from when all have made their first steps to when all have ended."""
    recipes = [Recipe(steps=args.steps, log_every=50, seed=seed) for seed in range(n)]
    trainings = [train(spec, recipe, data, device=args.device, checkpoint_every_s=float("inf")) for recipe in recipes]
    with ThreadPoolExecutor(n) as pool:
        made = list(pool.map(make_first_steps, trainings))
        begun = time.perf_counter()
        list(pool.map(list, trainings))
        seconds = time.perf_counter() - begun
    return sum(args.steps - steps for steps in made) * BATCH / seconds


def make_first_steps(training: Iterator[Event]) -> int:
    """Train until the graph has been captured and replayed; return the number of steps."""
    return next(event.step for event in training if isinstance(event, StepStats) and event.step >= 50)


if __name__ == "__main__":
    main()
