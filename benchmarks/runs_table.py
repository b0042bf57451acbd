"""What finished runs of a home came to, as a result file: errors by epoch, speed, machine.

python -m benchmarks.runs_table RUN ... --home HOME --out benchmarks/results/cifar10_twins.json
"""

import argparse
import json
from datetime import date
from pathlib import Path

from resnet_core.home import default_home
from resnet_core.runs.store import RunStore


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--home", type=Path, default=default_home())
    parser.add_argument("--note", default="", help="what else a reader must know, such as what ran beside it")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    store = RunStore(args.home)
    command = f"python -m benchmarks.runs_table RUN ... --out {args.out}"
    result = {"date": date.today().isoformat(), "command": command, "note": args.note, "runs": []}
    result["runs"] = [described(store, run) for run in args.runs]
    args.out.write_text(json.dumps(result, indent=1) + "\n")
    store.close()


def described(store: RunStore, run_id: str) -> dict:
    """One run: what made it, and its epochs."""
    run = store.get(run_id)
    epochs = store.epochs(run_id).drop(columns="run")
    trained = float(epochs.seconds.sum())
    return {
        "name": run.name,
        "data": run.dataset,
        "recipe": run.recipe,
        "device": run.device_name,
        "precision": run.precision,
        "software": run.software,
        "seconds": round(trained, 1),
        "images_per_s": round(run.epoch * run.n_train / trained, 1),
        "epochs": epochs.round(4).to_dict("records"),
    }


if __name__ == "__main__":
    main()
