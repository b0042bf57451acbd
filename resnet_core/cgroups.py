"""The control groups of Linux that limit what this process may take. No torch."""

from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")


def control_groups(controller: str) -> list[tuple[Path, int]]:
    """Folders of the groups that this process is in, its own first and then those around it, each with its version.

    Version 2 has one folder for all controllers; version 1 one for each, of which this is the ``controller``'s ("cpu",
    "memory"). Empty where there are none. Inside a container the path may be the one outside of it, so some folders may
    not exist; its limit then stands at the root.
    """
    try:
        lines = OWN.read_text().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            root, version = ROOT, 2
        elif controller in controllers.split(","):
            root, version = ROOT / controller, 1
        else:
            continue
        own = root / path.strip("/")
        found += [(folder, version) for folder in (own, *own.parents) if folder.is_relative_to(root)]
    return found
