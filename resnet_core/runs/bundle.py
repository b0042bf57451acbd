"""A run as one file, to hand on and to ship: a zip with plain JSON, NumPy arrays and safetensors, no
pickles. No torch.

    run.json              format, schema and what is known of the run
    epochs.npz steps.npz  one array a column
    layers.npz            steps (S,), weight_stats (S, W, 3), block_stats (S, B, 3), float32
    weights.safetensors   the network's state dict

A file from elsewhere is checked whole (names, sizes, schema, that every number has its type and the weights fit the
network) before anything is taken from it. No torch here.
"""

import io
import json
import math
import time
import zipfile
import zlib
from typing import Any

import numpy as np
import pandas as pd

from resnet_core.errors import LabError, StoreError
from resnet_core.networks.costs import tensor_shapes
from resnet_core.networks.spec import NetSpec
from resnet_core.runs.recording import as_blob
from resnet_core.runs.run import LATEST_TIME
from resnet_core.runs.store import RunStore
from resnet_core.runs.weights import check_weights, weights_only
from resnet_core.training.recipe import Recipe

FORMAT = "skip-connection-explorer-run"
SCHEMA = 1
MEMBERS = ("run.json", "epochs.npz", "steps.npz", "layers.npz", "weights.safetensors")
MAX_BYTES = 1 << 30  # of all members, unpacked
MAX_ROWS = 2_000_000
MAX_EPOCHS = 100_000  # as many as a recipe may have
MAX_COUNT = 2**53

EPOCH_COLUMNS = ("epoch", "step", "train_loss", "train_error", "test_loss", "test_error", "seconds")
STEP_COLUMNS = ("step", "loss", "error", "lr", "images_per_s")
WHOLE_NUMBERS = ("epoch", "step")
OPTIONAL_EPOCH_COLUMNS = ("test_balanced_error",)  # bundles of older versions lack them
FRACTIONS = ("train_error", "test_error", "test_balanced_error", "error")
TEXTS = ("name", "dataset", "reason", "device", "device_name", "precision", "software")
TIMES = ("created", "started", "ended")
NUMBERS = (*TIMES, "seconds", "images_per_s", "steps_per_epoch")
COUNTS = ("step", "total_steps", "epoch", "n_train", "parameters", "threads", "weights_step")

# What zipfile and numpy raise for a file that is not what it should be, encrypted or packed in an odd way.
_UNREADABLE = (zipfile.BadZipFile, zlib.error, ValueError, OSError, EOFError, RuntimeError)


