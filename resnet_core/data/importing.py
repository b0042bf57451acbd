"""People's own pictures as a dataset: a folder or zip of class folders, or an .npz file. No torch."""

import hashlib
import os
import re
import zipfile
from pathlib import Path

from resnet_core.data import cifar10, shapes10, storage
from resnet_core.data.class_folders import ImportResult, picture_entries, read_class_folders
from resnet_core.data.dataset import DatasetInfo, Progress
from resnet_core.data.file_tree import open_tree
from resnet_core.data.names import printable, short_name, title_of
from resnet_core.data.npz import read_npz
from resnet_core.data.pictures import MAX_BYTES
from resnet_core.errors import DataError

# Part of every origin: raise it when the same pictures would come out differently.
_IMPORT_VERSION = 1
_KNOWN = (shapes10.NAME, cifar10.NAME)
_HASH_AT_ONCE = 1 << 22  # bytes


def import_dataset(
    path: Path, home: Path, name: str | None = None, progress: Progress | None = None, seed: int = 0
) -> DatasetInfo:
    """Make a dataset of what lies at ``path``; pictures become 32x32 once, the square in the middle of each.

    A folder or zip holds a folder of pictures for each class, or train and test (or val) folders of such folders;
    without a split a fifth of each class, drawn with ``seed``, is for testing. Up to one picture in twenty that cannot
    be read is left out and counted in ``source``. An .npz holds x_train, y_train, x_test, y_test and perhaps classes.

    The same content is never kept twice: the dataset that has it already is returned, whatever its name. ``name`` is
    the title and, in small letters, the name; without it the file's name is taken. Raises DataError with one sentence
    for everything that cannot become a dataset.
    """
    path = _as_path(path)
    progress = progress or (lambda what, fraction: None)
    kind = _kind(path)
    progress("Looking whether it is here already", 0.0)
    origin = _origin(path, kind, seed)
    present = storage.find_stored(home, origin=origin)
    if present is not None:
        return present
    title = title_of(name or path.stem)
    with storage.new_folder(home) as folder:
        try:
            read = _read(path, kind, folder, seed, progress)
        except MemoryError as error:  # others took memory after it was seen to be free
            raise DataError(f"Memory ran out while {short_name(path.name)} was read: try again later.") from error
        storage.save_array(folder, "y_train", read.y_train)
        storage.save_array(folder, "y_test", read.y_test)
        present = storage.find_stored(home, fingerprint=storage.fingerprint(folder, read.classes))
        if present is not None:
            return present
        return storage.commit(
            folder,
            home,
            name=_free_name(home, title, chosen=name is not None),
            title=title,
            classes=read.classes,
            source=_source(path, read),
            origin=origin,
        )


def resolve_dataset(name_or_path: str | Path, home: Path, progress: Progress | None = None) -> str:
    """The name of the dataset a person means: one that is known, or that of a folder or file, which is imported.

    Names go first; ``./cifar-10`` is a folder for sure. What was imported before is not imported again. Raises
    DataError when it is neither.
    """
    text = str(name_or_path)
    names = [*_KNOWN, *(info.name for info in storage.stored_infos(home) if info.name not in _KNOWN)]
    if text in names:
        return text
    path = _as_path(text)
    if os.path.exists(path):
        return import_dataset(path, home, progress=progress).name
    raise DataError(f"There is neither a dataset nor a file or folder {text!r}; datasets are: {', '.join(names)}.")


def _as_path(text: str | Path) -> Path:
    return Path(os.path.expanduser(text))  # unlike Path.expanduser, leaves "~nobody" as it is


def _kind(path: Path) -> str:
    """ "folder", "zip" or "npz"; raises DataError for anything else."""
    if os.path.isdir(path):  # unlike Path.is_dir, false for what can be no path
        return "folder"
    if not os.path.exists(path):
        raise DataError(f"There is no file or folder {printable(str(path))}.")
    if path.suffix.lower() == ".npz":
        return "npz"
    if path.suffix.lower() == ".zip" or zipfile.is_zipfile(path):
        return "zip"
    raise DataError(
        f"{short_name(path.name)} is neither a folder or .zip of class folders nor an .npz: use one of these."
    )


def _origin(path: Path, kind: str, seed: int) -> str:
    """SHA-256 of everything the dataset is made from."""
    digest = hashlib.sha256(f"import {_IMPORT_VERSION} {kind} seed {seed}".encode())
    if kind == "folder":
        with open_tree(path) as tree:
            for entry in picture_entries(tree):
                content = tree.read(entry, limit=MAX_BYTES + 1)
                digest.update(f"{entry.parts} {len(content)}".encode())
                digest.update(content)
    else:
        try:
            with open(path, "rb") as file:
                while piece := file.read(_HASH_AT_ONCE):
                    digest.update(piece)
        except OSError as error:
            raise DataError(f"{short_name(path.name)} cannot be read: {error.strerror}.") from error
    return digest.hexdigest()


def _read(path: Path, kind: str, folder: Path, seed: int, progress: Progress) -> ImportResult:
    if kind == "npz":
        return read_npz(path, folder, progress)
    with open_tree(path) as tree:
        return read_class_folders(tree, picture_entries(tree), folder, seed, progress)


def _free_name(home: Path, title: str, chosen: bool) -> str:
    """The name made of the title; when nobody chose it and it is taken, with a number behind."""
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:50].strip("-") or "pictures"
    taken = {*_KNOWN, *(info.name for info in storage.stored_infos(home))}
    if slug not in taken:
        return slug
    if chosen:
        raise DataError(f"There is already a dataset called {slug!r}: choose another name or delete it first.")
    number = next(k for k in range(2, len(taken) + 3) if f"{slug}-{k}" not in taken)
    return f"{slug}-{number}"


def _source(path: Path, read: ImportResult) -> str:
    """One sentence: what it was made from and how; not the folder it lay in, which is nobody's business."""
    return (
        f"Imported from {short_name(path.name)}: {len(read.y_train):,} training and {len(read.y_test):,} test pictures "
        f"of {len(read.classes)} classes{''.join(f'; {note}' for note in read.notes)}."
    )
