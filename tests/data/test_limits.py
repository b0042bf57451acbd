from pathlib import Path

import pytest

from resnet_core.data import limits
from resnet_core.data.limits import CpuClock, check_disk, check_memory, disk_is_full
from resnet_core.errors import DataError


def test_half_of_the_free_memory_may_be_taken(free_bytes) -> None:
    free_bytes(memory=2_000_000)
    check_memory(1_000_000, "It takes")
    with pytest.raises(DataError, match=r"It takes 1\.1 MB of memory\. 2\.0 MB are free.* 1\.0 MB: choose fewer"):
        check_memory(1_100_000, "It takes")


def test_some_of_the_disk_stays_free(free_bytes, tmp_path: Path) -> None:
    free_bytes(disk=limits.DISK_RESERVE + 1_000_000)
    check_disk(tmp_path, 1_000_000, "It takes")
    with pytest.raises(DataError, match=r"It takes 1\.1 MB of disk\. Only 1\.0 MB can be used .* deleting datasets"):
        check_disk(tmp_path, 1_100_000, "It takes")


def test_a_disk_is_that_of_the_nearest_folder_that_exists(tmp_path: Path) -> None:
    check_disk(tmp_path / "not" / "yet", 1, "It takes")
    assert str(tmp_path) in disk_is_full(tmp_path / "not" / "yet")


def test_computing_time_is_estimated_and_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [50.0]
    monkeypatch.setattr(limits, "process_time", lambda: now[0])
    clock = CpuClock()
    clock.check_estimate(299, "It takes")
    with pytest.raises(DataError, match="It takes about 301 seconds of computing; an import may take 300"):
        clock.check_estimate(301, "It takes")
    now[0] += 100
    clock.check(3, 10)
    with pytest.raises(DataError, match="about 250 seconds"):
        clock.check_estimate(250, "It takes")
    now[0] += 201
    with pytest.raises(DataError, match="stopped at 3 of 10, after 300 seconds"):
        clock.check(3, 10)
