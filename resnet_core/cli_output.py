"""What the command line prints: a training as it goes, a run for other programs, the plan of the gallery. No torch."""

import json
import math
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from resnet_core.formatting import count, duration, percent
from resnet_core.runs.run import Run
from resnet_core.training.events import EpochEnded, Event, Started, StepStats

if TYPE_CHECKING:
    from tqdm import tqdm

    from resnet_core.gallery.make import Planned


class ProgressBar:
    """Shows a training's events as a bar in a terminal, or as a line an epoch where there is none."""

    def __init__(self) -> None:
        self.bar: tqdm | None = None

    def event(self, event: Event) -> None:
        """One event of the training."""
        match event:
            case Started():
                self._start(event)
            case StepStats() if self.bar is not None:
                self.bar.update(event.step - self.bar.n)
                self.bar.set_postfix_str(f"loss {event.loss:.3f}, {event.images_per_s:,.0f} images/s")
            case EpochEnded() if self.bar is not None:
                self.bar.write(
                    f"epoch {event.epoch:3d}  train error {percent(event.train_error):>7}  "
                    f"test error {percent(event.test_error):>7}  test loss {event.test_loss:.3f}",
                    file=sys.stderr,
                )

    def _start(self, event: Started) -> None:
        from tqdm import tqdm

        print(f"{event.device_name}, {event.precision}, {count(event.parameters)} parameters", file=sys.stderr)
        self.bar = tqdm(total=event.total_steps, initial=event.step, unit="step", disable=not sys.stderr.isatty())

    def close(self, run: Run) -> None:
        """Says how it ended; the id alone goes to stdout, so that scripts can catch it."""
        if self.bar is not None:
            self.bar.close()
        print(f"{run.state}{': ' + run.reason if run.reason else ''}", file=sys.stderr)
        print(run.id)


class JsonLines:
    """Prints a training's events as JSON, one a line; arrays and weights are left to the store."""

    def event(self, event: Event) -> None:
        """One event of the training."""
        fields = {key: value for key, value in vars(event).items() if isinstance(value, (int, float, str))}
        print(to_json({"event": type(event).__name__, **fields}), flush=True)

    def close(self, run: Run) -> None:
        """How the run ended."""
        print(to_json({"event": "Ended", **as_json(run)}), flush=True)


def to_json(values: Mapping[str, object]) -> str:
    """One line of JSON. A number that is not finite becomes null: NaN and Infinity are no JSON, and few
    programs read them.
    """
    return json.dumps(_with_nulls(values), allow_nan=False)


def _with_nulls(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _with_nulls(each) for key, each in value.items()}
    return [_with_nulls(each) for each in value] if isinstance(value, list | tuple) else value


def as_json(run: Run) -> dict[str, object]:
    """What a program would want to know of a run."""
    fields = (
        "id",
        "name",
        "state",
        "reason",
        "dataset",
        "epoch",
        "step",
        "total_steps",
        "last_test_error",
        "best_test_error",
        "parameters",
        "device",
        "precision",
    )
    return {field: getattr(run, field) for field in fields} | {
        "spec": run.spec,
        "recipe": run.recipe,
        "tags": list(run.tags),
    }


def print_plan(plan: Iterable["Planned"], as_lines: bool) -> int:
    """A line a wanted run, as soon as its cost is known."""
    if not as_lines:
        print(f"{'name':<28} {'ships':<22} {'in this home':<18} {'would take':>10}")
    for row in plan:
        if as_lines:
            print(
                to_json(
                    {
                        "name": row.wanted.name,
                        "ships": row.shipped is not None,
                        "test_error": row.shipped.last_test_error if row.shipped else None,
                        "begun": row.begun.id if row.begun else None,
                        "step": row.begun.step if row.begun else 0,
                        "seconds": row.seconds,
                    }
                ),
                flush=True,
            )
            continue
        ships = f"yes, {percent(row.shipped.last_test_error)} test error" if row.shipped else "no"
        here = f"{row.begun.state}, epoch {row.begun.epoch}" if row.begun else ""
        cost = "" if row.seconds is None else duration(row.seconds)
        print(f"{row.wanted.name:<28} {ships:<22} {here:<18} {cost:>10}", flush=True)
    return 0
