"""The runs that ship with the lab: bundles in assets/gallery/, installed in every home, read-only there. No torch."""

import hashlib
import logging
from pathlib import Path

from resnet_core.errors import StoreError
from resnet_core.runs.bundle import import_run
from resnet_core.runs.store import RunStore

FOLDER = Path(__file__).resolve().parent.parent.parent / "assets" / "gallery"
SUFFIX = ".skiprun"
_PREFIX = "gallery-"

log = logging.getLogger(__name__)


def file_name(name: str) -> str:
    """Of the bundle of a run that ships."""
    return name + SUFFIX


def run_id(name: str) -> str:
    """Of a run that ships, in every home."""
    return _PREFIX + name


def name_of(run: str) -> str:
    """Of the shipped run with that id: the inverse of run_id."""
    return run.removeprefix(_PREFIX)


def install(store: RunStore, folder: Path = FOLDER) -> list[str]:
    """Bring the store up to what ships in ``folder``; returns the ids, which are the same in every lab, so that a
    link to a shipped run opens everywhere. A run that ships no more goes.

    A bundle that was installed before is skipped, a changed one replaces its former version, and one that is damaged
    is left out (and logged): the lab works without it.
    """
    ids = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        data = path.read_bytes()
        run = run_id(path.stem)
        digest = hashlib.sha256(data).hexdigest()
        known = {known.id: known for known in store.runs()}.get(run)
        if known is None or known.facts.get("bundle") != digest:
            try:
                if known is not None:
                    store.remove(run)
                import_run(store, data, run_id=run, origin="gallery")
                store.set_facts(run, {"bundle": digest})
            except StoreError as error:
                if run not in {known.id for known in store.runs()}:  # else another process was faster
                    log.warning("%s does not ship: %s", path.name, error)
                    continue
        ids.append(run)
    for gone in [run.id for run in store.runs() if run.origin == "gallery" and run.id not in ids]:
        store.remove(gone)
    return ids
