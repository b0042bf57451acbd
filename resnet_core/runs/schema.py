"""The tables of the store, how its database is opened, and the sentences for a database that cannot be used.

SQLite is the embedded default, PostgreSQL comes by URL: types and statements are those that both understand.
Times are seconds since 1970 (UTC), errors fractions in [0, 1].
"""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from resnet_core.errors import StoreError

SCHEMA_VERSION = 1
LOCK_WAIT_S = 30

metadata = sa.MetaData()

counters = sa.Table(
    "counters",
    metadata,
    sa.Column("name", sa.String(20), primary_key=True),  # "schema", "version", "last_run"
    sa.Column("value", sa.BigInteger, nullable=False),
)

owners = sa.Table(
    "owners",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("kind", sa.String(10), nullable=False),  # "app" or "cli"
    sa.Column("host", sa.String(200), nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("process_start", sa.String(80), nullable=False),
    sa.Column("heartbeat", sa.BigInteger, nullable=False),  # counts up while the process is well
)

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", sa.String(20), primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("spec", sa.JSON, nullable=False),
    sa.Column("recipe", sa.JSON, nullable=False),
    sa.Column("dataset", sa.String(200), nullable=False),
    sa.Column("facts", sa.JSON, nullable=False),  # of the dataset: fingerprint, classes, mean, std
    sa.Column("state", sa.String(10), nullable=False, index=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("group", sa.String(40)),
    sa.Column("tags", sa.JSON, nullable=False),
    sa.Column("origin", sa.String(10), nullable=False),
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("started", sa.Double),
    sa.Column("ended", sa.Double),
    sa.Column("went_on", sa.Double),  # when the present attempt began
    sa.Column("seconds", sa.Double, nullable=False),  # of training, over all attempts
    sa.Column("owner", sa.String(40)),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("threads", sa.Integer),
    sa.Column("step", sa.BigInteger, nullable=False),
    sa.Column("total_steps", sa.BigInteger),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("last_test_error", sa.Double),
    sa.Column("best_test_error", sa.Double),
    sa.Column("steps_per_epoch", sa.Double),
    sa.Column("n_train", sa.BigInteger),
    sa.Column("images_per_s", sa.Double),
    sa.Column("device", sa.String(40)),
    sa.Column("device_name", sa.String(200)),
    sa.Column("precision", sa.String(10)),
    sa.Column("software", sa.String(200)),
    sa.Column("parameters", sa.BigInteger),
    sa.Column("weight_names", sa.JSON, nullable=False),
    sa.Column("block_names", sa.JSON, nullable=False),
    sa.Column("weights_step", sa.BigInteger),  # of the newest weights on disk
    sa.Column("version", sa.BigInteger, nullable=False),
)

epochs = sa.Table(
    "epochs",
    metadata,
    sa.Column("run", sa.String(20), primary_key=True),
    sa.Column("epoch", sa.Integer, primary_key=True),
    sa.Column("step", sa.BigInteger, nullable=False),
    sa.Column("train_loss", sa.Double),
    sa.Column("train_error", sa.Double),
    sa.Column("test_loss", sa.Double),
    sa.Column("test_error", sa.Double),
    sa.Column("seconds", sa.Double),
)

steps = sa.Table(
    "steps",
    metadata,
    sa.Column("run", sa.String(20), primary_key=True),
    sa.Column("step", sa.BigInteger, primary_key=True),
    sa.Column("loss", sa.Double),
    sa.Column("error", sa.Double),
    sa.Column("lr", sa.Double),
    sa.Column("images_per_s", sa.Double),
)

layer_stats = sa.Table(
    "layer_stats",
    metadata,
    sa.Column("run", sa.String(20), primary_key=True),
    sa.Column("step", sa.BigInteger, primary_key=True),
    sa.Column("weight_stats", sa.LargeBinary, nullable=False),  # float32, little endian, (weights, 3)
    sa.Column("block_stats", sa.LargeBinary, nullable=False),  # float32, little endian, (blocks, 3)
)


def open_engine(url: str) -> sa.Engine:
    """Connect to the database at ``url``, make missing tables, and check that its schema is one we can read.

    SQLite runs in WAL mode, so readers never wait for the writer, with every commit on disk before it
    returns: a checkpoint file must never be newer than the rows that came before it, not even after a power
    cut. Transactions of the engine ``engine.execution_options(writes=True)`` take SQLite's write lock at
    their start; one that began reading and then wrote could fail at once instead of waiting its turn.
    """
    engine = sa.create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _configure_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    with engine.execution_options(writes=True).begin() as connection:
        metadata.create_all(connection)
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
    if found > SCHEMA_VERSION:
        engine.dispose()
        raise StoreError(
            f"The store was written by a newer version of this lab (schema {found}, ours {SCHEMA_VERSION}): "
            "update the lab, or set SKIP_EXPLORER_HOME to another folder."
        )
    return engine


def _configure_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # we begin transactions ourselves, see _begin_sqlite
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {LOCK_WAIT_S * 1000}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def insert_for(engine: sa.Engine):
    """The dialect's ``insert``: the one with ``on_conflict_do_...``, which plain SQLAlchemy lacks."""
    return {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[engine.dialect.name]


@contextmanager
def plain_errors(home: Path) -> Iterator[None]:
    """Turn what a database or disk raises into a :class:`StoreError` that says what to do."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise StoreError(_database_sentence(str(error.orig), home)) from error
    except sa.exc.TimeoutError as error:
        raise StoreError(
            f"The store in {home} has too many readers at once: try again in a moment."
        ) from error
    except OSError as error:
        raise StoreError(_disk_sentence(error, home)) from error


def _database_sentence(said: str, home: Path) -> str:
    busy = f"was in use by another process for {LOCK_WAIT_S} s: try again in a moment."
    causes = {
        "is full": f"The disk that holds {home} is full: free some space, then resume the run.",
        "locked": f"The store in {home} {busy}",
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
