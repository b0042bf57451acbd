"""How long a training will take on this machine, and how much memory: by doing a few of its steps.

Where and how the training would run, low priority included, but told is the time that it takes when it has the
machine for itself. On a CPU that is the CPU time of the thread that makes the step: while others keep the cores, the
seconds that pass say nothing about this network (three to ten times as many beside two busy processes), and that
thread does its share of every parallel part itself. The CPU time of all threads over their number would miss that
parts of a step run in one thread.

A thread that spins while it waits for another counts its waiting as work. Those of torch sleep (OMP_WAIT_POLICY, set
by compute/cluster.py), but oneDNN's spin inside of some kernels, whatever is set, and beside other work that is up to
four times the time. So the quickest of the steps counts, and never more than what one thread, which waits for nobody,
needs alone.
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
    device_name,
    free_memory,
    memory_errors_in_words,
    pick_device,
    pick_precision,
    prepared,
)
from resnet_core.training.estimate_result import Estimate
from resnet_core.training.recipe import Recipe
from resnet_core.training.step import TrainStep, autocast

FIRST_IMAGES = 8
"""In the first, trying step: from its time follows how many a measured step can have."""

STEPS = 5
"""Measured steps at most."""


def estimate(
    spec: NetSpec,
    recipe: Recipe,
    n_train: int = 50_000,
    n_test: int = 10_000,
    device: str | None = None,
    budget_s: float = 3.0,
) -> Estimate:
    """Speed and memory of ``spec`` trained by ``recipe``, from a few steps on random pictures.

    Takes about ``budget_s`` seconds, longer beside other work, the building of the network not counted. Where a
    whole batch does not fit into that, fewer images are measured and the time taken as proportional:
    Estimate.measured_images. Raises TrainingError when this machine has no such device or not enough memory.
    """
    batch_size = recipe.batch_for(n_train)
    where, _ = pick_device(device)
    with prepared(where), memory_errors_in_words(spec.name, batch_size):
        precision, _ = pick_precision(recipe.precision, where)
        net = build_net(spec, recipe.seed).to(where, memory_format=torch.channels_last)
        learn = TrainStep(net, recipe, where, precision)
        images, times = _measure_steps(learn, spec, batch_size, budget_s)
        per_image = min(times) / images
        if where.type == "cpu" and torch.get_num_threads() > 1:
            per_image = min(per_image, _alone(learn, spec, images))
        per_step = per_image * batch_size
        per_test_image = min(per_image, _time_evaluation(learn, spec, images) / images)
    return Estimate(
        seconds_per_step=per_step,
        seconds_per_test_image=per_test_image,
        images_per_s=batch_size / per_step,
        memory_bytes=_memory(spec, batch_size, n_train + n_test, precision),
        batch_size=batch_size,
        measured_images=images,
        device=str(where),
        device_name=device_name(where),
        precision=precision,
        free_bytes=free_memory(where),
    )


def _measure_steps(learn: TrainStep, spec: NetSpec, batch_size: int, budget_s: float) -> tuple[int, list[float]]:
    """Images in each measured step, and the steps' seconds."""
    deadline = time.perf_counter() + budget_s
    images = min(FIRST_IMAGES, batch_size)
    _time_step(learn, spec, images)  # the first step of all also chooses and compiles kernels
    seconds, passed = _time_step(learn, spec, images)
    # The first step of a size is slower; then at least one is measured. By the step's own time, also where the machine
    # is busy and the clock runs on: a few images take longer, each, than a whole batch.
    affordable = int(images * budget_s / (3 * seconds))
    if affordable > images:
        images = min(batch_size, affordable)
        _time_step(learn, spec, images)
        seconds, passed = _time_step(learn, spec, images)
    times = [seconds]
    while len(times) < STEPS and time.perf_counter() + passed < deadline:
        seconds, passed = _time_step(learn, spec, images)
        times.append(seconds)
    return images, times


def _alone(learn: TrainStep, spec: NetSpec, images: int) -> float:
    """Seconds for an image in steps of one thread, with its share of the ``images``."""
    threads = torch.get_num_threads()
    share = math.ceil(images / threads)
    torch.set_num_threads(1)
    try:
        return min(_time_step(learn, spec, share)[0] for _ in range(2)) / share
    finally:
        torch.set_num_threads(threads)


def _time_step(learn: TrainStep, spec: NetSpec, images: int) -> tuple[float, float]:
    x, y = _random_batch(spec, images, learn.device)
    return _timed(learn.device, lambda: learn(x, y, lr=0.0))


def _time_evaluation(learn: TrainStep, spec: NetSpec, images: int) -> float:
    x, _ = _random_batch(spec, images, learn.device)
    learn.net.eval()
    with torch.inference_mode(), autocast(learn.device, learn.precision):
        seconds, _ = _timed(learn.device, lambda: learn.net(x))
    return seconds


def _timed(device: torch.device, act: Callable[[], object]) -> tuple[float, float]:
    """Seconds that it takes with the device for itself, and seconds that passed."""
    begun, work = time.perf_counter(), time.thread_time()
    act()
    _wait(device)
    work, passed = time.thread_time() - work, time.perf_counter() - begun
    # Some systems count CPU time in hundredths of a second: less than that is none.
    return (work or passed) if device.type == "cpu" else passed, passed


def _random_batch(spec: NetSpec, images: int, device: torch.device) -> tuple[Tensor, Tensor]:
    x = torch.randn(images, 3, spec.image_size, spec.image_size, device=device)
    y = torch.zeros(images, dtype=torch.int64, device=device)
    return x.contiguous(memory_format=torch.channels_last), y


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def _memory(spec: NetSpec, batch_size: int, n_images: int, precision: str) -> int:
    """Worked out: what a step keeps for its backward pass, weights with gradient, momentum and a working
    copy, and the pictures, which stay on the device as bytes."""
    costs = count_costs(spec)
    activations = costs.activation_bytes_per_image * batch_size // (2 if precision == "bf16" else 1)
    return activations + 4 * 4 * costs.parameters + 3 * 32 * 32 * n_images
