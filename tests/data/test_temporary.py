import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from resnet_core.data import temporary
from resnet_core.data.temporary import clear_leftovers, temporary_name

PLACES = (("datasets", temporary.NEW_DATASET), ("uploads", temporary.UPLOAD))


def name_of_a_dead_process(prefix: str) -> str:
    code = "import sys; from resnet_core.data.temporary import temporary_name; print(temporary_name(sys.argv[1]))"
    done = subprocess.run([sys.executable, "-c", code, prefix], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def make(home: Path, place: str, name: str, age_s: float = 0) -> Path:
    folder = home / place / name
    folder.mkdir(parents=True)
    (folder / "x_train.npy").write_bytes(b"half")
    then = time.time() - age_s
    for path in (folder / "x_train.npy", folder):
        os.utime(path, (then, then))
    return folder


@pytest.mark.parametrize(("place", "prefix"), PLACES)
def test_what_killed_processes_left_is_cleared_and_nothing_else(home: Path, place: str, prefix: str) -> None:
    left = make(home, place, name_of_a_dead_process(prefix))
    own = make(home, place, temporary_name(prefix), age_s=1e6)  # an import may take its time
    finished = make(home, place, "roses", age_s=1e6)
    clear_leftovers(home)
    assert not left.exists() and own.exists() and finished.exists()


@pytest.mark.parametrize(("place", "prefix"), PLACES)
@pytest.mark.parametrize("name", ["4711-42-00000000.1a2b", "abcdefgh"])  # of another machine, of an older version
def test_what_nobody_here_can_name_goes_by_its_age(home: Path, place: str, prefix: str, name: str) -> None:
    young = make(home, place, f"{prefix}{name}", age_s=3600)
    old = make(home, place, f"{prefix}{name}2", age_s=25 * 3600)
    written_to = make(home, place, f"{prefix}{name}3", age_s=25 * 3600)
    (written_to / "x_train.npy").write_bytes(b"more")
    clear_leftovers(home)
    assert young.exists() and written_to.exists() and not old.exists()


def test_a_new_home_has_nothing_to_clear(home: Path) -> None:
    clear_leftovers(home)
    assert not home.exists()


def test_names_are_never_the_same() -> None:
    assert len({temporary_name("x-") for _ in range(100)}) == 100
