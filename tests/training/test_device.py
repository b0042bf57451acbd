import platform
from pathlib import Path

import pytest
import torch

from resnet_core.errors import TrainingError
from resnet_core.training.device import (
    backend_settings,
    device_name,
    explain_out_of_memory,
    free_memory,
    pick_device,
    pick_precision,
)

CPU = torch.device("cpu")


def test_the_cpu_can_be_asked_for():
    device, reason = pick_device("cpu")
    assert device == CPU
    assert reason


def test_without_a_gpu_the_cpu_is_taken(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert pick_device()[0] == pick_device("auto")[0] == CPU


@pytest.mark.parametrize("name", ["gpu", "cuda:0", "cuda:99", "meta", ""])
def test_a_device_that_is_not_there_is_refused(monkeypatch, name):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(TrainingError):
        pick_device(name)


@pytest.mark.parametrize(
    ("amx", "avx512", "expected"),
    [(False, False, "fp32"), (False, True, "bf16"), (True, True, "bf16"), (True, False, "bf16")],
)
def test_auto_is_bf16_where_the_cpu_computes_it(monkeypatch, amx, avx512, expected):
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512)
    precision, reason = pick_precision("auto", CPU)
    assert precision == expected
    assert reason


@pytest.mark.parametrize(("capability", "expected"), [((7, 0), "fp32"), ((8, 0), "bf16"), ((9, 0), "bf16")])
def test_auto_is_bf16_where_the_gpu_computes_it(monkeypatch, capability, expected):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: capability)
    assert pick_precision("auto", torch.device("cuda", 0))[0] == expected


@pytest.mark.parametrize("asked", ["fp32", "bf16"])
def test_what_is_asked_for_is_done(asked):
    assert pick_precision(asked, CPU)[0] == asked


def test_the_name_says_how_many_threads(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    assert "3 threads" in device_name(CPU)


def test_other_errors_are_not_about_memory():
    with pytest.raises(ZeroDivisionError), explain_out_of_memory("net", 8):
        1 / 0  # noqa: B018
    with pytest.raises(TrainingError, match="memory"), explain_out_of_memory("net", 8):
        torch.empty(2**60)


def test_free_memory_of_a_cpu_is_plausible_or_unknown():
    free = free_memory(torch.device("cpu"))
    assert free is None or 1 << 20 < free < 1 << 50


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told to keep memory")
def test_a_training_keeps_its_freed_memory_and_gives_it_back_at_its_end():
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    torch.ones(1)
    before = resident()
    with backend_settings(torch.device("cpu")):
        for _ in range(2):
            blocks = [torch.ones(4 << 20) for _ in range(8)]  # 16 MB each
            del blocks
        kept = resident()
    assert kept - before > 64 << 20
    assert resident() - before < 32 << 20
