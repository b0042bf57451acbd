"""A training without a network, for workers: deterministic, resumable, and able to go wrong in every way.

The recipe's name says how it behaves, its seed and steps what it computes. "waits" stands still in the middle until it
is stopped or killed and goes on when it is taken up again: a test that disturbs it is never too late.
"""

import json
import os
import signal
import time

import numpy as np

from resnet_core.errors import TrainingError
from resnet_core.training.events import (
    CheckpointSaved,
    EpochEnded,
    Finished,
    LayerStats,
    Started,
    StepStats,
    Stopped,
)

CHECKPOINT_EVERY = 10
EPOCH = 15
LOG_EVERY = 5
PAUSE_AT = 25  # where "waits" stands still
STEP_S = {"slow": 0.05, "deaf": 0.05, "undisturbed": 0.0}  # "undisturbed" is for comparison, in the test's process


def train(job, dataset, resume, should_stop):
    total, kind = job.recipe["steps"], job.recipe["name"]
    state = json.loads(resume) if resume else {"step": 0, "value": job.recipe["seed"] + int(dataset.y_train.sum())}
    yield Started(
        step=state["step"],
        total_steps=total,
        steps_per_epoch=float(EPOCH),
        device="cpu",
        device_name=f"pid {os.getpid()}",
        precision="fp32",
        parameters=job.threads,
        n_train=len(dataset.y_train),
        weight_names=("conv1", "fc"),
        block_names=("conv1",),
        software="none",
    )
    for step in range(state["step"], total):
        stopping = kind != "deaf" and should_stop()
        while kind == "waits" and resume is None and step == PAUSE_AT and not stopping:
            time.sleep(0.01)
            stopping = should_stop()
        if stopping:
            yield CheckpointSaved(step=step, epoch=step // EPOCH, data=json.dumps(state).encode())
            yield Stopped(step=step)
            return
        if step % LOG_EVERY == 0:
            yield LayerStats(step, np.full((2, 3), state["value"], np.float32), np.full((1, 3), step, np.float32))
        time.sleep(STEP_S.get(kind, 0.01))
        state = {"step": step + 1, "value": (state["value"] * 31 + 7) % 65_521}
        if step == 22:
            misbehave(kind)
        if kind == "frail" and step == (json.loads(resume)["step"] if resume else 0) + CHECKPOINT_EVERY + 1:
            misbehave("dies")  # each time a little after its next checkpoint
        yield from events_after(step + 1, state["value"])
        if (step + 1) % CHECKPOINT_EVERY == 0:
            yield CheckpointSaved(step=step + 1, epoch=(step + 1) // EPOCH, data=json.dumps(state).encode())
    yield Finished(step=total, seconds=1.0, weights=json.dumps(state).encode())


def events_after(step, value):
    if step % LOG_EVERY == 0:
        yield StepStats(step, value / 100, value / 65_521, 0.1, 1000.0)
    if step % EPOCH == 0:
        yield EpochEnded(step // EPOCH, step, value / 10, 0.5, value / 20, value / 65_521, 1.0)


def misbehave(kind):
    if kind == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "sorry":
        raise TrainingError("The loss is nan at step 22 in layer3.1: use a smaller learning rate.")
    if kind == "broken":
        raise ZeroDivisionError("by design")
    if kind == "memory":
        raise MemoryError
    if kind == "torch error":
        import torch

        raise torch.OutOfMemoryError("out of memory")
