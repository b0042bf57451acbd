"""Trainings on a machine that has PyTorch but not the rest of the lab (no Ray, no database), and how to
bring them home.

  python -m benchmarks.bare train plain-56-paper-s0 ... --data cifar10.npz --out DIR --side-by-side 4
  python -m benchmarks.bare collect DIR ... --gallery assets/gallery

``train`` writes ``plain-56-paper-s0.npz`` into DIR at every checkpoint: it may be interrupted at any moment,
and goes on from there when it is run again. ``collect`` turns finished trainings into the bundles that the lab
ships and imports.
"""

import argparse
import json
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from resnet_core.data.cifar10 import canonical_order
from resnet_core.data.dataset import Dataset
from resnet_core.data.storage import fingerprint_of
from resnet_core.gallery.wanted import DATA, find_wanted
from resnet_core.networks.spec import NetSpec
from resnet_core.training.events import (
    CheckpointSaved,
    EpochEnded,
    Event,
    Finished,
    LayerStats,
    Started,
    StepStats,
)

ROW_EVENTS = {"Started": Started, "StepStats": StepStats, "EpochEnded": EpochEnded}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    train = commands.add_parser("train")
    train.add_argument("names", nargs="+", help="as `python -m resnet_core gallery --plan` lists them")
    train.add_argument("--data", type=Path, required=True, help="CIFAR-10 as .npz")
    train.add_argument("--out", type=Path, required=True)
    train.add_argument("--side-by-side", type=int, default=1, metavar="N", help="that many at once, on one GPU")
    train.add_argument("--device")
    train.set_defaults(run=train_bare)
    collect = commands.add_parser("collect")
    collect.add_argument("folders", type=Path, nargs="+")
    collect.add_argument("--gallery", type=Path, required=True)
    collect.set_defaults(run=collect_bundles)
    args = parser.parse_args()
    args.run(args)


def train_bare(args: argparse.Namespace) -> None:
    """Run the named trainings, each from its file if there is one; on a GPU several side by side."""
    args.out.mkdir(parents=True, exist_ok=True)
    data = cifar10(args.data)
    with ThreadPoolExecutor(args.side_by_side) as pool:
        for done in [pool.submit(train_one, name, data, args.out, args.device) for name in args.names]:
            done.result()


def train_one(name: str, data: Dataset, folder: Path, device: str | None) -> None:
    """Run one training to its end."""
    from resnet_core.training.evaluate import best_scores
    from resnet_core.training.trainer import train

    spec, recipe = find_wanted(name).resolve()
    path = folder / f"{name}.npz"
    events, resume = read(path) if path.exists() else ([], None)
    if events and isinstance(events[-1], Finished):
        print(f"{name} is finished", flush=True)
        return
    about: dict[str, Any] = {
        "spec": spec.to_dict(),
        "recipe": recipe.to_dict(),
        "facts": {
            "fingerprint": data.fingerprint,
            "classes": list(data.classes),
            "mean": list(data.mean),
            "std": list(data.std),
        },
        "created": time.time(),
    }
    for event in train(spec, recipe, data, device=device, resume=resume):
        if isinstance(event, Started) and resume is not None:
            continue
        events.append(event)
        if isinstance(event, Finished):
            about["facts"]["best_scores"] = best_scores(spec, event.weights, data)
        if isinstance(event, EpochEnded):
            print(f"{name} epoch {event.epoch}: test error {100 * event.test_error:.2f} %", flush=True)
        if isinstance(event, CheckpointSaved | Finished):
            write(path, about, events)


def cifar10(path: Path) -> Dataset:
    """CIFAR-10 from an .npz with x_train, y_train, x_test, y_test and classes, in the order of the lab's own copy."""
    parts = []
    with np.load(path) as arrays:
        classes = tuple(str(name) for name in arrays["classes"])
        for part in ("train", "test"):
            pictures, labels = arrays[f"x_{part}"], arrays[f"y_{part}"].astype(np.int64)
            order = canonical_order(pictures, labels)
            parts += [pictures[order], labels[order]]
    return Dataset(DATA, "CIFAR-10", classes, *parts, "CIFAR-10", fingerprint_of(classes, *parts))


def write(path: Path, about: dict, events: list[Event]) -> None:
    """Save all events so far, with the newest checkpoint or the final weights, in one file."""
    rows = [{"event": type(event).__name__} | asdict(event) for event in events if type(event).__name__ in ROW_EVENTS]
    layers = [event for event in events if isinstance(event, LayerStats)]
    last = events[-1]
    arrays = {
        "about": np.array(json.dumps(about)),
        "rows": np.array(json.dumps(rows)),
        "layer_steps": np.array([event.step for event in layers]),
        "weight_stats": np.stack([event.weight_stats for event in layers]),
        "block_stats": np.stack([event.block_stats for event in layers]),
        "step": np.array(last.step),
        "seconds": np.array(last.seconds if isinstance(last, Finished) else -1.0),
        "state": np.frombuffer(last.weights if isinstance(last, Finished) else last.data, np.uint8),
    }
    temporary = path.with_suffix(".tmp.npz")
    np.savez(temporary, **arrays)
    temporary.replace(path)


def read(path: Path) -> tuple[list[Event], bytes | None]:
    """The events up to the checkpoint in the file, and its bytes; None and a last Finished for a finished training."""
    with np.load(path) as arrays:
        rows = json.loads(str(arrays["rows"]))
        layers = zip(arrays["layer_steps"], arrays["weight_stats"], arrays["block_stats"], strict=True)
        events: list[Event] = [ROW_EVENTS[row.pop("event")](**row) for row in rows]
        events += [LayerStats(int(step), weights, blocks) for step, weights, blocks in layers]
        step, seconds, state = int(arrays["step"]), float(arrays["seconds"]), arrays["state"].tobytes()
    if seconds < 0:
        return events, state
    return [*events, Finished(step, seconds, state)], None


def collect_bundles(args: argparse.Namespace) -> None:
    """Write finished trainings as bundles."""
    from resnet_core.runs.bundle import export_run
    from resnet_core.runs.store import RunStore

    args.gallery.mkdir(parents=True, exist_ok=True)
    for path in sorted(path for folder in args.folders for path in folder.rglob("*.npz")):
        events, resume = read(path)
        if resume is not None:
            print(f"{path.name} is not finished")
            continue
        with np.load(path) as arrays:
            about = json.loads(str(arrays["about"]))
        with tempfile.TemporaryDirectory() as home:
            store = RunStore(Path(home))
            name = NetSpec.from_dict(about["spec"]).name
            run = store.create(about["spec"], about["recipe"], DATA, name=name, tags=("gallery",))
            store.set_facts(run, about["facts"])
            store.record(run, events)
            (args.gallery / f"{path.stem}.skiprun").write_bytes(export_run(store, run))
            store.close()
        print(f"{path.stem}.skiprun")


if __name__ == "__main__":
    main()