def export_run(store: RunStore, run_id: str) -> bytes:
    """The run as a bundle. Raises StoreError for one that is not over, or has no weights."""
    run = store.get(run_id)
    weights = store.weights(run_id)
    if run.active:
        raise StoreError(f"Run {run_id} is still {run.state}: wait until it has ended, or stop it.")
    if weights is None:
        raise StoreError(f"Run {run_id} has no weights to export: it ended before its first checkpoint.")
    described = {name: getattr(run, name) for name in (*TEXTS, *NUMBERS, *COUNTS)}
    described |= {"state": run.state, "spec": run.spec, "recipe": run.recipe, "facts": run.facts}
    described |= {"tags": run.tags, "weight_names": run.weight_names, "block_names": run.block_names}
    layers = store.layers(run_id)
    members = {
        "run.json": json.dumps({"format": FORMAT, "schema": SCHEMA, "run": described}, indent=1).encode(),
        "epochs.npz": _as_npz(_epoch_columns(store.epochs(run_id))),
        "steps.npz": _as_npz({name: store.steps(run_id)[name].to_numpy() for name in STEP_COLUMNS}),
        "layers.npz": _as_npz(
            {"steps": layers.steps, "weight_stats": layers.weight_stats, "block_stats": layers.block_stats}
        ),
        "weights.safetensors": weights_only(weights),
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, data in members.items():
            bundle.writestr(name, data)
    return file.getvalue()


def import_run(store: RunStore, data: bytes, *, run_id: str | None = None, origin: str = "import") -> str:
    """Take in a bundle as a run, with a new id unless ``run_id`` gives it; returns the id. Raises StoreError, and
    takes nothing, when anything is wrong with it.
    """
    members = _unpacked(data)
    values = _checked_run(members["run.json"])
    epochs = _table("epochs.npz", members["epochs.npz"], EPOCH_COLUMNS, MAX_EPOCHS, OPTIONAL_EPOCH_COLUMNS)
    steps = _table("steps.npz", members["steps.npz"], STEP_COLUMNS, MAX_ROWS)
    layers = _layers(members["layers.npz"], len(values["weight_names"]), len(values["block_names"]))
    spec = NetSpec.from_dict(values["spec"])
    _check_fit(values, spec)
    check_weights(members["weights.safetensors"], spec)
    errors = [row["test_error"] for row in sorted(epochs, key=lambda row: row["epoch"])]
    values["last_test_error"] = errors[-1] if errors else None
    values["best_test_error"] = min((e for e in errors if e is not None), default=None)
    history = {"epochs": epochs, "steps": steps, "layer_stats": layers}
    values["origin"] = origin
    return store.add_finished(values, history, members["weights.safetensors"], run_id)


# The file


def _epoch_columns(epochs: pd.DataFrame) -> dict[str, np.ndarray]:
    columns = {name: epochs[name].to_numpy() for name in EPOCH_COLUMNS}
    measured = [name for name in OPTIONAL_EPOCH_COLUMNS if epochs[name].notna().any()]
    return columns | {name: epochs[name].to_numpy(float) for name in measured}


def _as_npz(arrays: dict[str, np.ndarray]) -> bytes:
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def _unpacked(data: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as bundle:
            infos = {info.filename: info for info in bundle.infolist()}
            if sorted(infos) != sorted(MEMBERS) or len(bundle.infolist()) != len(MEMBERS):
                raise StoreError(
                    f"This is not a run's bundle: it holds {_some(infos)}, and a bundle holds exactly "
                    f"{', '.join(MEMBERS)}."
                )
            total = sum(info.file_size for info in infos.values())
            if total > MAX_BYTES:
                raise StoreError(f"This bundle unpacks to {total / 2**20:,.0f} MB: at most 1,024 MB are taken.")
            return {name: _member(bundle, info) for name, info in infos.items()}
    except _UNREADABLE as error:
        raise StoreError(f"This is not a run's bundle, or it is damaged ({error}): export it again.") from error


def _member(bundle: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with bundle.open(info) as file:
        data = file.read(info.file_size + 1)
    if len(data) != info.file_size:
        raise StoreError(f"{info.filename} in this bundle is not as long as it says: export the run again.")
    return data


def _some(names: dict[str, Any]) -> str:
    listed = ", ".join(name[:40] for name in list(names)[:6])
    return (listed or "nothing") + (" ..." if len(names) > 6 else "")


# run.json


def _checked_run(data: bytes) -> dict[str, Any]:
    """Columns of table runs, each of its type."""
    try:
        described = json.loads(data)
    except (ValueError, RecursionError) as error:  # the latter: brackets in brackets, a thousand deep
        raise StoreError(f"run.json in this bundle is damaged ({error}): export the run again.") from error
    if not isinstance(described, dict) or described.get("format") != FORMAT:
        raise StoreError("run.json in this bundle does not describe a run: choose a file that was exported here.")
    if described.get("schema") != SCHEMA:
        raise StoreError(
            f"This bundle has schema {str(described.get('schema'))[:20]}, this lab reads {SCHEMA}: update it."
        )
    run = described.get("run")
    if not isinstance(run, dict):
        raise StoreError("run.json in this bundle has no run in it: export the run again.")
    try:
        json.dumps(run, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:  # half a character: no database and no page takes it
        raise StoreError(f"run.json in this bundle is damaged ({error.reason}): export the run again.") from error
    return {
        **{name: _as_text(run, name) for name in TEXTS},
        **{name: _as_number(run, name) for name in NUMBERS},
        **{name: _as_count(run, name) for name in COUNTS},
        **{name: _as_texts(run, name) for name in ("tags", "weight_names", "block_names")},
        "created": _as_number(run, "created") or time.time(),
        "seconds": _as_number(run, "seconds") or 0.0,
        "step": _as_count(run, "step") or 0,
        "epoch": _as_count(run, "epoch") or 0,
        "state": _as_state(run),
        "spec": _as_spec(run),
        "recipe": _as_recipe(run),
        "facts": _as_facts(run),
    }


def _check_fit(values: dict[str, Any], spec: NetSpec) -> None:
    """Classes, layers and blocks are those of the network; a run that recorded no layers names none."""
    classes = values["facts"]["classes"]
    if len(classes) != spec.num_classes or len(set(classes)) != len(classes):
        raise StoreError(
            f"This bundle names {len(set(classes))} different classes, but its network {spec.name} has "
            f"{spec.num_classes} outputs: export the run again."
        )
    layers = {
        name.removesuffix(".weight")
        for name, shape in tensor_shapes(spec).items()
        if name.endswith(".weight") and len(shape) > 1
    }
    if values["weight_names"] and (set(values["weight_names"]) != layers or len(values["weight_names"]) != len(layers)):
        strange = sorted(set(values["weight_names"]) ^ layers)
        raise StoreError(
            f"The layers named in this bundle are not those of {spec.name}"
            + (f" ({strange[0][:60]!r} is not in both)" if strange else "")
            + ": export the run again."
        )
    if len(values["block_names"]) not in (0, 1 + spec.n_blocks):
        raise StoreError(
            f"This bundle names {len(values['block_names'])} blocks, but {spec.name} has {1 + spec.n_blocks}, the "
            "stem included: export the run again."
        )


def _wrong(name: str, value: Any, wanted: str) -> StoreError:
    return StoreError(f"{name} in this bundle is {str(value)[:60]!r}, and should be {wanted}: export the run again.")


def _as_text(run: dict[str, Any], name: str) -> str | None:
    value = run.get(name)
    required = name in ("name", "dataset", "reason")
    if not isinstance(value, str) and (required or value is not None):
        raise _wrong(name, value, "a text")
    return None if value is None else value[:200]


def _as_number(run: dict[str, Any], name: str) -> float | None:
    value = run.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise _wrong(name, value, "a number")
    if value is None or not math.isfinite(value):
        return None
    if not 0 <= value <= (LATEST_TIME if name in TIMES else MAX_COUNT):
        raise _wrong(name, value, "a time between 1970 and 2100" if name in TIMES else "a number from 0 to 2^53")
    return float(value)


def _as_count(run: dict[str, Any], name: str) -> int | None:
    value = run.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < MAX_COUNT):
        raise _wrong(name, value, "a count")
    return value


def _as_texts(run: dict[str, Any], name: str) -> list[str]:
    value = run.get(name)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value) or len(value) > 20_000:
        raise _wrong(name, value, "a list of texts")
    return [item[:200] for item in value]


def _as_state(run: dict[str, Any]) -> str:
    if run.get("state") not in ("done", "stopped", "failed"):
        raise _wrong("state", run.get("state"), "done, stopped or failed")
    return run["state"]


def _as_spec(run: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(run.get("spec"), dict):
        raise _wrong("spec", run.get("spec"), "a network")
    try:
        return NetSpec.from_dict(run["spec"]).to_dict()
    except (LabError, TypeError) as error:
        raise StoreError(f"The network in this bundle cannot be built: {error}") from error


def _as_recipe(run: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(run.get("recipe"), dict):
        raise _wrong("recipe", run.get("recipe"), "a recipe")
    try:
        return Recipe.from_dict(run["recipe"]).to_dict()
    except (LabError, TypeError) as error:
        raise StoreError(f"The recipe in this bundle cannot be read: {error}") from error


def _as_facts(run: dict[str, Any]) -> dict[str, Any]:
    facts = run.get("facts")
    if not isinstance(facts, dict) or not isinstance(facts.get("fingerprint"), str):
        raise _wrong("facts", facts, "what is known of the dataset")
    for name in ("mean", "std"):
        values = facts.get(name)
        if not isinstance(values, list) or len(values) != 3 or not all(_is_finite(value) for value in values):
            raise _wrong(f"facts.{name}", values, "three numbers")
    if min(facts["std"]) <= 0:
        raise _wrong("facts.std", facts["std"], "three numbers above 0")
    known: dict[str, Any] = {name: facts[name] for name in ("fingerprint", "mean", "std")}
    if "best_scores" in facts:
        known["best_scores"] = _as_percentiles(facts["best_scores"])
    if "grown_from" in facts:
        known["grown_from"] = _as_source(facts["grown_from"])
    return known | {"classes": _as_texts(facts, "classes")}


def _as_source(source: Any) -> dict[str, str]:
    if not isinstance(source, dict) or not all(isinstance(source.get(key), str) for key in ("id", "name")):
        raise _wrong("facts.grown_from", source, "the id and the name of a run")
    return {key: source[key][:200] for key in ("id", "name")}


def _as_percentiles(values: Any) -> list[float]:
    numbers = isinstance(values, list) and all(_is_finite(value) for value in values)
    if not numbers or not 2 <= len(values) <= 1001 or values != sorted(values):
        raise _wrong("facts.best_scores", values, "percentiles of the largest logit")
    return values


def _is_finite(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


# Arrays


def _arrays(member: str, data: bytes, names: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as inner:
            infos = {info.filename.removesuffix(".npy"): info for info in inner.infolist()}
            if sum(info.file_size for info in infos.values()) > MAX_BYTES:
                raise StoreError(f"{member} in this bundle is too large: at most 1,024 MB are taken.")
            arrays = {name: _read_array(inner, infos[name]) for name in (*names, *optional) if name in infos}
    except _UNREADABLE as error:
        raise StoreError(f"{member} in this bundle cannot be read ({error}): export the run again.") from error
    missing = [name for name in names if name not in arrays]
    if missing:
        raise StoreError(f"{member} in this bundle lacks {', '.join(missing)}: export the run again.")
    return arrays


def _read_array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray:
    """One .npy of the archive. Its header is believed only where the shape it claims has as many bytes as the file:
    NumPy would try to make room for any shape. Raises ValueError.
    """
    data = archive.read(info)
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"{info.filename} has an unknown version")
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read_header(file)
    if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(data) - file.tell():
        raise ValueError(f"{info.filename} is not as long as its header says")
    return np.load(io.BytesIO(data), allow_pickle=False)


def _table(
    member: str, data: bytes, columns: tuple[str, ...], most_rows: int, optional: tuple[str, ...] = ()
) -> list[dict[str, Any]]:
    arrays = _arrays(member, data, columns, optional)
    lengths = {len(array) if array.ndim == 1 else -1 for array in arrays.values()}
    if len(lengths) != 1 or min(lengths) < 0:
        raise StoreError(f"The columns of {member} in this bundle do not fit each other: export the run again.")
    if max(lengths) > most_rows:
        raise StoreError(f"{member} in this bundle has {max(lengths):,} rows: at most {most_rows:,} are taken.")
    for name, array in arrays.items():
        if array.dtype.kind not in ("iu" if name in WHOLE_NUMBERS else "iuf"):
            raise StoreError(f"{member} in this bundle has {array.dtype} in {name}: export the run again.")
    if not all(_are_counts(arrays[name]) for name in columns if name in WHOLE_NUMBERS):
        raise StoreError(f"{member} in this bundle has epochs or steps that cannot be: export the run again.")
    for name in FRACTIONS:
        if name in arrays and not _are_fractions(arrays[name]):
            raise StoreError(f"{member} in this bundle has a {name} outside 0 to 1: export the run again.")
    key = arrays[columns[0]]
    if len(np.unique(key)) != len(key):
        raise StoreError(f"{member} in this bundle has rows twice: export the run again.")
    columns_as_lists = [[_plain(value) for value in array.tolist()] for array in arrays.values()]
    return [dict(zip(arrays, row, strict=True)) for row in zip(*columns_as_lists, strict=True)]


def _are_counts(numbers: np.ndarray) -> bool:
    """Whole numbers from 0 to what a database takes."""
    return numbers.dtype.kind in "iu" and (
        not len(numbers) or 0 <= int(numbers.min()) <= int(numbers.max()) < MAX_COUNT
    )


def _are_fractions(numbers: np.ndarray) -> bool:
    """From 0 to 1, or NaN where nothing was measured."""
    return bool(np.all(np.isnan(numbers) | ((numbers >= 0) & (numbers <= 1))))


def _plain(value: float) -> float | None:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _layers(data: bytes, n_weights: int, n_blocks: int) -> list[dict[str, Any]]:
    arrays = _arrays("layers.npz", data, ("steps", "weight_stats", "block_stats"))
    steps, weights, blocks = arrays.values()
    fits = (
        steps.ndim == 1
        and _are_counts(steps)
        and len(np.unique(steps)) == len(steps) <= MAX_ROWS
        and weights.shape == (len(steps), n_weights, 3)
        and blocks.shape == (len(steps), n_blocks, 3)
        and weights.dtype == blocks.dtype == np.float32
    )
    if not fits:
        raise StoreError("layers.npz in this bundle does not fit the run it comes with: export the run again.")
    return [
        {"step": int(step), "weight_stats": as_blob(weights[i]), "block_stats": as_blob(blocks[i])}
        for i, step in enumerate(steps)
    ]
