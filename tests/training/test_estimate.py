import dataclasses
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch

from resnet_core.errors import TrainingError
from resnet_core.networks.spec import NetSpec
from resnet_core.training.estimate import estimate
from resnet_core.training.recipe import Recipe
from resnet_core.training.step import TrainStep

RECIPE = Recipe(epochs=1, batch_size=16, precision="fp32")


def test_a_whole_batch_is_measured_when_there_is_time(toy_spec):
    found = estimate(toy_spec, RECIPE, device="cpu", budget_s=60)
    assert found.measured_images == found.batch_size == 16
    assert found.images_per_s == pytest.approx(16 / found.seconds_per_step)
    assert found.seconds(100, 50) == pytest.approx(100 * found.seconds_per_step + 50 * found.seconds_per_test_image)


def test_a_slow_network_is_measured_on_fewer_images(toy_spec):
    found = estimate(toy_spec, dataclasses.replace(RECIPE, batch_size=4096), device="cpu", budget_s=0.0)
    assert found.measured_images == 8 < found.batch_size
    assert found.seconds_per_step > 8 / found.images_per_s


def test_memory_grows_with_batch_and_network_and_shrinks_with_bf16(toy_spec):
    def memory(spec=toy_spec, **changes):
        return estimate(spec, dataclasses.replace(RECIPE, **changes), device="cpu", budget_s=0.0).memory_bytes

    assert memory(batch_size=64) > memory()
    assert memory(NetSpec(depth=14, width=4, num_classes=3)) > memory()
    assert memory(precision="bf16") < memory()


@contextmanager
def busy_core(others: int) -> Iterator[None]:
    """This thread on one core, with as many processes that never rest on the same one."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    spin = "print(flush=True)\nwhile True: pass"
    processes = [subprocess.Popen([sys.executable, "-c", spin], stdout=subprocess.PIPE) for _ in range(others)]
    try:
        for process in processes:
            process.stdout.readline()  # it has begun
        yield
    finally:
        for process in processes:
            process.kill()
            process.communicate()
        os.sched_setaffinity(0, before)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not pin a thread to a core")
def test_other_work_on_the_machine_does_not_make_it_longer():
    spec = NetSpec(family="residual", depth=8, width=16)

    def seconds(others: int) -> float:
        with busy_core(others):
            found = [estimate(spec, RECIPE, device="cpu", budget_s=0.5) for _ in range(3)]
        return min(each.seconds_per_step for each in found)

    alone = seconds(others=0)
    assert alone / 1.5 < seconds(others=2) < 1.5 * alone, "by the clock on the wall it is three times as long"


def test_threads_that_spin_while_they_wait_do_not_make_it_longer_than_one_alone(monkeypatch, toy_spec):
    """As oneDNN's do beside other work: with two threads a step takes twenty times as long."""
    torch.set_num_threads(2)

    def spin(learn, x, y, lr):
        end = time.thread_time() + (0.2 if torch.get_num_threads() > 1 else 0.01)
        while time.thread_time() < end:
            pass

    monkeypatch.setattr(TrainStep, "__call__", spin)
    found = estimate(toy_spec, RECIPE, device="cpu", budget_s=0.0)
    assert found.seconds_per_step == pytest.approx(16 * 0.01 / 4, rel=0.5)  # half of the eight first images each
    assert found.device_name == "CPU, 2 threads" and torch.get_num_threads() == 2


def test_a_device_that_is_not_there_is_refused(monkeypatch, toy_spec):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(TrainingError):
        estimate(toy_spec, RECIPE, device="cuda:0")
