import os
import subprocess
import sys
from pathlib import Path

import pytest

from resnet_core import processes
from resnet_core.processes import has_ended, machine_id, process_start, process_tag


@pytest.mark.parametrize("proc", [processes._PROC, Path("/nowhere")])  # Linux's way, and that of other systems
def test_process_start_names_a_process(proc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_PROC", proc)
    assert process_start(os.getpid()) == process_start(os.getpid())
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert process_start(child.pid) not in (None, process_start(os.getpid()))
    child.stdin.close()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert process_start(child.pid) is None, "a process that has ended but was not yet waited for is gone"
    child.wait()
    assert process_start(child.pid) is None


def test_a_machine_has_one_name() -> None:
    assert machine_id() == machine_id() != ""


def test_a_tag_tells_whether_its_process_still_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "from resnet_core.processes import process_tag; print(process_tag(), flush=True); input()"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    tag = child.stdout.readline().strip()
    assert tag != process_tag() and has_ended(tag) is False and has_ended(process_tag()) is False
    child.communicate("\n")
    assert has_ended(tag) is True
    assert has_ended("nonsense") is None
    own = process_tag()
    monkeypatch.setattr(processes, "machine_id", lambda: "elsewhere")
    assert has_ended(own) is None
