import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from resnet_core import cgroups, memory
from resnet_core.memory import free_memory

MB = 1 << 20


@pytest.fixture
def no_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without control groups; a test writes its own below."""
    monkeypatch.setattr(memory, "_PROC", tmp_path / "proc")
    monkeypatch.setattr(cgroups, "OWN", tmp_path / "proc/self/cgroup")
    monkeypatch.setattr(cgroups, "ROOT", tmp_path / "cgroup")
    (tmp_path / "proc" / "self").mkdir(parents=True)
    return tmp_path


def group(folder: Path, **values: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in values.items():
        (folder / name.replace("__", ".")).write_text(text)


def test_a_machine_without_limits_has_what_is_available(no_groups: Path) -> None:
    assert 0 < free_memory() <= psutil.virtual_memory().total


@pytest.mark.parametrize("limited", ["lab", "lab/app"])  # the process's own group, or one above it
def test_a_container_may_take_less_than_the_machine_has(no_groups: Path, limited: str) -> None:
    (no_groups / "proc/self/cgroup").write_text("0::/lab/app\n")
    for name in ("lab", "lab/app"):
        limit = str(30 * MB) if name == limited else "max\n"
        stat = f"anon 1\ninactive_file {4 * MB}\n"
        group(no_groups / "cgroup" / name, memory__max=limit, memory__current=str(10 * MB), memory__stat=stat)
    assert free_memory() == 24 * MB


def test_a_container_of_the_first_version_too(no_groups: Path) -> None:
    (no_groups / "proc/self/cgroup").write_text("3:cpu:/x\n2:cpuset,memory:/elsewhere\n")
    group(
        no_groups / "cgroup/memory",
        memory__limit_in_bytes=str(30 * MB),
        memory__usage_in_bytes=str(31 * MB),
        memory__stat="total_inactive_file 0\n",
    )
    assert free_memory() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds this limit")
def test_a_limit_of_the_process_counts() -> None:
    code = (
        "import resource; import psutil; from resnet_core.memory import free_memory;"
        "vms = psutil.Process().memory_info().vms;"
        "resource.setrlimit(resource.RLIMIT_AS, (vms + (64 << 20), -1)); print(free_memory())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 0 < int(done.stdout) <= 64 * MB


def test_kills_for_want_of_memory_are_counted_where_the_system_tells(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "_PROC", tmp_path)
    assert memory.oom_kills() is None
    (tmp_path / "vmstat").write_text("nr_free_pages 12\noom_kill 3\n")
    assert memory.oom_kills() == 3
