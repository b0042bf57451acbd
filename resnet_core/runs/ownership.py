"""Who has a run in hand, and what becomes of it when that process is gone. No torch.

The app and any number of command lines share one store. Each registers itself as an owner and counts its heartbeat
up; a run in hand names its owner. Whoever finds a run whose owner is gone settles it: an app's run is queued again
and goes on from its last checkpoint, a command line's is stopped and can be resumed.
"""

import os
import secrets
import time
from typing import Any

from resnet_core.processes import machine_id, process_start
from resnet_core.runs.run import ACTIVE
from resnet_core.runs.store import RunStore

STALE_AFTER_S = 30.0
HEARTBEAT_S = 5.0


def register(store: RunStore, kind: str) -> str:
    """Make this process an owner, ``kind`` "app" or "cli"; returns the owner's id."""
    owner_id = f"{kind}-{secrets.token_hex(4)}"
    pid = os.getpid()
    store.add_owner(
        {"id": owner_id, "kind": kind, "host": machine_id(), "pid": pid, "process_start": process_start(pid) or ""}
    )
    return owner_id


class OrphanWatch:
    """Finds runs whose processes are gone, and queues or stops them.

    A process of this machine is looked up by its number and start time: while it exists its runs are its own, also
    when it is suspended and its heartbeat stands still. One of another machine is taken for gone when its heartbeat
    stood still for ``stale_after_s`` of *our* clock, while we watched: clocks of two machines may differ, and a
    laptop that slept must not be taken for dead on waking up.
    """

    def __init__(self, store: RunStore, stale_after_s: float = STALE_AFTER_S) -> None:
        self._store = store
        self._stale_after_s = stale_after_s
        self._seen: dict[str, tuple[int, float]] = {}  # owner -> heartbeat, when it was first seen

    def release_orphans(self) -> list[str]:
        """Queue or stop all orphans there are now; returns their ids."""
        owned = [(run, run.owner) for run in self._store.runs(ACTIVE) if run.owner is not None]
        if not owned:
            return []
        owners = self._store.owners()
        released = {}
        for run, owner_id in owned:
            owner = owners.get(owner_id)
            if owner is not None and not self._is_gone(owner):
                continue
            state, reason = _state_without_owner(run.state, owner_id)
            if self._store.set_state(run.id, state, reason, owner=owner_id):
                released[run.id] = owner_id
        for owner_id in set(released.values()):
            self._store.remove_owner(owner_id)
        return list(released)

    def _is_gone(self, owner: dict[str, Any]) -> bool:
        if owner["host"] == machine_id():
            # Its heartbeat says nothing here: a command that somebody has suspended (Ctrl-Z) sends none, and goes on.
            return process_start(owner["pid"]) != owner["process_start"]
        beat, since = self._seen.get(owner["id"], (None, 0.0))
        if beat != owner["heartbeat"]:
            self._seen[owner["id"]] = (owner["heartbeat"], time.monotonic())
            return False
        return time.monotonic() - since > self._stale_after_s


def _state_without_owner(state: str, owner_id: str) -> tuple[str, str]:
    if state == "stopping":
        return "stopped", ""
    if owner_id.startswith("cli"):
        return "stopped", "The command that trained it ended before its time: resume it to go on."
    return "queued", ""
