"""A process like the app's, to be killed: starts a service, submits what it is told, prints ids and facts, waits.

Arguments: home, trainer, and a kind of the fake training for each run to submit.
"""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from resnet_core.compute.service import Service
from resnet_core.networks.spec import NetSpec
from resnet_core.training.recipe import Recipe


def main(home, trainer, *kinds):
    began = time.perf_counter()
    service = Service(Path(home), num_cpus=2, warm=False, trainer=trainer)
    service.start()
    spec = NetSpec(family="residual", depth=8, width=4)
    recipes = [Recipe(name=kind, steps=60, seed=seed, batch_size=10) for seed, kind in enumerate(kinds)]
    runs = [service.submit(spec, recipe, "dots") for recipe in recipes]
    tell(runs=runs, seconds=time.perf_counter() - began)
    for line in sys.stdin:
        if line.strip() == "facts":
            tell(**facts())
        elif line.strip() == "stop":
            service.stop()
            tell(stopped=True)


def facts():
    heavy = ("torch", "torchvision", "captum", "streamlit")
    return {
        "heavy": [name for name in heavy if name in sys.modules],
        "megabytes": peak_megabytes(),
        "listening": listening(),
    }


def listening():
    """Addresses at which this process and its descendants wait for connections."""
    sockets = subprocess.run(["ss", "-ltnpH"], capture_output=True, text=True, check=False).stdout
    own = descendants(os.getpid())
    return [line.split()[3] for line in sockets.splitlines() if own & set(map(int, re.findall(r"pid=(\d+)", line)))]


def descendants(root):
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
    found, size = {root}, 0
    while size != len(found):
        size = len(found)
        found |= {pid for pid, parent in parents.items() if parent in found}
    return found


def peak_megabytes():
    """Of resident memory. Not from getrusage, which counts what the parent had before the exec."""
    status = Path("/proc/self/status")
    line = next((line for line in status.read_text().splitlines() if line.startswith("VmHWM")), "VmHWM: 0 kB")
    return int(line.split()[1]) / 1024


def tell(**facts):
    print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
