"""The tables of the store. Types are those that SQLite and PostgreSQL both understand. No torch.

Times are seconds since 1970 (UTC), errors fractions in [0, 1].
"""

import sqlalchemy as sa

SCHEMA_VERSION = 1

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
    sa.Column("last_event", sa.Double),  # when the newest event was recorded
    sa.Column("seconds", sa.Double, nullable=False),  # of training, over all attempts that have ended
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
    sa.Column("test_balanced_error", sa.Double),  # mean of the classes' errors
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
