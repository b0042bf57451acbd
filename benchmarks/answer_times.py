"""How long a page waits for the gradient at step 0: depth 20, 56 and 110, one and four designs, warm.

    python -m benchmarks.answer_times

Measures as the Design page does (questions.measure_design, 64 pictures, one seed), each time new designs, so that
nothing comes from the cache; "one of four" is the page after a toggle, when three designs are cached. Writes
results/answer_times.json and .md.
"""

import argparse
import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from benchmarks.machine import describe_origin
from resnet_core.analysis.questions import measure_design
from resnet_core.home import default_home
from resnet_core.networks.spec import NetSpec

RESULTS = Path(__file__).resolve().parent / "results"
BATCH_SIZE = 64
DEPTHS = (20, 56, 110)
SITUATIONS = {"one design": (1, 1), "four designs": (4, 4), "one of four toggled": (4, 1)}
"""Name -> number of designs, and how many of them are new."""


def new_designs(depth: int) -> Iterator[NetSpec]:
    """Residual designs with batch norm, each with other skips: the binary numbers."""
    base = NetSpec(depth=depth)
    for number in range(1, 2**base.n_blocks):
        yield base.with_skips(f"{number:0{base.n_blocks}b}")


def time_designs(specs: list[NetSpec]) -> tuple[float, float]:
    """Seconds until all designs are measured: wall time, and CPU time over all threads, which a busy machine
    changes far less.
    """
    began, cpu_began = time.perf_counter(), time.process_time()
    for spec in specs:
        measure_design(spec, "shapes-10", default_home(), BATCH_SIZE, seed=0)
    return time.perf_counter() - began, time.process_time() - cpu_began


def measure(depth: int, repeats: int) -> list[dict]:
    """Measure each of SITUATIONS; return a row for each."""
    fresh = new_designs(depth)
    known = [next(fresh) for _ in range(4)]
    time_designs(known)  # warm: data, kernels, memory
    rows = []
    for name, (total, new) in SITUATIONS.items():
        times = [time_designs([next(fresh) for _ in range(new)] + known[: total - new]) for _ in range(repeats)]
        wall, cpu = zip(*times, strict=True)
        rows.append(
            {
                "depth": depth,
                "designs": name,
                "median_s": statistics.median(wall),
                "fastest_s": min(wall),
                "slowest_s": max(wall),
                "median_cpu_s": statistics.median(cpu),
            }
        )
        print(rows[-1], flush=True)
    return rows


def to_markdown(rows: list[dict], about: dict) -> str:
    """A line for each depth and situation."""
    lines = [
        "# Seconds until the gradient at step 0 is there",
        "",
        f"{about['pictures']} pictures, one seed, residual designs with batch norm; median of {about['repeats']}.",
        "",
        "| depth | designs | median | fastest | slowest | CPU seconds |",
        "|---:|---|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {r['depth']} | {r['designs']} | {r['median_s']:.2f} | {r['fastest_s']:.2f} | {r['slowest_s']:.2f} "
        f"| {r['median_cpu_s']:.2f} |"
        for r in rows
    ]
    lines += [
        "",
        *(f"{name}: {about[name]}" + "  " for name in ("machine", "load", "software", "date", "command")),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2, help="as on a machine of two cores (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder (default: %(default)s)")
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    rows = [row for depth in DEPTHS for row in measure(depth, args.repeats)]
    words = ["--repeats", str(args.repeats), "--threads", str(args.threads)]
    about = {"pictures": BATCH_SIZE, "repeats": args.repeats, **describe_origin("benchmarks.answer_times", words)}
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "answer_times.json").write_text(json.dumps({"about": about, "rows": rows}, indent=2) + "\n")
    (args.out / "answer_times.md").write_text(to_markdown(rows, about))


if __name__ == "__main__":
    main()
