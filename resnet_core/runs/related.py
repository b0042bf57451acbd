"""Which runs belong together: twins, and trainings that differ in their seed alone. No torch."""

from collections.abc import Sequence

from resnet_core.runs.run import Run


def group_runs(runs: Sequence[Run]) -> list[list[Run]]:
    """Runs that were queued together beside each other; groups in the order of their first run."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.group or run.id, []).append(run)
    return list(groups.values())


def newest_group(runs: Sequence[Run]) -> list[Run]:
    """The last of the runs and those that were queued together with it."""
    last = runs[-1]
    return [run for run in runs if run.group == last.group] if last.group else [last]


def find_seeds(run: Run, runs: Sequence[Run]) -> list[Run]:
    """`run` and, of the others, one for each other seed: the same network by the same recipe on the same data,
    trained to the end. A run that has not finished stands alone.
    """
    found = {run.recipe.get("seed"): run}
    for other in runs if run.state == "done" else ():
        if other.state == "done" and _all_but_the_seed(other) == _all_but_the_seed(run):
            found.setdefault(other.recipe.get("seed"), other)
    return list(found.values())


def _all_but_the_seed(run: Run) -> tuple[object, ...]:
    recipe = {field: value for field, value in run.recipe.items() if field != "seed"}
    return run.spec, recipe, run.dataset, run.facts.get("fingerprint")
