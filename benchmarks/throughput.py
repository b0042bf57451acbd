"""Training speed: this lab's trainer, statistics on, against the ordinary loop, alternating in one process.

The ordinary loop is what public CIFAR trainers do (kuangliu/pytorch-cifar, akamaster/pytorch_resnet_cifar10):
pictures cropped and flipped one by one with PIL in a DataLoader's four workers, float32, channels first, and
``loss.item()`` after each step. Both train the same network with the same recipe on the same random pictures. As they
alternate, other work on the machine affects both: trust the ratios more than the rates.

    python -m benchmarks.throughput --quick python -m benchmarks.throughput --depths 20 56 110 --rounds 5
    --out benchmarks/results/throughput_cpu.json
"""

import argparse
import csv
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset
from torchvision import transforms

from benchmarks.machine import describe_origin
from resnet_core.data.batches import TrainBatches
from resnet_core.data.dataset import Dataset
from resnet_core.networks.build import build_net
from resnet_core.networks.spec import NetSpec
from resnet_core.training.cuda_graph import GraphedStep
from resnet_core.training.device import device_name, pick_device, pick_precision
from resnet_core.training.events import StepStats
from resnet_core.training.recipe import Recipe
from resnet_core.training.step import TrainStep, autocast
from resnet_core.training.trainer import train

BATCH = 128
WORKERS = 4
WARM_UP = 5
"""Steps of each way before any is timed, which make buffers, kernels and graphs."""

PREFETCHED = 2 * WORKERS
"""Batches that a DataLoader of four workers has ready after a pause, and that would make it look faster."""

Segment = Callable[[int], float]
"""Makes that many steps and returns the seconds they took."""


def main() -> None:
    args = parse_arguments()
    dataset = random_pictures(args.pictures)
    print(f"{'':34}images/s      of ordinary")
    rows = []
    for depth in args.depths:
        new = measure(NetSpec(depth=depth), dataset, args)
        rows += new
        print(to_text(new), flush=True)
        if args.out:  # after each depth, so that an interruption keeps what was measured
            write(args.out, {"about": describe(args), "rows": rows})


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--depths", type=int, nargs="+", default=[20, 56, 110])
    parser.add_argument("--rounds", type=int, default=5, help="times each way is measured (default: %(default)s)")
    parser.add_argument(
        "--interval",
        type=int,
        default=50,
        help="steps between statistics, and in one measurement; 50 is the lab's longest (default: %(default)s)",
    )
    parser.add_argument("--pictures", type=int, default=20_000, help="random pictures (default: %(default)s)")
    parser.add_argument("--device", help="default: the best there is")
    parser.add_argument("--quick", action="store_true", help="3 rounds of 10 steps, statistics at every 10th")
    parser.add_argument("--out", type=Path, help="a .json or .csv file")
    args = parser.parse_args()
    if args.quick:
        args.rounds, args.interval, args.pictures = 3, 10, 5_000
    return args


def random_pictures(n: int) -> Dataset:
    """Speed does not depend on what the pictures show."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)
    y = rng.integers(0, 10, n)
    names = tuple("abcdefghij")
    return Dataset("random", "Random pictures", names, x, y, x[:100], y[:100], "random", "random")


def measure(spec: NetSpec, dataset: Dataset, args: argparse.Namespace) -> list[dict]:
    """Images per second of each way to train ``spec``, and of parts of it, one round after the other."""
    device, _ = pick_device(args.device)
    ways: dict[str, Segment] = {
        "ours": ours(spec, dataset, args),
        "our steps": our_steps(spec, dataset, device),
        "ordinary": ordinary(spec, dataset, device),
        "our batches only": our_batches(dataset, device),
        "our forward only": our_forward(spec, device),
        **(captured_ways(spec, dataset, device) if device.type == "cuda" else {}),
        "ordinary loader only": loader_only(dataset, device),
    }
    for segment in ways.values():
        segment(WARM_UP)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(args.rounds):
        for name, segment in ways.items():
            seconds[name].append(segment(args.interval))
    rates = {name: [args.interval * BATCH / s for s in times] for name, times in seconds.items()}
    return [
        {
            "network": spec.name,
            "way": name,
            "images_per_s": round(statistics.median(values), 1),
            "lowest": round(min(values), 1),
            "highest": round(max(values), 1),
            "over_ordinary": round(ratio(values, rates["ordinary"]), 3),
        }
        for name, values in rates.items()
    ]


def ratio(values: list[float], ordinary_values: list[float]) -> float:
    """Median of the rounds' ratios: what slows a whole round down cancels out."""
    return statistics.median(a / b for a, b in zip(values, ordinary_values, strict=True))


# --- ours ---


def ours(spec: NetSpec, dataset: Dataset, args: argparse.Namespace) -> Segment:
    """The trainer itself, from one of its StepStats to a later one."""
    recipe = Recipe(steps=10_000_000, log_every=args.interval)
    events = train(spec, recipe, dataset, device=args.device, checkpoint_every_s=float("inf"))
    at = [0]

    def segment(n: int) -> float:
        goal = at[0] + max(n, args.interval)
        begun = time.perf_counter()
        for event in events:
            if isinstance(event, StepStats):
                at[0] = event.step
                if event.step >= goal:
                    break
        return time.perf_counter() - begun

    return segment


