"""How long a visitor waits for maps: one CIFAR-sized picture, two ResNet-56, four methods.

    python benchmarks/attribution.py --data cifar10.npz

The goal is 1.5 s warm on two CPU cores for Saliency, Integrated Gradients with 32 steps, Grad-CAM and DeepLIFT. The
networks have their initial weights: the time does not depend on what was learned. Measured alone and beside a
stand-in for a training: a process of lower priority that keeps every core busy, as the app's training workers do.
Each with one torch thread and with one thread per core, which must wait passively (OMP_WAIT_POLICY): threads that
spin while they wait take tens of seconds beside a training.
"""

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch loads OpenMP

import captum
import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from resnet_core.attribution.methods import METHODS  # noqa: E402
from resnet_core.attribution.questions import explain_many  # noqa: E402
from resnet_core.networks.build import build_net  # noqa: E402
from resnet_core.networks.presets import preset  # noqa: E402
from resnet_core.trained.loaded import LoadedNet  # noqa: E402
from resnet_core.trained.net import DataFacts, TrainedNet  # noqa: E402

GOAL_METHODS = ("saliency", "integrated_gradients", "grad_cam", "deeplift")
GOAL_S = 1.5
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
"""Of CIFAR-10's training pictures."""

TRAINING = """
import torch
from torch import nn
net = nn.Sequential(*[nn.Conv2d(16, 16, 3, padding=1) for _ in range(20)])
while True:
    net(torch.randn(128, 16, 32, 32)).sum().backward()
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help=".npz with x_test; without it a picture of noise")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "attribution.json")
    args = parser.parse_args()

    picture = read_picture(args.data)
    spec, facts = preset("resnet-56"), DataFacts("cifar-10", tuple("0123456789"), MEAN, STD)
    nets = [LoadedNet(TrainedNet(str(seed), spec.name, spec, facts, 0), build_net(spec, seed=seed)) for seed in (0, 1)]
    result = describe(args)
    threads = sorted({1, os.cpu_count() or 1})
    for count in threads:
        torch.set_num_threads(count)
        result["alone"][f"threads={count}"] = measure(nets, picture, args.repeats, METHODS)
    busy = subprocess.Popen([sys.executable, "-c", TRAINING], preexec_fn=lambda: os.nice(19))
    try:
        time.sleep(10)  # torch's import
        for count in threads:
            torch.set_num_threads(count)
            result["beside_a_training"][f"threads={count}"] = measure(nets, picture, args.repeats)
    finally:
        busy.kill()
        busy.wait()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


def read_picture(path: Path | None) -> np.ndarray:
    if path is None:
        return np.random.default_rng(0).integers(256, size=(32, 32, 3), dtype=np.uint8)
    return np.load(path, allow_pickle=False)["x_test"][0]


def measure(nets: list[LoadedNet], picture: np.ndarray, repeats: int, each: Iterable[str] = ()) -> dict[str, object]:
    """Seconds for the goal's four methods together, then for each of `each` on its own; both networks."""
    return {
        "goal_methods": time_call(lambda: list(explain_many(nets, picture, GOAL_METHODS, target=3)), repeats),
        **{
            name: time_call(lambda name=name: list(explain_many(nets, picture, [name], target=3)), repeats)
            for name in each
        },
    }


def time_call(call: Callable[[], object], repeats: int) -> dict[str, float]:
    """Wall seconds of `call`, after one call to warm up, and its processor seconds."""
    call()
    wall, processor = [], []
    for _ in range(repeats):
        started, used = time.perf_counter(), time.process_time()
        call()
        wall.append(time.perf_counter() - started)
        processor.append(time.process_time() - used)
    return {
        "median_s": round(statistics.median(wall), 4),
        "worst_s": round(max(wall), 4),
        "processor_s": round(statistics.median(processor), 4),
    }


def describe(args: argparse.Namespace) -> dict[str, object]:
    command = "python benchmarks/attribution.py" + (f" --data {args.data.name}" if args.data else "")
    return {
        "what": "two ResNet-56, one 32x32 picture, fp32; seconds for both networks, warm",
        "goal": f"{', '.join(GOAL_METHODS)} together in at most {GOAL_S} s on 2 cores",
        "command": command,
        "date": datetime.date.today().isoformat(),
        "machine": f"{cpu_name()}, {os.cpu_count()} cores",
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "captum": captum.__version__,
        },
        "repeats": args.repeats,
        "load_average_before": round(os.getloadavg()[0], 2),
        "omp_wait_policy": os.environ["OMP_WAIT_POLICY"],
        "alone": {},
        "beside_a_training": {},
    }


def cpu_name() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


if __name__ == "__main__":
    main()
