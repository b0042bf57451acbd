"""What each event of a training changes in the store's tables. No torch."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa

from resnet_core.runs.database import insert_for
from resnet_core.runs.schema import epochs, layer_stats, runs, steps
from resnet_core.training.events import (
    CheckpointSaved,
    EpochEnded,
    Event,
    Finished,
    LayerStats,
    Started,
    StepStats,
    Stopped,
)

HISTORY = (epochs, steps, layer_stats)
NOT_OWNED = {"owner": None, "went_on": None}
"""Of a run that nobody trains; ``seconds`` takes in UNCOUNTED at the same time."""

UNCOUNTED = sa.func.coalesce(runs.c.last_event - runs.c.went_on, 0.0)
"""Seconds of an attempt that ends without saying how long it was: up to its last event, whenever that was noticed."""


def write_rows(connection: sa.Connection, run_id: str, events: Sequence[Event], now: float) -> dict[str, Any]:
    """Write the history rows of ``events``; return the new values for the run's own row.

    A row that is already there is replaced, so an event told twice counts once. ``Started`` at step s drops every row
    of a later step: they belong to an attempt that ended before its next checkpoint, and will come again.
    """
    values: dict[str, Any] = {}
    rows: dict[sa.Table, list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        match event:
            case Started():
                rows.clear()  # nothing that precedes a start within one batch is of this attempt
                _drop_later(connection, run_id, event.step)
                values = _started(event, now)
            case StepStats():
                rows[steps].append({"run": run_id, **vars(event)})
                values |= {"step": event.step, "images_per_s": event.images_per_s}
            case EpochEnded():
                rows[epochs].append({"run": run_id, **vars(event)})
                values["step"] = event.step
            case LayerStats():
                rows[layer_stats].append(
                    {
                        "run": run_id,
                        "step": event.step,
                        "weight_stats": as_blob(event.weight_stats),
                        "block_stats": as_blob(event.block_stats),
                    }
                )
            case CheckpointSaved():
                values |= {"step": event.step, "weights_step": event.step}
            case Stopped():
                values |= {"state": "stopped", "step": event.step, "ended": now, **NOT_OWNED}
                values["seconds"] = runs.c.seconds + (now - sa.func.coalesce(runs.c.went_on, now))
            case Finished():
                values |= {
                    "state": "done",
                    "step": event.step,
                    "weights_step": event.step,
                    "ended": now,
                    **NOT_OWNED,
                }
                values |= {"reason": "", "seconds": runs.c.seconds + event.seconds}
    if events:
        values["last_event"] = now
    for table, new in rows.items():
        upsert(connection, table, new)
    if rows[epochs] or "total_steps" in values:
        values |= _errors(connection, run_id)
    return values


def _drop_later(connection: sa.Connection, run_id: str, step: int) -> None:
    for table in HISTORY:
        connection.execute(table.delete().where(table.c.run == run_id, table.c.step > step))


def _errors(connection: sa.Connection, run_id: str) -> dict[str, Any]:
    rows = connection.execute(
        sa.select(epochs.c.epoch, epochs.c.test_error).where(epochs.c.run == run_id).order_by(epochs.c.epoch)
    ).fetchall()
    return {
        "epoch": rows[-1].epoch if rows else 0,
        "last_test_error": rows[-1].test_error if rows else None,
        "best_test_error": min((row.test_error for row in rows if row.test_error is not None), default=None),
    }


def _started(event: Started, now: float) -> dict[str, Any]:
    return {
        "state": sa.case((runs.c.state == "stopping", "stopping"), else_="running"),
        "started": sa.func.coalesce(runs.c.started, now),
        "went_on": now,
        "seconds": runs.c.seconds + UNCOUNTED,
        "step": event.step,
        "total_steps": event.total_steps,
        "steps_per_epoch": event.steps_per_epoch,
        "n_train": event.n_train,
        "device": event.device,
        "device_name": event.device_name,
        "precision": event.precision,
        "software": event.software,
        "parameters": event.parameters,
        "weight_names": list(event.weight_names),
        "block_names": list(event.block_names),
    }


def upsert(connection: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    statement = insert_for(connection.engine)(table)
    changed = {column.name: statement.excluded[column.name] for column in table.c if column.name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), rows)


def as_blob(stats: np.ndarray) -> bytes:
    return np.ascontiguousarray(stats, dtype="<f4").tobytes()
