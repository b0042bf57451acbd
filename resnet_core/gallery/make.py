"""Making the runs that ship: what exists, what the rest would cost here, and one of them made. No torch."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from resnet_core.compute.local import create_run, train_run
from resnet_core.data.catalog import load_dataset
from resnet_core.gallery import shipped
from resnet_core.gallery.wanted import DATA, PAPER, SHORT, Wanted
from resnet_core.networks.spec import NetSpec
from resnet_core.runs.bundle import export_run
from resnet_core.runs.run import Run
from resnet_core.runs.store import RunStore
from resnet_core.training.estimate_result import Estimate
from resnet_core.training.events import Event

TAG = "gallery"
MEASURED_S = 1.5
"""Seconds that the estimate of one network may take."""
N_TRAIN, N_TEST = 50_000, 10_000


@dataclass(frozen=True)
class Planned:
    """A wanted run: the one that ships, the one begun in this home, and what is left of it costs here."""

    wanted: Wanted
    shipped: Run | None
    begun: Run | None
    seconds: float | None  # None: it ships


def plan(store: RunStore, device: str | None = None, folder: Path = shipped.FOLDER) -> Iterator[Planned]:
    """All that is wanted, most wanted first; the speed of each network that does not ship is measured on the way."""
    installed = {run.id: run for run in store.runs() if run.origin == "gallery"}
    estimates: dict[str, Estimate] = {}
    for each in (*PAPER, *SHORT):
        bundle = folder / shipped.file_name(each.name)
        ships = installed.get(shipped.run_id(each.name)) if bundle.exists() else None
        begun = find_begun(store, each)
        seconds = None if ships else _seconds_left(each, begun, estimates, device)
        yield Planned(each, ships, begun, seconds)


def _seconds_left(each: Wanted, begun: Run | None, estimates: dict[str, Estimate], device: str | None) -> float:
    from resnet_core.training.estimate import estimate

    spec, recipe = each.resolve()
    if each.network not in estimates:
        estimates[each.network] = estimate(spec, recipe, N_TRAIN, N_TEST, device, MEASURED_S)
    steps = recipe.total_steps(N_TRAIN)
    left = steps - begun.step if begun else steps
    tests = left / recipe.steps_per_epoch(N_TRAIN)
    return estimates[each.network].seconds(left, round(tests * N_TEST))


def make(
    store: RunStore,
    each: Wanted,
    *,
    device: str | None = None,
    folder: Path = shipped.FOLDER,
    on_event: Callable[[Event], None] | None = None,
) -> Run:
    """Train it, or go on with what was begun in this home, and once it is done write its bundle into ``folder``.
    Returns the run as it ended.
    """
    from resnet_core.training.evaluate import best_scores

    data = load_dataset(DATA, store.home)  # pictures that are not there shall leave no failed run behind
    run = find_begun(store, each)
    if run is None:
        spec, recipe = each.resolve()
        run = store.get(create_run(store, spec, recipe, DATA, name=spec.name, tags=(TAG,)))
    if run.state != "done":
        run = train_run(store, run.id, device=device, on_event=on_event)
    weights = store.weights(run.id)
    if run.state == "done" and weights is not None:
        scores = best_scores(NetSpec.from_dict(run.spec), weights, data)
        store.set_facts(run.id, {"best_scores": scores})  # for labs that have not got the pictures
        folder.mkdir(parents=True, exist_ok=True)
        (folder / shipped.file_name(each.name)).write_bytes(export_run(store, run.id))
    return run


def find_begun(store: RunStore, each: Wanted) -> Run | None:
    """The newest run of this home that is this training, begun or done."""
    spec, recipe = each.resolve()
    alike = [
        run
        for run in store.runs()
        if run.origin == "cli"
        and TAG in run.tags
        and run.dataset == DATA
        and run.recipe == recipe.to_dict()
        and run.spec == replace(spec, num_classes=run.spec["num_classes"]).to_dict()
    ]
    return alike[-1] if alike else None
