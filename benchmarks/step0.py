"""How large is the gradient before training: first to last, over starts, batch norm, skips and depth.

One command makes the whole table:

    python -m benchmarks.step0 cifar10.npz

With an .npz that holds x_train and y_train, else with CIFAR-10 from the lab's own folder, else with Shapes-10; the
result says which. Writes results/step0_ratios.csv, .json and .md.
"""

import argparse
import csv
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.machine import describe_origin
from resnet_core.analysis.phrases import format_number
from resnet_core.analysis.step0 import measure_step0
from resnet_core.analysis.trends import find_trend
from resnet_core.analysis.verdict import KIND_PHRASES
from resnet_core.data.catalog import load_dataset
from resnet_core.data.dataset import Dataset
from resnet_core.errors import DataError
from resnet_core.home import default_home
from resnet_core.networks.options import BRANCH_INITS, INITS, WEIGHT_INITS
from resnet_core.networks.spec import NetSpec

RESULTS = Path(__file__).resolve().parent / "results"
DEPTHS = (20, 56, 110)
SEEDS = (0, 1, 2)
BATCH = 128


@dataclass(frozen=True)
class Row:
    """One design. Ratios: gradient at the first block's input over that at the last block's output."""

    init: str
    batch_norm: bool
    skips: bool
    depth: int
    verdict: str
    ratio: float  # median over the seeds, float32
    ratio_low: float
    ratio_high: float
    slope: float  # decades per block towards the input
    zero_blocks: int
    ratio_float64: float | None  # where float32 has only 0
    weight_ratio: float  # of the convolutions' gradient
    grad_over_weight_ratio: float
    loss: float
    variance_first: float
    variance_last: float


def designs(depths: tuple[int, ...]) -> Iterator[NetSpec]:
    """Every start with and without batch norm and skips; SkipInit, Fixup and zero-gamma where they are defined."""
    for init in (*WEIGHT_INITS, *BRANCH_INITS):
        norms = ("none", "batch") if init in WEIGHT_INITS else ("batch",) if init == "zero_gamma" else ("none",)
        for norm in norms:
            for family in ("plain", "residual") if init in WEIGHT_INITS else ("residual",):
                for depth in depths:
                    yield NetSpec(family=family, depth=depth, norm=norm, init=init)


def measure(spec: NetSpec, batch: tuple) -> Row:
    """Measure one design with all seeds on the batch (images, labels, mean, std)."""
    found = measure_step0(spec, *batch, seeds=SEEDS)
    gradient = find_trend(found)
    underflow = gradient.ratio == 0
    return Row(
        init=spec.init,
        batch_norm=spec.norm == "batch",
        skips=spec.family == "residual",
        depth=spec.depth,
        verdict=KIND_PHRASES[gradient.kind],
        ratio=gradient.ratio,
        ratio_low=float(np.min(gradient.ratios)),
        ratio_high=float(np.max(gradient.ratios)),
        slope=gradient.slope,
        zero_blocks=gradient.zeros,
        ratio_float64=find_trend(measure_step0(spec, *batch, seeds=SEEDS[:1], precision="fp64")).ratio
        if underflow
        else None,
        weight_ratio=find_trend(found, "weight_grad_rms").ratio,
        grad_over_weight_ratio=find_trend(found, "grad_over_weight").ratio,
        loss=float(np.median(found.loss)),
        variance_first=float(np.median(found.variance[:, 0])),
        variance_last=float(np.median(found.variance[:, -1])),
    )


def load_batch(path: Path | None) -> tuple[tuple, str]:
    """(images, labels, mean, std) of 128 training pictures drawn with seed 0, and what they are."""
    if path is not None:
        with np.load(path) as arrays:
            images, labels = arrays["x_train"], arrays["y_train"]
        pixels = images.reshape(-1, 3) / np.float32(255)
        mean, std = pixels.mean(0, dtype=np.float64), pixels.std(0, dtype=np.float64)
        source = path.name
    else:
        dataset = _own_dataset()
        images, labels, mean, std = dataset.x_train, dataset.y_train, dataset.mean, dataset.std
        source = dataset.title
    rows = np.sort(np.random.default_rng(0).permutation(len(labels))[:BATCH])
    return (np.array(images[rows]), np.array(labels[rows]), mean, std), source


def _own_dataset() -> Dataset:
    try:
        return load_dataset("cifar-10", default_home())
    except DataError as error:
        print(f"{error} Taking Shapes-10 instead.", file=sys.stderr)
        return load_dataset("shapes-10", default_home())


def to_markdown(rows: list[Row], about: dict) -> str:
    """The table by start, batch norm and skips, a column for each depth."""
    depths = sorted({row.depth for row in rows})
    lines = [
        "# The gradient before training, first to last",
        "",
        f"{about['what']} Median of {about['seeds']} seeds, float32, {about['pictures']} pictures of {about['data']}.",
        "Above 1: larger near the input. In brackets the smallest and the largest seed.",
        "",
        "| start | BN | skips | " + " | ".join(f"depth {depth}" for depth in depths) + " |",
        "|---" * (3 + len(depths)) + "|",
    ]
    for key in dict.fromkeys((row.init, row.batch_norm, row.skips) for row in rows):
        cells = [_cell(row) for row in rows if (row.init, row.batch_norm, row.skips) == key]
        lines.append(f"| {INITS[key[0]].title} | {_yes(key[1])} | {_yes(key[2])} | " + " | ".join(cells) + " |")
    lines += [
        "",
        *(f"{name}: {about[name]}" + "  " for name in ("machine", "load", "software", "date", "command", "seconds")),
    ]
    return "\n".join(lines) + "\n"


def _cell(row: Row) -> str:
    if row.ratio == 0:
        return f"exactly 0 at {row.zero_blocks} blocks (float64: {format_number(row.ratio_float64)})"
    if np.isnan(row.ratio):
        return f"exactly 0 at {row.zero_blocks} blocks" if row.zero_blocks else row.verdict
    return f"{format_number(row.ratio)} ({format_number(row.ratio_low)} to {format_number(row.ratio_high)})"


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("npz", nargs="?", type=Path, help="a file with x_train and y_train")
    parser.add_argument("--depths", type=int, nargs="+", default=DEPTHS)
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder (default: %(default)s)")
    args = parser.parse_args()

    batch, source = load_batch(args.npz)
    began = time.perf_counter()
    rows = []
    for spec in designs(tuple(args.depths)):
        rows.append(measure(spec, batch))
        print(f"{spec.name:<45} {_cell(rows[-1])}", flush=True)
    about = {
        "what": "RMS of the gradient at the input of the first block over that at the output of the last. "
        "Batch norm in training mode.",
        "data": source,
        "pictures": len(batch[0]),
        "seeds": len(SEEDS),
        **describe_origin("benchmarks.step0", [args.npz.name] if args.npz else []),
        "seconds": round(time.perf_counter() - began),
    }
    args.out.mkdir(parents=True, exist_ok=True)
    with (args.out / "step0_ratios.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(asdict(rows[0])), lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)
    (args.out / "step0_ratios.json").write_text(json.dumps(about, indent=2) + "\n")
    (args.out / "step0_ratios.md").write_text(to_markdown(rows, about))


if __name__ == "__main__":
    main()
