"""How long a training will take on this machine, and how much memory it needs: measured by making a few of its steps.

The steps are made where and how the training would run, low priority included, but the estimate is for a training that
has the machine to itself. On a CPU that is the CPU time of the thread that calls: while other processes keep the cores
busy, wall time says nothing about this network (three to ten times as much beside two busy processes), and the calling
thread does its share of every parallel part. The CPU time of all threads over their number would miss that parts of a
step run in one thread.

A thread that spins while it waits for another counts its waiting as work. PyTorch's threads sleep (see OMP_WAIT_POLICY
in resnet_core/cpu.py), but oneDNN's spin inside some kernels, whatever is set, and beside other work that takes up to
four times as long. So the fastest step counts, and never more than one thread, which waits for nobody, needs alone.
"""

import math
import time
from collections.abc import Callable

import torch
from torch import Tensor

from resnet_core.networks.build import build_net
from resnet_core.networks.costs import count_costs
from resnet_core.networks.spec import NetSpec
from resnet_core.training.device import (
    backend_settings,
    device_name,
    explain_out_of_memory,
    free_memory,
    pick_device,
    pick_precision,
)
from resnet_core.training.estimate_result import Estimate
from resnet_core.training.recipe import Recipe
from resnet_core.training.step import TrainStep, autocast

TRIAL_IMAGES = 8
"""In the first steps; their time decides how many images a measured step can have."""

MAX_STEPS = 5
"""Measured steps at most."""


def estimate(
    spec: NetSpec,
    recipe: Recipe,
    n_train: int = 50_000,
    n_test: int = 10_000,
    device: str | None = None,
    budget_s: float = 3.0,
) -> Estimate:
    """Estimate speed and memory of training ``spec`` by ``recipe``, from a few steps on random pictures.

    Takes about ``budget_s`` seconds, longer beside other work, and the time to build the network. Where a whole batch
    does not fit into that, fewer images are measured and time is taken as proportional: see Estimate.measured_images.

    Raises:
        TrainingError: this machine has no such device, or not enough memory.
    """
    batch_size = recipe.effective_batch_size(n_train)
    where, _ = pick_device(device)
    with backend_settings(where), explain_out_of_memory(spec.name, batch_size):
        precision, _ = pick_precision(recipe.precision, where)
        net = build_net(spec, recipe.seed).to(where).to(memory_format=torch.channels_last)
        step = TrainStep(net, recipe, where, precision)
        images, times = _measure_steps(step, spec, batch_size, budget_s)
        per_image = min(times) / images
        if where.type == "cpu" and torch.get_num_threads() > 1:
            per_image = min(per_image, _seconds_per_image_on_one_thread(step, spec, images))
        per_step = per_image * batch_size
        per_test_image = min(per_image, _time_evaluation(step, spec, images) / images)
    return Estimate(
        seconds_per_step=per_step,
        seconds_per_test_image=per_test_image,
        images_per_s=batch_size / per_step,
        memory_bytes=_count_memory(spec, batch_size, n_train + n_test, precision),
        batch_size=batch_size,
        measured_images=images,
        device=str(where),
        device_name=device_name(where),
        precision=precision,
        free_bytes=free_memory(where),
    )


def _measure_steps(step: TrainStep, spec: NetSpec, batch_size: int, budget_s: float) -> tuple[int, list[float]]:
    """Images in each measured step, and the steps' seconds."""
    deadline = time.perf_counter() + budget_s
    images = min(TRIAL_IMAGES, batch_size)
    _time_step(step, spec, images)  # the very first step also chooses and compiles kernels
    seconds, wall = _time_step(step, spec, images)
    # A third of the budget for one step: the first step of a new size is slow, and at least one more is
    # measured. Decided by CPU time, also where the machine is busy: in a batch of a few images each takes longer
    # than in a whole one.
    affordable = int(images * budget_s / (3 * seconds))
    if affordable > images:
        images = min(batch_size, affordable)
        _time_step(step, spec, images)
        seconds, wall = _time_step(step, spec, images)
    times = [seconds]
    while len(times) < MAX_STEPS and time.perf_counter() + wall < deadline:
        seconds, wall = _time_step(step, spec, images)
        times.append(seconds)
    return images, times


def _seconds_per_image_on_one_thread(step: TrainStep, spec: NetSpec, images: int) -> float:
    """From steps of one thread, with its share of the ``images``."""
    threads = torch.get_num_threads()
    share = math.ceil(images / threads)
    torch.set_num_threads(1)
    try:
        return min(_time_step(step, spec, share)[0] for _ in range(2)) / share
    finally:
        torch.set_num_threads(threads)


def _time_step(step: TrainStep, spec: NetSpec, images: int) -> tuple[float, float]:
    """As :func:`_time`."""
    x, y = _random_batch(spec, images, step.device)
    return _time(step.device, lambda: step(x, y, lr=0.0))


def _time_evaluation(step: TrainStep, spec: NetSpec, images: int) -> float:
    x, _ = _random_batch(spec, images, step.device)
    step.net.eval()
    with torch.inference_mode(), autocast(step.device, step.precision):
        seconds, _ = _time(step.device, lambda: step.net(x))
    return seconds


def _time(device: torch.device, function: Callable[[], object]) -> tuple[float, float]:
    """Seconds that the call takes with the device to itself, and seconds of wall time."""
    wall, cpu = time.perf_counter(), time.thread_time()
    function()
    _synchronize(device)
    cpu, wall = time.thread_time() - cpu, time.perf_counter() - wall
    # Some systems count CPU time in hundredths of a second, and less as 0.
    return (cpu or wall) if device.type == "cpu" else wall, wall


def _random_batch(spec: NetSpec, images: int, device: torch.device) -> tuple[Tensor, Tensor]:
    x = torch.randn(images, 3, spec.image_size, spec.image_size, device=device)
    y = torch.zeros(images, dtype=torch.int64, device=device)
    return x.contiguous(memory_format=torch.channels_last), y


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def _count_memory(spec: NetSpec, batch_size: int, n_images: int, precision: str) -> int:
    """Bytes, computed: the activations kept for the backward pass; weights with gradient, momentum and a working copy;
    the pictures, which stay on the device as uint8.
    """
    costs = count_costs(spec)
    activations = costs.activation_bytes_per_image * batch_size // (2 if precision == "bf16" else 1)
    return activations + 4 * 4 * costs.parameters + 3 * 32 * 32 * n_images
