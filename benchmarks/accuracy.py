"""Whether the fast path costs accuracy: the lab's trainer against an ordinary loop; same network, recipe and seeds.

  python -m benchmarks.accuracy CIFAR10.npz --ways fast --epochs 2 --seeds 0 1 2 python -m benchmarks.accuracy
  CIFAR10.npz --ways ordinary --epochs 2 --seeds 0 1 2

fast: bf16 where the machine has it, channels last, batches made on the device. ordinary: float32, channels first, each
picture cropped and flipped by torchvision's PIL transforms. Both start from the same weights for a seed. Adds each
training to results/accuracy.json when it ends; what is there is not trained again.
"""

import argparse
import json
import statistics
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader

from benchmarks.bare import cifar10
from benchmarks.machine import describe_origin
from benchmarks.throughput import PilPictures
from resnet_core.data.batches import EvalBatches
from resnet_core.data.dataset import Dataset
from resnet_core.networks.build import build_net
from resnet_core.networks.presets import preset
from resnet_core.training.device import pick_device
from resnet_core.training.evaluate import evaluate
from resnet_core.training.events import EpochEnded
from resnet_core.training.recipe import Recipe
from resnet_core.training.trainer import train

OUT = Path(__file__).resolve().parent / "results" / "accuracy.json"
NETWORK = preset("resnet-20")
PEAK_LR = 0.2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--device")
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    dataset = cifar10(args.data)
    for seed in args.seeds:
        for way in args.ways:
            if not any(
                (row["way"], row["seed"], row["epochs"]) == (way, seed, args.epochs) for row in read_rows(args.out)
            ):
                append_row(args.out, measure(way, seed, dataset, args))


def measure(way: str, seed: int, dataset: Dataset, args: argparse.Namespace) -> dict:
    """Train once; return the row for the result file."""
    recipe = Recipe(epochs=args.epochs, lr=PEAK_LR, schedule="one_cycle", seed=seed)
    loss, error = WAYS[way](dataset, recipe, args.device)
    row = {"way": way, "seed": seed, "epochs": args.epochs, "test_error": error, "test_loss": loss}
    print(row, flush=True)
    return row


def train_fast(dataset: Dataset, recipe: Recipe, device: str | None) -> tuple[float, float]:
    """Test loss and error by the lab's trainer."""
    events = train(NETWORK, recipe, dataset, device=device, checkpoint_every_s=float("inf"))
    last = [event for event in events if isinstance(event, EpochEnded)][-1]
    return last.test_loss, last.test_error


def train_ordinary(dataset: Dataset, recipe: Recipe, device: str | None) -> tuple[float, float]:
    """Test loss and error by an ordinary PyTorch loop."""
    where, _ = pick_device(device)
    torch.manual_seed(recipe.seed)
    net = build_net(NETWORK, recipe.seed).to(where)
    sgd = torch.optim.SGD(net.parameters(), lr=recipe.lr, momentum=recipe.momentum, weight_decay=recipe.weight_decay)
    loader = DataLoader(PilPictures(dataset), recipe.batch_size, shuffle=True, num_workers=4 * (where.type == "cuda"))
    total, step = recipe.epochs * len(loader), 0
    for _ in range(recipe.epochs):
        for x, y in loader:
            sgd.param_groups[0]["lr"] = recipe.lr_at(step, total)
            sgd.zero_grad()
            F.cross_entropy(net(x.to(where)), y.to(where)).backward()
            sgd.step()
            step += 1
    return evaluate(net, EvalBatches(dataset, where), "fp32")[:2]


WAYS: dict[str, Callable[[Dataset, Recipe, str | None], tuple[float, float]]] = {
    "fast": train_fast,
    "ordinary": train_ordinary,
}


def read_rows(path: Path) -> list[dict]:
    """Rows that were measured before."""
    return json.loads(path.read_text())["rows"] if path.exists() else []


def append_row(path: Path, row: dict) -> None:
    """Add a row to the result file, and update its summary."""
    rows = [*read_rows(path), row]
    path.parent.mkdir(parents=True, exist_ok=True)
    about = describe_origin("benchmarks.accuracy", ["CIFAR10.npz"])
    path.write_text(json.dumps({"about": about, "summary": summarise(rows), "rows": rows}, indent=1) + "\n")


def summarise(rows: list[dict]) -> list[dict]:
    """Mean and standard deviation over the seeds, by way and length."""
    found = []
    for way, epochs in dict.fromkeys((row["way"], row["epochs"]) for row in rows):
        errors = [row["test_error"] for row in rows if (row["way"], row["epochs"]) == (way, epochs)]
        spread = statistics.stdev(errors) if len(errors) > 1 else None
        found.append({"way": way, "epochs": epochs, "n": len(errors), "mean": statistics.mean(errors), "sd": spread})
    return found


if __name__ == "__main__":
    main()
