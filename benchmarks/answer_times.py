"""How long a page waits for the gradient at step 0: depth 20, 56 and 110, one and four designs, warm.

    python -m benchmarks.answer_times

Asks as a page does (questions.profile_designs, 64 pictures, one seed), each time about designs that were not
asked about before, so nothing comes from memory; "one of four" is the page after a toggle, when three designs
are known. Writes results/answer_times.json and .md.
"""

import argparse
import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from benchmarks.machine import described
from resnet_core.analysis.questions import BATCH_SIZE, profile_designs
from resnet_core.home import default_home
from resnet_core.networks.spec import NetSpec

RESULTS = Path(__file__).resolve().parent / "results"
DEPTHS = (20, 56, 110)
SITUATIONS = {"one design": (1, 1), "four designs": (4, 4), "one of four toggled": (4, 1)}
"""Name -> designs asked about, how many of them new."""


def new_designs(depth: int) -> Iterator[NetSpec]:
    """Residual designs with batch norm, each with other skips: the patterns of counting in binary."""
    base = NetSpec(depth=depth)
    for number in range(1, 2**base.n_blocks):
        yield base.with_skips(f"{number:0{base.n_blocks}b}")


def seconds(specs: list[NetSpec]) -> float:
    """From the question to the last design's answer."""
    began = time.perf_counter()
    list(profile_designs([spec.to_dict() for spec in specs], "shapes-10", default_home(), seeds=(0,)))
    return time.perf_counter() - began


def measured(depth: int, repeats: int) -> list[dict]:
    """A row for each of SITUATIONS."""
    fresh = new_designs(depth)
    shown = [next(fresh) for _ in range(4)]
    seconds(shown)  # warm: data, kernels, memory
    rows = []
    for name, (asked, new) in SITUATIONS.items():
        times = []
        for _ in range(repeats):
            shown = ([next(fresh) for _ in range(new)] + shown)[:asked] if asked == 4 else [next(fresh)]
            times.append(seconds(shown))
        if asked == 1:
            shown = [next(fresh) for _ in range(4)]
        row = {"depth": depth, "situation": name, "median_s": statistics.median(times)}
        rows.append(row | {"min_s": min(times), "max_s": max(times), "times_s": times})
        print(
            f"depth {depth:3d}, {name:<20} {row['median_s']:.2f} s ({min(times):.2f} to {max(times):.2f})",
            flush=True,
        )
    return rows


def markdown(rows: list[dict], about: dict) -> str:
    """A line for each depth and situation."""
    lines = [
        "# Seconds until the gradient at step 0 is there",
        "",
        f"{about['pictures']} pictures, one seed, residual designs with batch norm; "
        f"median of {about['repeats']}.",
        "",
        "| depth | designs | median | fastest | slowest |",
        "|---:|---|---:|---:|---:|",
    ]
    lines += [
        f"| {r['depth']} | {r['situation']} | {r['median_s']:.2f} | {r['min_s']:.2f} | {r['max_s']:.2f} |"
        for r in rows
    ]
    lines += [
        "",
        *(f"{name}: {about[name]}" + "  " for name in ("machine", "load", "software", "date", "command")),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument(
        "--threads", type=int, default=2, help="as on a machine of two cores (default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder (default: %(default)s)")
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    rows = [row for depth in DEPTHS for row in measured(depth, args.repeats)]
    words = ["--repeats", str(args.repeats), "--threads", str(args.threads)]
    about = {"pictures": BATCH_SIZE, "repeats": args.repeats, **described("benchmarks.answer_times", words)}
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "answer_times.json").write_text(json.dumps({"about": about, "rows": rows}, indent=2) + "\n")
    (args.out / "answer_times.md").write_text(markdown(rows, about))


if __name__ == "__main__":
    main()
