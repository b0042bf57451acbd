"""Questions for the inference worker that need no network, and some that go wrong."""

import os
import signal
import time
from pathlib import Path

from resnet_core.errors import DataError


def double(value):
    return value * 2


def count(limit):
    yield from range(limit)


def refuse(value):
    raise DataError(f"{value} is no answer: ask for something else.")


def torch_error():
    import torch

    raise torch.OutOfMemoryError("out of memory")


def die_once(marker):
    """Dies in the middle of its answer, the first time."""
    yield 1
    yield 2
    if not Path(marker).exists():
        Path(marker).touch()
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGKILL)
    yield 3


def always_die():
    os.kill(os.getpid(), signal.SIGKILL)


def hang(seconds):
    time.sleep(seconds)
    return "at last"


def slow_count(limit, seconds, log):
    """Counts, a line in the file ``log`` for each number."""
    for number in range(limit):
        time.sleep(seconds)
        with open(log, "a") as file:
            file.write(f"{number}\n")
        yield number


def touch(path):
    Path(path).touch()


def pid():
    return os.getpid()


def describe(nets):
    """Run by run: name of the network and the class names."""
    return [(net.spec.name, net.trained.facts.classes[0], type(net.module).__module__) for net in nets]


def overlap(seconds):
    begun = time.monotonic()
    time.sleep(seconds)
    return begun, time.monotonic()
