"""The runs that ship, as a table: final errors by network and recipe, over seeds, beside the paper's.

    python -m benchmarks.gallery_table

Reads assets/gallery and nothing else; writes results/gallery.json and .md.
"""

import json
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np

from resnet_core.gallery import shipped
from resnet_core.networks.paper_results import reported_error
from resnet_core.networks.spec import NetSpec
from resnet_core.runs.run import Run
from resnet_core.runs.store import RunStore
from resnet_core.training.recipe import Recipe

RESULTS = Path(__file__).resolve().parent / "results"


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        store = RunStore(Path(home))
        ids = shipped.install(store)
        rows = [summarise(store, runs) for runs in group_by_network([store.get(run) for run in ids]).values()]
        store.close()
    (RESULTS / "gallery.json").write_text(json.dumps(rows, indent=1) + "\n")
    (RESULTS / "gallery.md").write_text(to_markdown(rows))
    print(to_markdown(rows))


def group_by_network(runs: list[Run]) -> dict[tuple[str, str], list[Run]]:
    """The seeds of each network and recipe; shallow networks first."""
    found = defaultdict(list)
    for run in sorted(runs, key=lambda run: (run.recipe["name"], run.spec["depth"], run.name, run.recipe["seed"])):
        found[run.name, run.recipe["name"]].append(run)
    return found


def summarise(store: RunStore, runs: list[Run]) -> dict:
    """Errors in per cent after the last epoch; standard deviation over seeds with n - 1."""
    last = [store.epochs(run.id).iloc[-1] for run in runs]
    test = 100 * np.array([epoch.test_error for epoch in last])
    train = 100 * np.array([epoch.train_error for epoch in last])
    recipe = Recipe.from_dict(runs[0].recipe)
    reported = reported_error(NetSpec.from_dict(runs[0].spec)) if recipe.is_paper else None
    return {
        "network": runs[0].name,
        "data": runs[0].dataset,
        "recipe": recipe.name,
        "about_recipe": recipe.describe(),
        "seeds": [run.recipe["seed"] for run in runs],
        "test_error": round(float(test.mean()), 2),
        "test_error_sd": round(float(test.std(ddof=1)), 2) if len(runs) > 1 else None,
        "train_error": round(float(train.mean()), 2),
        "paper": None if reported is None else round(100 * reported, 2),
        "device": runs[0].device_name,
        "precision": runs[0].precision,
        "seconds": round(float(np.mean([run.seconds for run in runs]))),
    }


def to_markdown(rows: list[dict]) -> str:
    lines = [
        "| network | recipe | seeds | training error | test error | paper | trained on |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        spread = f" ± {row['test_error_sd']:.2f}" if row["test_error_sd"] is not None else ""
        paper = f"{row['paper']:.2f} %" if row["paper"] is not None else "not its recipe"
        lines.append(
            f"| {row['network']} | {row['recipe']} | {len(row['seeds'])} | {row['train_error']:.2f} % | "
            f"{row['test_error']:.2f} %{spread} | {paper} | {row['device']}, {row['precision']} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
