"""How the store's database is opened and spoken to, and the sentences for one that cannot be used. No torch.

SQLite is the embedded default, PostgreSQL comes by URL: statements are those that both understand.
"""

import errno
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from resnet_core.errors import StoreBusyError, StoreError
from resnet_core.runs.schema import SCHEMA_VERSION, counters, metadata

LOCK_WAIT_S = 30

_LOCKED = "locked"  # in what SQLite says when another process writes for longer than that


class Database:
    """One database, whose trouble comes out as :class:`StoreError`. For several threads at once."""

    def __init__(self, home: Path, url: str | None = None) -> None:
        """``url``: an SQLAlchemy URL, by default SQLite in ``home``."""
        self.home = home
        with plain_errors(home):
            home.mkdir(parents=True, exist_ok=True)
            self.engine = open_engine(url or f"sqlite:///{home.resolve() / 'lab.sqlite3'}")
        self._writer = self.engine.execution_options(writes=True)

    def close(self) -> None:
        self.engine.dispose()

    def read(self, query: sa.Select) -> Sequence[sa.Row]:
        with plain_errors(self.home), self.engine.connect() as connection:
            return connection.execute(query).fetchall()

    def frame(self, query: sa.Select) -> pd.DataFrame:
        names = [column.name for column in query.selected_columns]
        return pd.DataFrame.from_records(self.read(query), columns=names)

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction: all of it, or nothing."""
        with plain_errors(self.home), self._writer.begin() as connection:
            yield connection


def open_engine(url: str) -> sa.Engine:
    """Connect to the database at ``url``, make missing tables and columns, and check that we can read its schema.

    SQLite runs in WAL mode, so readers never wait for the writer, with every commit on disk before it returns: a
    checkpoint file must never be newer than the rows that came before it, not even after a power cut. Transactions of
    the engine ``engine.execution_options(writes=True)`` take SQLite's write lock at their start; one that began
    reading and then wrote could fail at once instead of waiting its turn.
    """
    engine = sa.create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _configure_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    with engine.execution_options(writes=True).begin() as connection:
        metadata.create_all(connection)
        _add_missing_columns(connection)
        connection.execute(
            insert_for(engine)(counters)
            .values(
                [
                    {"name": "schema", "value": SCHEMA_VERSION},
                    *({"name": n, "value": 0} for n in ("version", "last_run")),
                ]
            )
            .on_conflict_do_nothing()
        )
        found = connection.scalar(sa.select(counters.c.value).where(counters.c.name == "schema"))
    if found is not None and found > SCHEMA_VERSION:
        engine.dispose()
        raise StoreError(
            f"The store was written by a newer version of this lab (schema {found}, ours {SCHEMA_VERSION}): "
            "update the lab, or set SKIP_EXPLORER_HOME to another folder."
        )
    return engine


def _add_missing_columns(connection: sa.Connection) -> None:
    """Bring a store of an older version up to date: columns that came later may all be empty. Older versions still
    read such a store.
    """
    known = "IF NOT EXISTS " if connection.dialect.name == "postgresql" else ""  # two processes may do it at once
    for table in metadata.sorted_tables:
        existing = {column["name"] for column in sa.inspect(connection).get_columns(table.name)}
        for column in table.columns:
            if column.name not in existing:
                kind = column.type.compile(connection.dialect)
                connection.exec_driver_sql(f'ALTER TABLE {table.name} ADD COLUMN {known}"{column.name}" {kind}')


def _configure_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # we begin transactions ourselves, see _begin_sqlite
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {int(LOCK_WAIT_S * 1000)}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def insert_for(engine: sa.Engine) -> Callable[[sa.Table], Any]:
    """The dialect's ``insert``: the one with ``on_conflict_do_...``, which plain SQLAlchemy lacks."""
    return {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[engine.dialect.name]


@contextmanager
def plain_errors(home: Path) -> Iterator[None]:
    """Turn what a database or disk raises into a :class:`StoreError` that says what to do."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        said = str(error.orig)
        kind = StoreBusyError if _LOCKED in said else StoreError
        raise kind(_database_sentence(said, home)) from error
    except sa.exc.TimeoutError as error:
        raise StoreError(f"The store in {home} has too many readers at once: try again in a moment.") from error
    except OSError as error:
        raise StoreError(_disk_sentence(error, home)) from error


def _database_sentence(said: str, home: Path) -> str:
    busy = f"was in use by another process for {LOCK_WAIT_S} s: try again in a moment."
    causes = {
        "is full": f"The disk that holds {home} is full: free some space, then resume the run.",
        _LOCKED: f"The store in {home} {busy}",
        "readonly": f"The store in {home} cannot be written: check the folder's permissions.",
        "unable to open": f"The store in {home} cannot be opened: is the folder there and writable?",
        "malformed": _damaged(home),
        "not a database": _damaged(home),
        "disk I/O": f"The disk that holds {home} does not answer as it should ({said}): check the disk.",
    }
    for sign, sentence in causes.items():
        if sign in said:
            return sentence
    return f"The database of the store in {home} answered: {' '.join(said.split())}"


def _damaged(home: Path) -> str:
    return (
        f"The store's database in {home} is damaged: move lab.sqlite3 away (and lab.sqlite3-wal with it) to "
        "start a fresh one; the weights in the folder 'runs' are not touched."
    )


def _disk_sentence(error: OSError, home: Path) -> str:
    where = error.filename or home
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk that holds {home} is full: free some space, then resume the run."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{where} cannot be written or read: check its permissions."
    return f"{where} cannot be used ({error.strerror or error}): check the folder and its disk."
