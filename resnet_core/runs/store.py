"""The store of all runs: one database and one folder of files, shared by the app and the command line. No torch.

``home/lab.sqlite3`` (or a database by URL) holds what is known of each run, ``home/runs/<id>/`` its weights. Every
method raises :class:`StoreError`, with a sentence, when the run does not exist or the disk or database refuses.
Methods may be called from several threads and from several processes at once.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa

from resnet_core.errors import StoreError
from resnet_core.runs import files, histories
from resnet_core.runs.database import Database, plain_errors
from resnet_core.runs.recording import HISTORY, NOT_OWNED, UNCOUNTED, upsert, write_rows
from resnet_core.runs.run import LayerHistory, Run
from resnet_core.runs.schema import counters, epochs, owners, runs, steps
from resnet_core.training.events import CheckpointSaved, Event, Finished, Started

_EPOCH_2025 = 1_735_689_600
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: in order, none mistaken for another


class RunLostError(StoreError):
    """The run was deleted, or another process has taken it up: whoever gets this must let go of it."""


class RunStore:
    def __init__(self, home: Path, url: str | None = None) -> None:
        """``url``: an SQLAlchemy URL of the database, by default SQLite in ``home``."""
        self.home = Path(home)
        self.database = Database(self.home, url)

    def close(self) -> None:
        self.database.close()

    # Making, finding, changing and removing runs

    def create(
        self,
        spec: dict[str, Any],
        recipe: dict[str, Any],
        dataset: str,
        *,
        name: str,
        group: str | None = None,
        tags: Iterable[str] = (),
        origin: str = "app",
        owner: str | None = None,
        begin_with: bytes | None = None,
        facts: dict[str, Any] | None = None,
    ) -> str:
        """Queue a run, or, with ``owner``, put it in that process's hands at once. Returns its id.

        ``begin_with``: weights (safetensors) that take the place of a fresh start; ``facts``: of the dataset, so that
        the network can be asked before its training has begun.

        Ids are short, fit in a URL, sort by time of creation and are never given twice.
        """
        with self.database.write() as connection:
            run_id = self._next_id(connection)
            if begin_with is not None:
                files.write_checkpoint(self.folder(run_id), 0, begin_with)
            self._insert(
                connection,
                {
                    "id": run_id,
                    "facts": facts or {},
                    "weights_step": None if begin_with is None else 0,
                    "name": name,
                    "spec": spec,
                    "recipe": recipe,
                    "dataset": dataset,
                    "group": group,
                    "tags": list(tags),
                    "origin": origin,
                    "state": "queued",
                    "owner": owner,
                },
            )
        return run_id

    def add_finished(
        self,
        values: dict[str, Any],
        history: dict[str, list[dict[str, Any]]],
        weights: bytes,
        run_id: str | None = None,
    ) -> str:
        """Take in a run that was trained elsewhere: all of it, or nothing. Returns its id, a new one unless
        ``run_id`` gives it.

        ``values``: columns of table ``runs``; ``history``: rows of ``epochs``, ``steps`` and ``layer_stats`` by table
        name, without their column ``run``.
        """
        written: Path | None = None
        try:
            with self.database.write() as connection:
                new_id = run_id or self._next_id(connection)
                self._insert(connection, {**values, "id": new_id})
                for table in HISTORY:
                    upsert(connection, table, [{**row, "run": new_id} for row in history[table.name]])
                written = self.folder(new_id)  # once the row is there, so that no other process's folder is removed
                files.write_whole(written / files.WEIGHTS, weights)
        except BaseException:
            if written is not None:
                files.remove_folder(written)
            raise
        return new_id

    def get(self, run_id: str) -> Run:
        rows = self.database.read(sa.select(runs).where(runs.c.id == run_id))
        if not rows:
            raise StoreError(f"There is no run {run_id!r} (any more): choose one from the list of runs.")
        return _as_run(rows[0])

    def runs(self, states: Iterable[str] | None = None) -> list[Run]:
        """All runs, or those in ``states``, oldest first."""
        query = sa.select(runs).order_by(runs.c.id)
        if states is not None:
            query = query.where(runs.c.state.in_(list(states)))
        return [_as_run(row) for row in self.database.read(query)]

    def rename(self, run_id: str, name: str) -> None:
        self._check_own(run_id)
        if not name.strip():
            raise StoreError("A run needs a name: give it at least one letter.")
        self._change(run_id, name=name.strip()[:200])

    def tag(self, run_id: str, tags: Iterable[str]) -> None:
        """Give the run these tags in place of those it had."""
        self._check_own(run_id)
        self._change(run_id, tags=sorted({tag.strip() for tag in tags if tag.strip()}))

    def set_facts(self, run_id: str, facts: dict[str, Any]) -> None:
        """Keep what was found when the dataset was loaded (fingerprint, classes, mean, std), beside what is known."""
        self._change(run_id, facts=self.get(run_id).facts | facts)

    def set_threads(self, run_id: str, threads: int) -> None:
        self._change(run_id, threads=threads)

    def delete(self, run_id: str) -> None:
        """Remove the run, its history and its files. One that a process has in hand must be stopped first; one that
        ships with the lab stays.
        """
        self._check_own(run_id)
        self.remove(run_id)

    def _check_own(self, run_id: str) -> None:
        if self.get(run_id).origin == "gallery":
            raise StoreError(f"{self.get(run_id).name} ships with the lab and stays as it is.")

    def remove(self, run_id: str) -> None:
        """As :meth:`delete`, also for a run that ships: the gallery makes room for another version of it."""
        with self.database.write() as connection:
            gone = connection.execute(runs.delete().where(runs.c.id == run_id, runs.c.owner.is_(None))).rowcount
            if gone:
                for table in HISTORY:
                    connection.execute(table.delete().where(table.c.run == run_id))
                self._next_version(connection)
        if not gone:
            self.get(run_id)  # says so if there is none
            raise StoreError(f"Run {run_id} is being trained: stop it before you delete it.")
        with plain_errors(self.home):
            files.remove_folder(self.folder(run_id))

    # States and owners

    def claim(self, run_id: str, owner: str, states: Iterable[str] = ("queued",)) -> bool:
        """Take a run that waits, or is in one of ``states``, in hand; False if another process was faster."""
        free = (runs.c.id == run_id, runs.c.state.in_(list(states)), runs.c.owner.is_(None))
        return self._change_where(*free, owner=owner, state="queued", reason="", ended=None)

    def set_state(
        self, run_id: str, state: str, reason: str = "", *, owner: str | None = None, attempts: int | None = None
    ) -> bool:
        """Move a run to ``state``; into any but running or stopping, it is in nobody's hands from then on.

        With ``owner``, only if it is in that process's hands: the answer says whether it was. ``attempts``: see `Run`.
        """
        now = time.time()
        values: dict[str, Any] = {"state": state, "reason": reason}
        if state not in ("running", "stopping"):
            values |= {**NOT_OWNED, "seconds": runs.c.seconds + UNCOUNTED}
            values["ended"] = None if state == "queued" else now
        if attempts is not None:
            values["attempts"] = attempts
        where = [runs.c.id == run_id] + ([runs.c.owner == owner] if owner else [])
        return self._change_where(*where, **values)

    def request_stop(self, run_id: str) -> None:
        """Ask whoever has the run in hand to stop it; one that still waits is stopped at once."""
        waits = sa.and_(runs.c.state == "queued", runs.c.owner.is_(None))
        in_work = (runs.c.id == run_id, runs.c.state.in_(("queued", "running")))
        # One statement: between two the run could change hands, and stop for nobody.
        state = sa.case((waits, "stopped"), else_="stopping")
        if not self._change_where(*in_work, state=state, ended=sa.case((waits, time.time()), else_=runs.c.ended)):
            self.get(run_id)  # says so if there is none; one that has ended already needs no stopping

    def resume(self, run_id: str) -> None:
        """Queue a stopped or failed run again; it goes on from its last checkpoint."""
        self.check_resumable(run_id)
        ended = (runs.c.id == run_id, runs.c.state.in_(("stopped", "failed")))
        if not self._change_where(*ended, state="queued", reason="", ended=None, attempts=0):
            self.check_resumable(run_id)  # another process was faster: say what it is now

    def check_resumable(self, run_id: str) -> None:
        """Raise StoreError, saying why, for a run whose training cannot go on."""
        run = self.get(run_id)
        if run.resumable:
            return
        if run.origin in ("import", "gallery"):
            raise StoreError(
                f"{run.name} was trained elsewhere; what came from there holds its weights but not the state of its "
                "training, so it cannot go on. Train the same network anew, or make it deeper from these weights."
            )
        raise StoreError(f"Run {run_id} is {run.state}: only a stopped or failed run can be resumed.")

    def add_owner(self, owner: dict[str, Any]) -> None:
        """Register a process (columns of table ``owners``) that is going to take runs in hand."""
        with self.database.write() as connection:
            connection.execute(owners.insert().values(**owner, heartbeat=0))

    def owners(self) -> dict[str, dict[str, Any]]:
        return {row.id: dict(row._mapping) for row in self.database.read(sa.select(owners))}

    def heartbeat(self, owner: str) -> bool:
        """Say that the process is well; False if it was taken for gone in the meantime and must register again."""
        beat = owners.update().where(owners.c.id == owner).values(heartbeat=owners.c.heartbeat + 1)
        with self.database.write() as connection:
            return connection.execute(beat).rowcount > 0

    def remove_owner(self, owner: str) -> None:
        with self.database.write() as connection:
            connection.execute(owners.delete().where(owners.c.id == owner))

    # Recording

    def record(self, run_id: str, events: Sequence[Event], owner: str | None = None) -> None:
        """Record the events of a training, in order; with ``owner``, only while the run belongs to that process.

        Recording an event again changes nothing. ``Started`` makes the run running and drops what was recorded after
        its step, ``Stopped`` and ``Finished`` end it. Raises :class:`RunLostError`.
        """
        batch: list[Event] = []
        for event in events:
            if isinstance(event, Started | CheckpointSaved | Finished):
                # What precedes a file must be in the database before it: a resume starts from the file.
                self._commit(run_id, batch, owner)
                batch = []
                self._keep_file(run_id, event)
            batch.append(event)
        self._commit(run_id, batch, owner)
        if events and isinstance(events[-1], Finished):
            with plain_errors(self.home):
                files.drop_checkpoints(self.folder(run_id))

    def _keep_file(self, run_id: str, event: Started | CheckpointSaved | Finished) -> None:
        folder = self.folder(run_id)
        with plain_errors(self.home):
            match event:
                case Started():
                    files.drop_checkpoints(folder, after=event.step)
                case CheckpointSaved():
                    files.write_checkpoint(folder, event.step, event.data)
                case Finished():
                    files.write_whole(folder / files.WEIGHTS, event.weights)

    def _commit(self, run_id: str, events: Sequence[Event], owner: str | None) -> None:
        where = [runs.c.id == run_id] + ([runs.c.owner == owner] if owner else [])
        with self.database.write() as connection:
            values = write_rows(connection, run_id, events, time.time())
            values["version"] = self._next_version(connection)
            if not connection.execute(runs.update().where(*where).values(values)).rowcount:
                raise RunLostError(f"Run {run_id} was deleted, or another process has taken it up.")

    # Reading histories

    def epochs(self, ids: str | Iterable[str]) -> pd.DataFrame:
        """Columns run, epoch, step, train_loss, train_error, test_loss, test_error, seconds; by run and epoch."""
        return histories.rows(self.database, epochs, epochs.c.epoch, ids)

    def steps(self, ids: str | Iterable[str]) -> pd.DataFrame:
        """Columns run, step, loss, error, lr, images_per_s; by run and step."""
        return histories.rows(self.database, steps, steps.c.step, ids)

    def layers(self, run_id: str) -> LayerHistory:
        return histories.layers(self.database, self.get(run_id))

    def version(self) -> int:
        """A number that grows with every change of any run. Cheap: a live page asks before it does anything else."""
        return self.database.read(sa.select(counters.c.value).where(counters.c.name == "version"))[0].value

    # Files

    def folder(self, run_id: str) -> Path:
        return self.home / "runs" / run_id

    def clear_leftovers(self) -> None:
        """Remove the half-written files that killed processes left."""
        with plain_errors(self.home):
            files.clear_leftovers(self.home / "runs")

    def latest_checkpoint(self, run_id: str) -> bytes | None:
        with plain_errors(self.home):
            for path in files.checkpoints(self.folder(run_id)).values():
                return path.read_bytes()
        return None

    def weights(self, run_id: str) -> bytes | None:
        """The final weights, else the newest checkpoint; None before the first checkpoint. Both are safetensors."""
        return self.weights_and_step(run_id)[0]

    def weights_and_step(self, run_id: str) -> tuple[bytes | None, int | None]:
        """The weights as `weights`, and the step of the checkpoint that they are from; None for final ones."""
        with plain_errors(self.home):
            path = self.folder(run_id) / files.WEIGHTS
            if path.is_file():
                return path.read_bytes(), None
            for step, checkpoint in files.checkpoints(self.folder(run_id)).items():
                return checkpoint.read_bytes(), step
        return None, None

    def log_error(self, run_id: str, text: str) -> None:
        """Keep a traceback for whoever looks into a failure; pages show only the run's reason."""
        with plain_errors(self.home):
            files.write_whole(self.folder(run_id) / files.ERROR_LOG, text.encode())

    # How rows are changed

    def _change(self, run_id: str, **values: Any) -> None:
        if not self._change_where(runs.c.id == run_id, **values):
            self.get(run_id)

    def _change_where(self, *where: sa.ColumnElement[bool], **values: Any) -> bool:
        """Change the run that fulfils ``where`` in one statement, so that of several processes only one can."""
        with self.database.write() as connection:
            values["version"] = self._next_version(connection)
            return connection.execute(runs.update().where(*where).values(values)).rowcount > 0

    def _next_version(self, connection: sa.Connection) -> int:
        return connection.scalar(
            counters.update()
            .where(counters.c.name == "version")
            .values(value=counters.c.value + 1)
            .returning(counters.c.value)
        )

    def _next_id(self, connection: sa.Connection) -> str:
        now = int(time.time()) - _EPOCH_2025
        number = connection.scalar(
            counters.update()
            .where(counters.c.name == "last_run")
            .values(value=sa.case((counters.c.value < now, now), else_=counters.c.value + 1))
            .returning(counters.c.value)
        )
        return "r" + "".join(_ALPHABET[number >> shift & 31] for shift in range(25, -1, -5))

    def _insert(self, connection: sa.Connection, values: dict[str, Any]) -> None:
        blank = {"facts": {}, "reason": "", "tags": [], "weight_names": [], "block_names": []}
        zero = {"seconds": 0.0, "attempts": 0, "step": 0, "epoch": 0}
        version = self._next_version(connection)
        row = {**blank, **zero, "created": time.time(), "version": version, **values}
        connection.execute(runs.insert().values(row))


def _as_run(row: sa.Row) -> Run:
    values = dict(row._mapping)
    for name in ("tags", "weight_names", "block_names"):
        values[name] = tuple(values[name])
    if values["went_on"] is not None and values["last_event"] is not None:
        values["seconds"] += values["last_event"] - values["went_on"]  # of the present attempt, so far
    return Run(**{field.name: values[field.name] for field in fields(Run)})
