"""Pictures in folders named after their classes, with or without a split into training and test pictures. No torch."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from resnet_core.data.dataset import MIN_TEST, MIN_TRAIN, Progress, check_classes
from resnet_core.data.file_tree import Entry, Tree
from resnet_core.data.limits import CpuClock
from resnet_core.data.names import check_class_names, natural_key, short_name, shorten
from resnet_core.data.pictures import MAX_BYTES, SUFFIXES, estimate_decoding_seconds, read_for_network, too_many_bytes
from resnet_core.data.storage import ImageFile, check_room
from resnet_core.data.zips import MAX_UNPACKED_BYTES
from resnet_core.errors import DataError
from resnet_core.formatting import file_size

TEST_SHARE = 0.2
LEFT_OUT_SHARE = 0.05
"""Of the pictures: so many that cannot be read, or lie in folders too small to be a class, are left out and named; more
are a reason to refuse."""

MAX_CLASSES = 1000
RESIZED = "the middle square of each picture resized to 32x32"

_TRAIN = {"train", "training"}
_TEST = {"test", "testing"}
_VALIDATION = {"val", "valid", "validation"}
_NAMED = 3  # of what is left out
_MAX_DEPTH = 10  # of folders around a dataset
_HEADER_BYTES = 1 << 16
_HEADERS_SHARE = 0.1  # of the progress

ByClass = dict[str, list[Entry]]


@dataclass
class ImportResult:
    """What was read: labels of the pictures written to x_train.npy and x_test.npy, in their order."""

    classes: tuple[str, ...]
    y_train: np.ndarray  # int64 (N,)
    y_test: np.ndarray  # int64 (M,)
    notes: list[str] = field(default_factory=list)  # parts of a sentence on how it was done


def picture_entries(tree: Tree) -> list[Entry]:
    """The files that call themselves pictures. Raises DataError when there are none, or far too much of them."""
    entries = [entry for entry in tree.entries() if entry.parts[-1].lower().endswith(SUFFIXES)]
    if not entries:
        raise DataError(f"There are no pictures in it: none of its files ends in {', '.join(SUFFIXES)}.")
    size = sum(entry.size for entry in entries)
    if size > MAX_UNPACKED_BYTES:
        raise DataError(f"The pictures have {file_size(size)}; at most {file_size(MAX_UNPACKED_BYTES)} are read.")
    return entries


def read_class_folders(tree: Tree, entries: list[Entry], folder: Path, seed: int, progress: Progress) -> ImportResult:
    """Write the pictures, 32x32, as x_train.npy and x_test.npy into ``folder``.

    With folders train and test (else val) those are the parts; otherwise a fifth of each class, drawn with ``seed``, is
    for testing. The class folders may lie some folders deep. What lies beside them is left out and named, as long as it
    is no more than LEFT_OUT_SHARE of the pictures. Raises DataError with the reason why they are no dataset.
    """
    layout = _find_layout(entries)
    train, test, notes = layout.train, layout.test, layout.notes
    classes = tuple(sorted(train, key=natural_key))
    if len(classes) > MAX_CLASSES:
        raise DataError(f"There are {len(classes):,} class folders; at most {MAX_CLASSES:,} can be told apart here.")
    check_class_names(classes)
    if test is None:
        train, test = _split(train, classes, seed)
        notes.append(f"a fifth of each class set aside for testing with seed {seed}")
    unknown = sorted(set(test) - set(train))
    if unknown:
        raise DataError(
            f"The class {shorten(unknown[0])!r} has test pictures but none to train on: add or remove some."
        )
    check_classes(classes, _labels(train, classes), _labels(test, classes))

    chosen = [entry for part in (train, test) for of_class in part.values() for entry in of_class]
    reader = _Reader(tree, chosen, progress)
    reader.check_room_and_time(folder)
    y_train = reader.read_part(train, classes, folder, "x_train")
    y_test = reader.read_part(test, classes, folder, "x_test")
    check_classes(classes, y_train, y_test)
    return ImportResult(classes, y_train, y_test, [RESIZED, *notes, *reader.notes()])


@dataclass
class _Layout:
    """Pictures by class, test pictures if they are set apart, and notes on what was left out."""

    train: ByClass
    test: ByClass | None
    notes: list[str]


def _find_layout(entries: list[Entry]) -> _Layout:
    """How the pictures are arranged, in the topmost folder that holds a dataset.

    When no folder does, the topmost one with more than one folder or picture in it: the sentence that refuses it is
    about that one.
    """
    found = _dataset_in(entries)
    if found is not None:
        return found
    for _ in range(_MAX_DEPTH):
        if len({entry.parts[0] for entry in entries}) == 1 and all(len(entry.parts) > 2 for entry in entries):
            entries = _below(entries)
    classes = _by_class(entries)
    if not classes:
        raise DataError("The pictures lie in no class folders: put those of each class into a folder of its name.")
    return _Layout(classes, None, [])


def _dataset_in(entries: list[Entry], depth: int = 0) -> _Layout | None:
    """The dataset that these pictures are, or that the only folder among them is that holds one."""
    layout = _as_split(entries) or _as_classes(entries)
    if layout is not None or depth == _MAX_DEPTH:
        return layout
    folders: ByClass = defaultdict(list)
    for entry in entries:
        if len(entry.parts) > 1:
            folders[entry.parts[0]].append(entry)
    found = {name: _dataset_in(_below(inside), depth + 1) for name, inside in folders.items()}
    datasets = [(name, layout) for name, layout in found.items() if layout is not None]
    if len(datasets) != 1:
        return None
    name, layout = datasets[0]
    return replace(layout, notes=layout.notes + _left_out(entry for entry in entries if entry.parts[0] != name))


def _as_split(entries: list[Entry]) -> _Layout | None:
    """With folders train and test or val, as they are; None without."""
    # A class may be called "train": it is a part only when it has folders of classes in it.
    tops = {entry.parts[0] for entry in entries if len(entry.parts) > 2}
    train = [top for top in tops if top.lower() in _TRAIN]
    if not train:
        return None
    test = [top for top in tops if top.lower() in _TEST] or [top for top in tops if top.lower() in _VALIDATION]
    notes = _left_out(entry for entry in entries if entry.parts[0] not in (*train, *test))
    parts = []
    for folders in (train, test):
        inside = _below([entry for entry in entries if entry.parts[0] in folders and len(entry.parts) > 1])
        parts.append(_by_class(inside))
        notes += _left_out(entry for entry in inside if len(entry.parts) == 1)
    return _without_strays(parts[0], parts[1] if test else None, notes)


def _as_classes(entries: list[Entry]) -> _Layout | None:
    """With a folder for each class; None when these are no two classes."""
    layout = _without_strays(_by_class(entries), None, _left_out(entry for entry in entries if len(entry.parts) == 1))
    return None if len(layout.train) < 2 or _too_small(layout.train, None) else layout


def _below(entries: list[Entry]) -> list[Entry]:
    return [replace(entry, parts=entry.parts[1:]) for entry in entries]


def _by_class(entries: list[Entry]) -> ByClass:
    """Pictures by the name of the folder they lie in; those that lie in none are left out."""
    classes: ByClass = defaultdict(list)
    for entry in entries:
        if len(entry.parts) > 1:
            classes[entry.parts[0]].append(entry)
    return dict(classes)


def _without_strays(train: ByClass, test: ByClass | None, notes: list[str]) -> _Layout:
    """Without folders that are too small to be a class, where these are few beside two classes or more."""
    small = _too_small(train, test)
    parts = (train, test or {})
    total = sum(len(entries) for part in parts for entries in part.values())
    strays = sum(len(part.get(name, ())) for part in parts for name in small)
    if not small or strays > _tolerated(total) or len(set(train) - small) < 2:
        return _Layout(train, test, notes)
    kept = [{name: entries for name, entries in part.items() if name not in small} for part in parts]
    notes = notes + _named("folder", " too small for a class", sorted(small, key=natural_key))
    return _Layout(kept[0], None if test is None else kept[1], notes)


def _too_small(train: ByClass, test: ByClass | None) -> set[str]:
    """Folders with fewer pictures than a class needs."""
    if test is None:
        return {name for name, entries in train.items() if len(entries) < MIN_TRAIN + MIN_TEST}
    return {
        name for name in {*train, *test} if len(train.get(name, ())) < MIN_TRAIN or len(test.get(name, ())) < MIN_TEST
    }


def _tolerated(total: int) -> int:
    return max(1, math.floor(LEFT_OUT_SHARE * total))


def _left_out(entries: Iterable[Entry]) -> list[str]:
    """Notes on pictures and folders of one place that belong to no dataset."""
    entries = list(entries)
    files = [entry.parts[0] for entry in entries if len(entry.parts) == 1]
    folders = sorted({entry.parts[0] for entry in entries if len(entry.parts) > 1}, key=natural_key)
    return _named("folder", "", folders) + _named("picture", " in no class folder", files)


def _named(what: str, which: str, names: Sequence[str]) -> list[str]:
    """A note that these are left out: "the folder docs left out", "2 pictures in no class folder left out (a, b)"."""
    shown = [shorten(name) for name in names[:_NAMED]]
    if len(names) <= 1:
        return [f"the {what} {name}{which} left out" for name in shown]
    return [f"{len(names):,} {what}s{which} left out ({', '.join(shown)}{' …' if len(names) > _NAMED else ''})"]


def _split(pictures: ByClass, classes: tuple[str, ...], seed: int) -> tuple[ByClass, ByClass]:
    random = np.random.default_rng(seed)
    train, test = {}, {}
    for name in classes:
        entries = pictures[name]
        chosen = set(random.permutation(len(entries))[: max(1, round(TEST_SHARE * len(entries)))].tolist())
        test[name] = [entry for i, entry in enumerate(entries) if i in chosen]
        train[name] = [entry for i, entry in enumerate(entries) if i not in chosen]
    return train, test


def _labels(part: ByClass, classes: tuple[str, ...]) -> np.ndarray:
    return np.repeat(np.arange(len(classes)), [len(part.get(name, ())) for name in classes])


class _Reader:
    """Reads pictures one by one and keeps count of those that cannot be read."""

    def __init__(self, tree: Tree, entries: list[Entry], progress: Progress) -> None:
        self._tree = tree
        self._entries = entries
        self._progress = progress
        self._clock = CpuClock()
        self._done = 0
        self._bad: list[str] = []

    def check_room_and_time(self, folder: Path) -> None:
        """Raise DataError when the pictures would take more disk, memory or computing time than an import may."""
        total, seconds = len(self._entries), 0.0
        check_room(folder, total)
        for done, entry in enumerate(self._entries, 1):
            seconds += self._decoding_seconds(entry)
            if done % 500 == 0 or done == total:
                self._clock.check(0, total)
                self._progress(f"Looking at picture {done:,} of {total:,}", _HEADERS_SHARE * done / total)
        self._clock.check_estimate(seconds, f"Reading {total:,} pictures of this size takes")

    def read_part(self, part: ByClass, classes: tuple[str, ...], folder: Path, key: str) -> np.ndarray:
        """Write the pictures that can be read to ``key``.npy; their labels, int64 (N,)."""
        labels = []
        with ImageFile(folder, key) as images:
            for label, name in enumerate(classes):
                for entry in part.get(name, ()):
                    picture = self._read(entry)
                    if picture is not None:
                        images.append(picture)
                        labels.append(label)
        return np.array(labels, dtype=np.int64)

    def notes(self) -> list[str]:
        if not self._bad:
            return []
        which = ", ".join(self._bad[:_NAMED]) + (" …" if len(self._bad) > _NAMED else "")
        total = len(self._entries)
        return [f"{len(self._bad)} of {total:,} pictures left out because they cannot be read ({which})"]

    def _decoding_seconds(self, entry: Entry) -> float:
        """By its header; 0 for a file that has none: it will not be decoded."""
        for limit in (_HEADER_BYTES, MAX_BYTES):  # some write much before the header's end
            try:
                return estimate_decoding_seconds(self._tree.read(entry, limit), entry.size)
            except DataError:
                if entry.size <= limit:
                    break
        return 0.0

    def _read(self, entry: Entry) -> np.ndarray | None:
        self._done += 1
        total = len(self._entries)
        self._clock.check(self._done - 1, total)
        if self._done % 50 == 0 or self._done == total:
            fraction = _HEADERS_SHARE + (1 - _HEADERS_SHARE) * self._done / total
            self._progress(f"Reading picture {self._done:,} of {total:,}", min(1.0, fraction))
        try:
            if entry.size > MAX_BYTES:
                raise DataError(too_many_bytes(short_name(entry.parts[-1]), entry.size))
            return read_for_network(self._tree.read(entry, limit=MAX_BYTES + 1), entry.parts[-1])
        except DataError as error:
            self._bad.append(shorten("/".join(entry.parts[-2:])))
            if len(self._bad) > _tolerated(total):
                raise DataError(
                    f"Too many pictures cannot be read: {len(self._bad)} of the first {self._done:,}. The last: {error}"
                ) from error
            return None
