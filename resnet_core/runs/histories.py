"""What was recorded of trainings, as frames and arrays. No torch."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
import sqlalchemy as sa

from resnet_core.runs.database import Database
from resnet_core.runs.run import LayerHistory, Run
from resnet_core.runs.schema import layer_stats


def rows(database: Database, table: sa.Table, order: sa.Column, ids: str | Iterable[str]) -> pd.DataFrame:
    """All columns of ``table`` for these runs, by run and ``order``."""
    asked = [ids] if isinstance(ids, str) else list(ids)
    frame = database.frame(sa.select(table).where(table.c.run.in_(asked)).order_by(table.c.run, order))
    # A frame without rows, or with a column of NULLs alone, would have object columns.
    whole = ("epoch", "step")
    return frame.astype({name: int if name in whole else float for name in frame.columns if name != "run"})


def layers(database: Database, run: Run) -> LayerHistory:
    found = database.read(sa.select(layer_stats).where(layer_stats.c.run == run.id).order_by(layer_stats.c.step))
    return LayerHistory(
        steps=np.array([row.step for row in found], dtype=np.int64),
        weight_names=run.weight_names,
        block_names=run.block_names,
        weight_stats=_stacked([row.weight_stats for row in found], len(run.weight_names)),
        block_stats=_stacked([row.block_stats for row in found], len(run.block_names)),
    )


def _stacked(blobs: list[bytes], n_rows: int) -> np.ndarray:
    return np.frombuffer(b"".join(blobs), dtype="<f4").reshape(len(blobs), n_rows, 3)
