import os
import subprocess
import sys

import psutil
import pytest

from resnet_core import cgroups, cpu


@pytest.fixture
def cgroup(tmp_path, monkeypatch):
    """``cgroup(lines, files)``: what /proc/self/cgroup says, and files below /sys/fs/cgroup."""

    def make(lines, files):
        (tmp_path / "self").write_text(lines)
        for name, text in files.items():
            (tmp_path / "fs" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "fs" / name).write_text(text)
        monkeypatch.setattr(cgroups, "OWN", tmp_path / "self")
        monkeypatch.setattr(cgroups, "ROOT", tmp_path / "fs")

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    return make


@pytest.mark.parametrize(
    ("lines", "files", "cores"),
    [
        ("0::/\n", {"cpu.max": "max 100000\n"}, 8),
        ("0::/\n", {"cpu.max": "200000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "10000 100000\n"}, 1),
        ("0::/outer/inner\n", {"outer/inner/cpu.max": "max 100000\n", "outer/cpu.max": "300000 100000\n"}, 3),
        ("0::/docker/unknown\n", {"cpu.max": "400000 100000\n"}, 4),
        ("4:cpu,cpuacct:/a\n", {"cpu/a/cpu.cfs_quota_us": "500000\n", "cpu/a/cpu.cfs_period_us": "100000\n"}, 5),
        ("4:cpu,cpuacct:/a\n", {"cpu/a/cpu.cfs_quota_us": "-1\n", "cpu/a/cpu.cfs_period_us": "100000\n"}, 8),
        ("0::/\n", {"cpu.max": "what is this\n"}, 8),
        ("0::/\n", {"cpu.max": "1600000 100000\n"}, 8),
    ],
)
def test_cores_are_those_of_affinity_and_container(cgroup, lines, files, cores):
    cgroup(lines, files)
    assert cpu.available_cores() == cores


def test_without_control_groups_the_affinity_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(cgroups, "OWN", tmp_path / "none")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3}, raising=False)
    assert cpu.available_cores() == 1


def test_a_process_that_steps_back_stays_back():
    code = "import psutil; from resnet_core import cpu; cpu.lower_priority(); cpu.lower_priority(); "
    code += "print(psutil.Process().nice())"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert int(printed) == max(cpu.NICENESS, psutil.Process().nice())


def test_a_wait_policy_that_somebody_chose_is_kept(monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "")  # so that it is put back as it was
    monkeypatch.delenv("OMP_WAIT_POLICY")
    cpu.let_threads_sleep()
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    cpu.let_threads_sleep()
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
