"""Datasets on disk: one folder each under ``<home>/datasets``, plain .npy arrays and a
meta.json, no pickles. No torch.

A dataset is written in a folder with a temporary name and renamed when it is whole, so that a reader, a
second writer or a crash never meets half of one.
"""

import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from resnet_core.data.dataset import Dataset, DatasetInfo
from resnet_core.errors import DataError

ARRAYS = ("x_train", "y_train", "x_test", "y_test")
_MASKS = "test_masks"
_META = "meta.json"
_TEMPORARY = ".new-"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}")
_HASH_AT_ONCE = 1 << 22  # bytes
_LEFTOVER_AGE_S = 24 * 3600


def datasets_folder(home: Path) -> Path:
    return Path(home) / "datasets"


def dataset_folder(home: Path, name: str) -> Path:
    """Where the dataset lies or would lie. Raises DataError for a name that is not one, such as ``../x``."""
    if not _NAME.fullmatch(name):
        raise DataError(
            f"{name!r} cannot be the name of a dataset: use up to 60 small letters, digits, "
            "'-', '_' and '.', a letter or digit first."
        )
    return datasets_folder(home) / name


def stored_infos(home: Path) -> list[DatasetInfo]:
    """All datasets that are there, by name; a damaged one is left out (reading it says what is wrong)."""
    return [_info_from(meta, dataset_folder(home, name)) for name, meta in _metas(home)]


def stored_info(home: Path, name: str) -> DatasetInfo | None:
    """What meta.json says; None when there is no such dataset. Raises DataError when it is damaged."""
    meta = _read_meta(home, name)
    return None if meta is None else _info_from(meta, dataset_folder(home, name))


def find_stored(home: Path, **wanted: str) -> DatasetInfo | None:
    """The first dataset whose meta.json has these values, e.g. ``find_stored(home, fingerprint=...)``."""
    for name, meta in _metas(home):
        if all(meta.get(key) == value for key, value in wanted.items()):
            return _info_from(meta, dataset_folder(home, name))
    return None


def read_dataset(home: Path, name: str) -> Dataset | None:
    """The dataset with its pictures memory-mapped, None when not there. Raises DataError when damaged."""
    meta = _read_meta(home, name)
    if meta is None:
        return None
    folder = dataset_folder(home, name)
    try:
        arrays = {key: np.load(folder / f"{key}.npy", mmap_mode="r", allow_pickle=False) for key in ARRAYS}
        masks = folder / f"{_MASKS}.npy"
        test_masks = np.load(masks, mmap_mode="r", allow_pickle=False) if masks.is_file() else None
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"The dataset {name} is damaged ({error}): delete it and import it again.") from error
    return Dataset(
        name=name,
        title=meta["title"],
        classes=tuple(meta["classes"]),
        **arrays,
        source=meta["source"],
        fingerprint=meta["fingerprint"],
        test_masks=test_masks,
    )


@contextmanager
def new_folder(home: Path) -> Iterator[Path]:
    """A folder to write a dataset in; gone afterwards, whatever happened, unless ``commit`` renamed it."""
    parent = datasets_folder(home)
    try:
        parent.mkdir(parents=True, exist_ok=True)
        _clear_leftovers(parent)
        folder = Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=parent))
    except OSError as error:
        raise DataError(f"The lab cannot write into {parent}: {error.strerror}.") from error
    try:
        yield folder
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise DataError(f"The disk of {parent} is full: make room and try again.") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def commit(
    folder: Path,
    home: Path,
    *,
    name: str,
    title: str,
    classes: tuple[str, ...],
    source: str,
    origin: str = "",
) -> DatasetInfo:
    """Make the arrays written in ``folder`` the dataset ``name``.

    ``origin`` names what the arrays were made from: the SHA-256 of a file, or a version of a generator. When a
    dataset of that name is there already with the same content (two processes made it at once), that one stays;
    with other content it is a DataError.
    """
    target = dataset_folder(home, name)
    meta = {
        "name": name,
        "title": title,
        "classes": list(classes),
        "source": source,
        "n_train": len(np.load(folder / "y_train.npy", mmap_mode="r")),
        "n_test": len(np.load(folder / "y_test.npy", mmap_mode="r")),
        "fingerprint": fingerprint(folder, classes),
        "origin": origin,
    }
    (folder / _META).write_text(json.dumps(meta, indent=1, ensure_ascii=False), encoding="utf-8")
    try:
        os.rename(folder, target)
    except OSError as error:
        present = stored_info(home, name) if error.errno in (errno.ENOTEMPTY, errno.EEXIST) else None
        if present is None:
            raise
        if present.fingerprint != meta["fingerprint"]:
            raise DataError(
                f"There is already a dataset called {name!r}, with other pictures: choose another name or "
                "delete it first."
            ) from error
        return present
    # mkdtemp makes folders only their owner can read; others who share the lab's folder read datasets too.
    target.chmod(0o755)
    return _info_from(meta, target)