def our_steps(
    spec: NetSpec, dataset: Dataset, device: torch.device, captured: bool = False, compiled: bool = False
) -> Segment:
    """The trainer's steps without anything around them."""
    recipe = Recipe(steps=10_000_000)
    net = build_net(spec).to(device).to(memory_format=torch.channels_last)
    if compiled:
        for _, block in net.blocks():
            block.forward = torch.compile(block.forward)
    eager = TrainStep(net, recipe, device, pick_precision("auto", device)[0])
    train_step = GraphedStep(eager, uses_rng=False) if captured else eager
    batches = TrainBatches(dataset, BATCH, 0, True, device)
    return time_steps(device, lambda step: train_step(*batches(step), lr=0.1))


def captured_ways(spec: NetSpec, dataset: Dataset, device: torch.device) -> dict[str, Segment]:
    """The steps of `our_steps` in a CUDA graph, and with compiled blocks in it."""
    return {
        "our steps, graph": our_steps(spec, dataset, device, captured=True),
        "same, compiled blocks": our_steps(spec, dataset, device, captured=True, compiled=True),
    }


def our_batches(dataset: Dataset, device: torch.device) -> Segment:
    return time_steps(device, TrainBatches(dataset, BATCH, 0, True, device))


def our_forward(spec: NetSpec, device: torch.device) -> Segment:
    net = build_net(spec).to(device).to(memory_format=torch.channels_last)
    x = torch.randn(BATCH, 3, 32, 32, device=device).contiguous(memory_format=torch.channels_last)

    def forward(_step: int) -> None:
        with torch.no_grad(), autocast(device, pick_precision("auto", device)[0]):
            net(x)

    return time_steps(device, forward)


def time_steps(device: torch.device, function: Callable[[int], object]) -> Segment:
    def segment(n: int) -> float:
        begun = time.perf_counter()
        for step in range(n):
            function(step)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter() - begun

    return segment


# --- the ordinary loop ---


class PilPictures(TorchDataset):
    """Like torchvision's CIFAR10: an array; each picture becomes a PIL image and is transformed when it is read."""

    def __init__(self, dataset: Dataset):
        self.pictures, self.labels = dataset.x_train, dataset.y_train.tolist()
        self.transform = transforms.Compose(
            [
                transforms.RandomCrop(32, padding=4),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(dataset.mean, dataset.std),
            ]
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(Image.fromarray(self.pictures[index])), self.labels[index]


def ordinary_batches(dataset: Dataset, device: torch.device) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Batches of epoch after epoch; the workers persist, which favours the ordinary loop over its usual setting."""
    loader = DataLoader(
        PilPictures(dataset),
        BATCH,
        shuffle=True,
        num_workers=WORKERS,
        pin_memory=device.type == "cuda",
        drop_last=True,
        persistent_workers=True,
    )
    while True:
        yield from loader


def ordinary(spec: NetSpec, dataset: Dataset, device: torch.device) -> Segment:
    batches = ordinary_batches(dataset, device)
    net = build_net(spec).to(device)
    sgd = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    total = [0.0, 0]

    def step() -> None:
        x, y = next(batches)
        x, y = x.to(device, non_blocking=True), y.to(device, non_blocking=True)
        logits = net(x)
        loss = F.cross_entropy(logits, y)
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        total[0] += loss.item()
        total[1] += (logits.argmax(1) == y).sum().item()

    return time_after_prefetched(step)


def loader_only(dataset: Dataset, device: torch.device) -> Segment:
    batches = ordinary_batches(dataset, device)
    return time_after_prefetched(lambda: next(batches))


def time_after_prefetched(step: Callable[[], object]) -> Segment:
    """Use up, untimed, the batches that the workers prefetched while others were measured; and wait at the end until
    they have prefetched again, so that they take no time from what is measured next.
    """

    def segment(n: int) -> float:
        for _ in range(PREFETCHED):
            step()
        begun = time.perf_counter()
        for _ in range(n):
            step()
        seconds = time.perf_counter() - begun
        time.sleep(1.0)
        return seconds

    return segment


# --- the result ---


def describe(args: argparse.Namespace) -> dict:
    device, reason = pick_device(args.device)
    return describe_origin("benchmarks.throughput", sys.argv[1:]) | {
        "device": f"{device_name(device)} ({reason})",
        "precision": " because ".join(pick_precision("auto", device)),
        "batch_size": BATCH,
        "rounds": args.rounds,
        "steps_in_a_round": args.interval,
        "statistics_every": args.interval,
    }


def to_text(rows: list[dict]) -> str:
    return "\n".join(
        f"{row['network']:12}{row['way']:22}{row['images_per_s']:9,.0f}{row['over_ordinary']:14.2f} x" for row in rows
    )


def write(path: Path, result: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".csv":
        with path.open("w", newline="") as file:
            rows = [row | result["about"] for row in result["rows"]]
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    else:
        path.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
