"""Datasets on disk: one folder each under ``<home>/datasets``, plain .npy arrays and a meta.json, no pickles. No torch.

A dataset is written in a folder with a temporary name and renamed when it is whole, so that a reader, a second writer
or a crash never meets half of one.
"""

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from resnet_core.data.dataset import Dataset, DatasetInfo
from resnet_core.data.limits import DiskFullError, check_disk, check_memory, disk_is_full
from resnet_core.data.temporary import NEW_DATASET, clear_leftovers, datasets_folder, temporary_name
from resnet_core.errors import DataError

ARRAYS = ("x_train", "y_train", "x_test", "y_test")
_MASKS = "test_masks"
_META = "meta.json"
_META_TYPES = {"title": str, "classes": list, "source": str, "n_train": int, "n_test": int, "fingerprint": str}
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}")
BYTES_PER_PICTURE = 32 * 32 * 3 + 8
"""With its label, on disk and in memory."""

_HASH_AT_ONCE = 1 << 22  # bytes
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_UNWRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO)


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
    """A folder to write a dataset in; gone afterwards, whatever happened, unless ``commit`` renamed it.

    Raises DataError when the disk is full or cannot be written.
    """
    parent = datasets_folder(home)
    folder = parent / temporary_name(NEW_DATASET)
    try:
        clear_leftovers(home)
        folder.mkdir(mode=0o700, parents=True)
        yield folder
    except OSError as error:
        if error.errno in _FULL:
            shutil.rmtree(folder, ignore_errors=True)  # before it is counted what is free
            raise DiskFullError(f"The disk is full. {disk_is_full(parent)}") from error
        if error.errno in _UNWRITABLE or not folder.is_dir():
            raise DataError(f"The lab cannot write into {parent}: {error.strerror}.") from error
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check_room(folder: Path, pictures: int) -> None:
    """Raise DataError unless memory and the disk of ``folder`` have room for a dataset of so many pictures."""
    needed = pictures * BYTES_PER_PICTURE
    check_memory(needed, f"{pictures:,} pictures, which a training holds at once, take")
    check_disk(folder.parent, needed, f"{pictures:,} pictures take")


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

    ``origin`` names what the arrays were made from: the SHA-256 of a file, or a version of a generator. When a dataset
    of that name is there already with the same content (two processes made it at once), that one stays; with other
    content it is a DataError.
    """
    target = dataset_folder(home, name)
    labels = {part: np.load(folder / f"y_{part}.npy", mmap_mode="r") for part in ("train", "test")}
    counts = {part: np.bincount(y, minlength=len(classes)).tolist() for part, y in labels.items()}
    meta = {
        "name": name,
        "title": title,
        "classes": list(classes),
        "source": source,
        "n_train": sum(counts["train"]),
        "n_test": sum(counts["test"]),
        "train_counts": counts["train"],
        "test_counts": counts["test"],
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
        content = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        for start in range(0, len(content), _HASH_AT_ONCE):
            digest.update(content[start : start + _HASH_AT_ONCE].data)
    return digest.hexdigest()


def remove_dataset(home: Path, name: str) -> bool:
    """Delete it; false when it was not there. Whoever has it mapped keeps reading until they let go."""
    folder = dataset_folder(home, name)
    leaving = folder.with_name(temporary_name(NEW_DATASET))
    try:
        os.rename(folder, leaving)
    except FileNotFoundError:
        return False
    shutil.rmtree(leaving, ignore_errors=True)
    return True


def save_array(folder: Path, key: str, array: np.ndarray) -> None:
    """Write ``<key>.npy``. Raises OSError with a number (ENOSPC) when the disk is full, which numpy's own lacks."""
    try:
        np.save(folder / f"{key}.npy", array, allow_pickle=False)
    except OSError as error:
        if error.errno is None:
            raise OSError(errno.ENOSPC, str(error)) from error
        raise


class ImageFile:
    """``<key>.npy`` of pictures (N, 32, 32, 3) uint8 that grows as they come: none need stay in memory.

    The header is written again at the end with the final N; numpy pads it to hold any N.
    """

    def __init__(self, folder: Path, key: str, size: int = 32) -> None:
        self._shape = (size, size, 3)
        self._file = open(folder / f"{key}.npy", "wb")  # noqa: SIM115 (closed by __exit__)
        self._count = 0
        self._write_header()

    def __enter__(self) -> "ImageFile":
        return self

    def __exit__(self, *_exception: object) -> None:
        with self._file:
            self._file.seek(0)
            self._write_header()

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
    wrong = [
        key for key, kind in _META_TYPES.items() if not isinstance(meta, dict) or not isinstance(meta.get(key), kind)
    ]
    if wrong:
        raise DataError(f"The dataset {name} is damaged: {path.name} lacks {', '.join(wrong)}: delete it.")
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
        train_counts=tuple(meta.get("train_counts", ())),
        test_counts=tuple(meta.get("test_counts", ())),
    )