def fingerprint(folder: Path, classes: tuple[str, ...]) -> str:
    """``fingerprint_of`` for the arrays written in ``folder``."""
    return fingerprint_of(classes, *(np.load(folder / f"{key}.npy", mmap_mode="r") for key in ARRAYS))


def fingerprint_of(classes: tuple[str, ...], *arrays: np.ndarray) -> str:
    """SHA-256 over class names, pictures and labels, types and shapes; arrays in the order of ARRAYS."""
    digest = hashlib.sha256(json.dumps(list(classes)).encode())
    for key, array in zip(ARRAYS, arrays, strict=True):
        digest.update(f"{key} {array.dtype} {array.shape}".encode())
        content = memoryview(np.ascontiguousarray(array)).cast("B")
        for start in range(0, len(content), _HASH_AT_ONCE):
            digest.update(content[start : start + _HASH_AT_ONCE])
    return digest.hexdigest()


def remove_dataset(home: Path, name: str) -> bool:
    """Delete it; false when it was not there. Whoever has it mapped keeps reading until they let go."""
    folder = dataset_folder(home, name)
    leaving = folder.with_name(f"{_TEMPORARY}{name}-{time.time_ns()}")
    try:
        os.rename(folder, leaving)
    except FileNotFoundError:
        return False
    shutil.rmtree(leaving, ignore_errors=True)
    return True


def save_array(folder: Path, key: str, array: np.ndarray) -> None:
    np.save(folder / f"{key}.npy", array, allow_pickle=False)


class ImageFile:
    """``<key>.npy`` of pictures (N, 32, 32, 3) uint8 that grows as they come: none need stay in memory.

    The header is written again at the end with the final N; numpy pads it to hold any N.
    """

    def __init__(self, folder: Path, key: str, size: int = 32):
        self._shape = (size, size, 3)
        self._file = open(folder / f"{key}.npy", "wb")  # noqa: SIM115 (closed by __exit__)
        self._count = 0
        self._write_header()

    def __enter__(self) -> "ImageFile":
        return self

    def __exit__(self, *_exception) -> None:
        self._file.seek(0)
        self._write_header()
        self._file.close()

    def __len__(self) -> int:
        return self._count

    def append(self, images: np.ndarray) -> None:
        """images: uint8 (n, 32, 32, 3), or one picture (32, 32, 3)."""
        images = images.reshape(-1, *self._shape)
        self._file.write(np.ascontiguousarray(images, dtype=np.uint8).data)
        self._count += len(images)

    def _write_header(self) -> None:
        header = {"descr": "|u1", "fortran_order": False, "shape": (self._count, *self._shape)}
        np.lib.format.write_array_header_1_0(self._file, header)


def _metas(home: Path) -> Iterator[tuple[str, dict]]:
    folder = datasets_folder(home)
    if not folder.is_dir():
        return
    for name in sorted(path.name for path in folder.iterdir() if _NAME.fullmatch(path.name)):
        with suppress(DataError):
            meta = _read_meta(home, name)
            if meta is not None:
                yield name, meta


def _read_meta(home: Path, name: str) -> dict | None:
    path = dataset_folder(home, name) / _META
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DataError(f"The dataset {name} is damaged ({path.name}: {error}): delete it.") from error
    missing = {"title", "classes", "source", "n_train", "n_test", "fingerprint"} - set(meta)
    if missing:
        raise DataError(f"The dataset {name} is damaged: {path.name} lacks {sorted(missing)}: delete it.")
    return meta


def _info_from(meta: dict, folder: Path) -> DatasetInfo:
    return DatasetInfo(
        name=folder.name,
        title=meta["title"],
        classes=tuple(meta["classes"]),
        n_train=meta["n_train"],
        n_test=meta["n_test"],
        source=meta["source"],
        ready=True,
        bytes=sum(p.stat().st_size for p in folder.iterdir()),
        fingerprint=meta["fingerprint"],
    )


def _clear_leftovers(parent: Path) -> None:
    """Remove what a killed process left, once it is surely nobody's work in progress."""
    for path in parent.glob(f"{_TEMPORARY}*"):
        if time.time() - path.stat().st_mtime > _LEFTOVER_AGE_S:
            shutil.rmtree(path, ignore_errors=True)
