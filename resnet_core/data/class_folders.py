"""Pictures in folders named after their classes, with or without a split into training and test pictures. No torch."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from resnet_core.data.dataset import Progress, check_classes
from resnet_core.data.file_tree import Entry, Tree, natural_key
from resnet_core.data.pictures import MAX_BYTES, SUFFIXES, read_for_network
from resnet_core.data.storage import ImageFile
from resnet_core.errors import DataError

TEST_SHARE = 0.2
BAD_SHARE = 0.05
"""Of the pictures: so many that cannot be read are left out and counted, more are a reason to refuse."""
MAX_CLASSES = 1000
RESIZED = "the middle square of each picture resized to 32x32"

_TRAIN = {"train", "training"}
_TEST = {"test", "testing"}
_VALIDATION = {"val", "valid", "validation"}

ByClass = dict[str, list[Entry]]


@dataclass
class ImportResult:
    """What was read: labels of the pictures written to x_train.npy and x_test.npy, in their order."""

    classes: tuple[str, ...]
    y_train: np.ndarray  # int64
    y_test: np.ndarray  # int64
    notes: list[str] = field(default_factory=list)  # parts of a sentence on how it was done


def picture_entries(tree: Tree) -> list[Entry]:
    """The files that call themselves pictures. Raises DataError when there are none."""
    entries = [entry for entry in tree.entries() if entry.parts[-1].lower().endswith(SUFFIXES)]
    if not entries:
        raise DataError(f"There are no pictures in it: none of its files ends in {', '.join(SUFFIXES)}.")
    return entries


def read_class_folders(tree: Tree, entries: list[Entry], folder: Path, seed: int, progress: Progress) -> ImportResult:
    """Write the pictures, 32x32, as x_train.npy and x_test.npy into ``folder``.

    With folders train and test (else val) those are the parts; otherwise a fifth of each class, drawn with
    ``seed``, is for testing. Raises DataError with the reason why they are no dataset.
    """
    train, test, notes = _parts(_below_wrapping_folders(entries))
    classes = tuple(sorted(train, key=natural_key))
    if len(classes) > MAX_CLASSES:
        raise DataError(f"There are {len(classes):,} class folders; at most {MAX_CLASSES:,} can be told apart here.")
    if test is None:
        train, test = _split(train, classes, seed)
        notes.append(f"a fifth of each class set aside for testing with seed {seed}")
    unknown = sorted(set(test) - set(train))
    if unknown:
        raise DataError(f"The class {unknown[0]!r} has test pictures but none to train on: add some or remove it.")
    check_classes(classes, _labels(train, classes), _labels(test, classes))

    reader = _Reader(tree, total=sum(map(len, train.values())) + sum(map(len, test.values())), progress=progress)
    y_train = reader.read_part(train, classes, folder, "x_train")
    y_test = reader.read_part(test, classes, folder, "x_test")
    check_classes(classes, y_train, y_test)
    return ImportResult(classes, y_train, y_test, [RESIZED, *notes, *reader.notes()])


def _below_wrapping_folders(entries: list[Entry]) -> list[Entry]:
    """Without the folders that hold everything, such as the one a zip program adds."""
    while len({entry.parts[0] for entry in entries}) == 1 and all(len(entry.parts) > 2 for entry in entries):
        entries = [Entry(entry.parts[1:], entry.place) for entry in entries]
    return entries


def _parts(entries: list[Entry]) -> tuple[ByClass, ByClass | None, list[str]]:
    """Training pictures by class, test pictures if they are set apart, and notes."""
    # A class may be called "train": it is a part only when it has folders of classes in it.
    tops = {entry.parts[0] for entry in entries if len(entry.parts) > 2}
    train = [top for top in tops if top.lower() in _TRAIN]
    if not train:
        return _by_class(entries, depth=0), None, []
    test = [top for top in tops if top.lower() in _TEST] or [top for top in tops if top.lower() in _VALIDATION]
    unused = sorted({entry.parts[0] for entry in entries if len(entry.parts) > 1} - {*train, *test})
    notes = [f"the folder {name} left out" for name in unused]
    if not test:
        return _by_class(_under(train, entries), depth=1), None, notes
    return _by_class(_under(train, entries), depth=1), _by_class(_under(test, entries), depth=1), notes


def _under(tops: list[str], entries: list[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.parts[0] in tops]


def _by_class(entries: list[Entry], depth: int) -> ByClass:
    """Pictures by the name of the folder at that depth; those that lie above are nobody's."""
    classes: ByClass = {}
    for entry in entries:
        if len(entry.parts) > depth + 1:
            classes.setdefault(entry.parts[depth], []).append(entry)
    if not classes:
        raise DataError("The pictures lie in no class folders: put those of each class into a folder of its name.")
    return classes


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

    def __init__(self, tree: Tree, total: int, progress: Progress):
        self._tree = tree
        self._total = total
        self._progress = progress
        self._done = 0
        self._bad: list[str] = []

    def read_part(self, part: ByClass, classes: tuple[str, ...], folder: Path, key: str) -> np.ndarray:
        """Write the pictures that can be read to ``key``.npy; their labels."""
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
        which = ", ".join(self._bad[:3]) + (" …" if len(self._bad) > 3 else "")
        return [f"{len(self._bad)} of {self._total:,} pictures left out because they cannot be read ({which})"]

    def _read(self, entry: Entry) -> np.ndarray | None:
        self._done += 1
        if self._done % 50 == 0 or self._done == self._total:
            self._progress(f"Reading picture {self._done:,} of {self._total:,}", self._done / self._total)
        try:
            return read_for_network(self._tree.read(entry, limit=MAX_BYTES + 1), entry.parts[-1])
        except DataError as error:
            self._bad.append("/".join(entry.parts[-2:]))
            if len(self._bad) > max(1, BAD_SHARE * self._total):
                raise DataError(
                    f"Too many pictures cannot be read: {len(self._bad)} of the first {self._done:,}. The last: {error}"
                ) from error
            return None
