"""``train(...)``: a network, a recipe and a dataset in, events out. It knows no jobs, files or pages.

Measured on an AMD EPYC with AVX-512 bfloat16, without a GPU, under torch 2.15 (files of benchmarks/results/):

- Speed, 2 threads, bf16, batches of 128, statistics included: 961 images/s for ResNet-20, 326 for ResNet-56, 165 for
  ResNet-110, twice as many as an ordinary loop in fp32 (throughput_cpu.json, throughput_cpu_110.json).
- Accuracy after 2 epochs of CIFAR-10, ResNet-20, 3 seeds each: 29.9 ± 0.3 % test error in bf16, 29.2 ± 0.6 % by a plain
  loop in fp32 (accuracy.json).
- After 12 epochs of CIFAR-10 by the recipe short-12, 1 seed each: 14.7 % test error for plain-20, 12.9 % for ResNet-20,
  44.9 % for plain-56, 11.6 % for ResNet-56 (gallery.md).
"""

import math
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import torch
from torch import nn

from resnet_core.data.batches import EvalBatches, TrainBatches, derive_seed
from resnet_core.data.dataset import Dataset
from resnet_core.errors import TrainingError
from resnet_core.networks.build import build_net
from resnet_core.networks.spec import NetSpec
from resnet_core.training.checkpoint import copy_weights, load_checkpoint, save_checkpoint, save_weights, tensors_of
from resnet_core.training.cuda_graph import GraphedStep
from resnet_core.training.device import (
    backend_settings,
    device_name,
    explain_out_of_memory,
    pick_device,
    pick_precision,
)
from resnet_core.training.evaluate import evaluate
from resnet_core.training.events import (
    CheckpointSaved,
    EpochEnded,
    Event,
    Finished,
    LayerStats,
    Started,
    StepStats,
    Stopped,
)
from resnet_core.training.nonfinite import first_nonfinite
from resnet_core.training.probe import LayerProbe
from resnet_core.training.recipe import Recipe
from resnet_core.training.step import TrainStep

T = TypeVar("T")

STOP_POLL_S = 0.5
"""Seconds between two calls of should_stop on a device that computes asynchronously. On a CPU it is
called at each step.
"""

CHECKPOINT_SHARE = 0.05
"""At most this share of the time goes into checkpoints; those of a large network are made less often."""

CHEAP_CHECKPOINT_S = 0.5
"""A checkpoint that takes less than this counts as free: on a busy machine even a small one may take a moment."""


def train(
    spec: NetSpec,
    recipe: Recipe,
    dataset: Dataset,
    *,
    device: str | None = None,
    resume: bytes | None = None,
    should_stop: Callable[[], bool] | None = None,
    checkpoint_every_s: float = 30.0,
) -> Iterator[Event]:
    """Train, and yield what happens as events.

    The order at each step, of what is due: LayerStats of the step itself (its ``step`` counts the updates before it),
    then, of the state it leads to, StepStats, EpochEnded and CheckpointSaved. Statistics are due at the recipe's
    interval and at each epoch's end; a last, partial epoch counts as one.

    The same seed and device give the same events, except for their timings and for checkpoints that are made because
    time has passed. Events between a checkpoint and an interruption come again after resuming from it. A network made
    for larger pictures than the dataset's gets them enlarged. Dropout and stochastic depth draw from torch's global
    generator, seeded at each step.

    Args:
        device: as in pick_device.
        resume: a CheckpointSaved's data, from which the training goes on as if it had never stopped: on the CPU, with
            as many threads, bit for bit. Or plain weights to begin with.
        should_stop: called at each step (on a GPU, twice a second); once it returns True, the training ends with a
            CheckpointSaved and Stopped.
        checkpoint_every_s: seconds between checkpoints, besides one at each epoch's end.

    Raises:
        TrainingError: the network does not fit the dataset or the checkpoint, memory runs out, or the loss
            stops being finite.
    """
    where, _ = pick_device(device)
    stream = torch.cuda.Stream(where) if where.type == "cuda" else None
    with backend_settings(where), explain_out_of_memory(spec.name, recipe.batch_size):
        training = _on_stream(
            stream, lambda: _Training(spec, recipe, dataset, where, resume, should_stop, checkpoint_every_s)
        )
        events = training.events()
        while (event := _on_stream(stream, lambda: next(events, None))) is not None:
            yield event


def _on_stream(stream: torch.cuda.Stream | None, function: Callable[[], T]) -> T:
    """Call the function with the GPU's work on this stream, so that trainings in threads of one process share a GPU
    without waiting for each other. Not around a ``yield``: the consumer of the events would be on the stream, too.
    """
    with torch.cuda.stream(stream):  # None: no change
        return function()


class _Training:
    """The state of one training and the loop over its steps."""

    def __init__(
        self,
        spec: NetSpec,
        recipe: Recipe,
        dataset: Dataset,
        device: torch.device,
        resume: bytes | None,
        should_stop: Callable[[], bool] | None,
        checkpoint_every_s: float,
    ):
        _check_fit(spec, dataset)
        self.spec, self.recipe, self.dataset = spec, recipe, dataset
        self.n_train = len(dataset.y_train)
        self.batch_size = recipe.effective_batch_size(self.n_train)
        self.total_steps = recipe.total_steps(self.n_train)
        self.device = device
        tensors, meta = load_checkpoint(resume) if resume is not None else ({}, {})
        # A run keeps the precision it began with, also on another machine.
        self.precision = meta.get("precision") or pick_precision(recipe.precision, self.device)[0]

        net = build_net(spec, recipe.seed).to(self.device).to(memory_format=torch.channels_last)
        if tensors and not meta:  # plain weights: the training begins with them
            copy_weights(tensors, net)
        self.uses_rng = _uses_rng_in_forward(spec, net)
        self.train_step = TrainStep(net, recipe, self.device, self.precision)
        self.update: TrainStep | GraphedStep = self.train_step
        if self.device.type == "cuda":
            self.update = GraphedStep(self.train_step, self.uses_rng)
        self.probe = LayerProbe(net)
        self.batches = TrainBatches(dataset, self.batch_size, recipe.seed, recipe.augment, self.device, spec.image_size)
        self.test = EvalBatches(dataset, self.device, spec.image_size)
        self.should_stop = should_stop

        self.step = 0  # updates made
        self.reported = 0  # step of the last StepStats
        self.interval_s = 0.0  # spent on steps since then
        self.epoch_s = 0.0
        self.total_s = 0.0
        self.stop_polled = -math.inf  # when should_stop was called last
        self.checkpoints = _CheckpointSchedule(checkpoint_every_s)
        if meta:
            self._restore(tensors, meta)

    # --- the run ---

    def events(self) -> Iterator[Event]:
        yield self._started()
        while self.step < self.total_steps:
            if self._must_stop():
                if self.checkpoints.last_step != self.step:
                    yield from self._checkpoint()
                yield Stopped(self.step)
                return
            yield from self._one_step()
            if self._reports_at(self.step):
                yield from self._report()
            if self._epoch_ends_at(self.step):
                yield from self._end_epoch()
            if self.checkpoints.due(self._epoch_ends_at(self.step)):
                yield from self._checkpoint()
        weights = save_weights(self.train_step.net)
        # The statistics of the finished network take one more step, of which only they are kept.
        yield from self._one_step()
        yield Finished(self.total_steps, self.total_s, weights)

    def _started(self) -> Started:
        return Started(
            step=self.step,
            total_steps=self.total_steps,
            steps_per_epoch=self.recipe.steps_per_epoch(self.n_train),
            device=str(self.device),
            device_name=device_name(self.device),
            precision=self.precision,
            parameters=sum(p.numel() for p in self.train_step.net.parameters()),
            n_train=self.n_train,
            weight_names=self.probe.weight_names,
            block_names=self.probe.block_names,
            software=f"torch {torch.__version__.partition('+')[0]}",
        )

    def _one_step(self) -> Iterator[Event]:
        begun = time.perf_counter()
        self._seed_forward()
        x, y = self.batches(self.step)
        probe = self.probe if self._reports_at(self.step) else None
        weights_before = self.update(x, y, self._lr(self.step), probe)
        stats = probe.compute(weights_before) if probe and weights_before else None
        self.step += 1
        # Reading a flag on a GPU would wait for it; there it is read when something else is read anyway.
        diverged = (probe is not None or self.device.type == "cpu") and self.train_step.diverged
        self._add_time(time.perf_counter() - begun)
        if diverged:
            yield from self._report_divergence()
        if stats:
            yield LayerStats(self.step - 1, *stats)

    def _report(self) -> Iterator[Event]:
        begun = time.perf_counter()
        diverged = self.train_step.diverged
        self._add_time(time.perf_counter() - begun)
        if diverged:
            yield from self._report_divergence()
        yield self._step_stats()

    def _step_stats(self) -> StepStats:
        loss, n_wrong, steps = self.train_step.pop_sums(0)
        self.reported += steps
        seconds, self.interval_s = self.interval_s, 0.0
        images = steps * self.batch_size
        lr = self._lr(self.reported - 1)
        return StepStats(self.reported, loss / steps, n_wrong / images, lr, images / max(seconds, 1e-9))

    def _end_epoch(self) -> Iterator[Event]:
        begun = time.perf_counter()
        test_loss, test_error, balanced = evaluate(self.train_step.net, self.test, self.precision)
        self._add_time(time.perf_counter() - begun, on_steps=False)
        loss, n_wrong, steps = self.train_step.pop_sums(1)
        seconds, self.epoch_s = self.epoch_s, 0.0
        completed = self._epochs_completed(self.step)
        epoch = completed if self.step == self.recipe.epoch_end(completed, self.n_train) else completed + 1
        train_error = n_wrong / (steps * self.batch_size)
        yield EpochEnded(epoch, self.step, loss / steps, train_error, test_loss, test_error, seconds, balanced)

    def _report_divergence(self) -> Iterator[Event]:
        """Report the steps before the loss stopped being finite, then raise an error that says where it did."""
        if self.train_step.sums[0, 2].item() > 0:
            yield self._step_stats()
        step = self.reported
        self._seed_forward(step)
        x, y = self.batches(step)
        place = first_nonfinite(self.train_step.net, lambda: self.train_step.forward(x, y))
        where = f"first in the {place}" if place else "in the loss itself, the network's outputs were still finite"
        raise TrainingError(
            f"The loss stopped being a finite number at step {step:,}, {where}: "
            "try a lower learning rate, batch norm, another start of the weights, or fp32."
        )

    # --- what is due ---

    def _reports_at(self, step: int) -> bool:
        return step == 0 or self.recipe.logs_at(step, self.total_steps) or self._epoch_ends_at(step)

    def _epoch_ends_at(self, step: int) -> bool:
        if step == self.total_steps:
            return True
        completed = self._epochs_completed(step)
        return completed > 0 and step == self.recipe.epoch_end(completed, self.n_train)

    def _epochs_completed(self, step: int) -> int:
        return step * self.batch_size // self.n_train

    def _lr(self, step: int) -> float:
        return self.recipe.lr_at(min(step, self.total_steps - 1), self.total_steps)

    def _must_stop(self) -> bool:
        now = time.monotonic()
        if self.should_stop is None or (self.device.type != "cpu" and now - self.stop_polled < STOP_POLL_S):
            return False
        self.stop_polled = now
        return self.should_stop()

    def _add_time(self, seconds: float, on_steps: bool = True) -> None:
        self.total_s += seconds
        self.epoch_s += seconds
        if on_steps:
            self.interval_s += seconds

    def _seed_forward(self, step: int | None = None) -> None:
        if self.uses_rng:
            torch.manual_seed(derive_seed(self.recipe.seed, "forward", self.step if step is None else step))

    # --- checkpoints ---

    def _checkpoint(self) -> Iterator[Event]:
        """Save a checkpoint, unless a loss was not finite: such a state must not be saved."""
        if self.train_step.diverged:
            yield from self._report_divergence()
        begun = time.monotonic()
        epoch = self._epochs_completed(self.step)
        yield CheckpointSaved(self.step, epoch, save_checkpoint(self._tensors(), self._meta()))
        # What the consumer did with it counts as its cost, too.
        self.checkpoints.saved(self.step, begun)

    def _tensors(self) -> dict[str, torch.Tensor]:
        weights = {f"net.{name}": tensor for name, tensor in self.train_step.net.state_dict().items()}
        momenta = {f"momentum.{name}": tensor for name, tensor in self.train_step.momentum_buffers().items()}
        return {**weights, **momenta, "sums": self.train_step.sums}

    def _meta(self) -> dict[str, Any]:
        return {
            "spec": self.spec.to_dict(),
            "recipe": self.recipe.to_dict(),
            "dataset": {"name": self.dataset.name, "fingerprint": self.dataset.fingerprint},
            "precision": self.precision,
            "step": self.step,
            "reported": self.reported,
            "interval_s": self.interval_s,
            "epoch_s": self.epoch_s,
        }

    def _restore(self, tensors: dict[str, torch.Tensor], meta: dict[str, Any]) -> None:
        _check_same_run(self._meta(), meta)
        copy_weights(tensors_of("net.", tensors), self.train_step.net)
        self.train_step.load_momentum_buffers(tensors_of("momentum.", tensors))
        self.train_step.sums.copy_(tensors["sums"])
        self.step = self.checkpoints.last_step = meta["step"]
        self.reported = meta["reported"]
        self.interval_s, self.epoch_s = meta["interval_s"], meta["epoch_s"]


class _CheckpointSchedule:
    """When a checkpoint is due: at each epoch's end and ``every_s`` seconds after the last, unless checkpoints take so
    long that their share of the time would exceed CHECKPOINT_SHARE.
    """

    def __init__(self, every_s: float):
        self.every_s = every_s
        self.cost_s = 0.0
        self.last_end = time.monotonic()
        self.last_step: int | None = None

    def due(self, epoch_ends: bool) -> bool:
        since = time.monotonic() - self.last_end
        if self.cost_s > CHEAP_CHECKPOINT_S and since < self.cost_s / CHECKPOINT_SHARE:
            return False
        return epoch_ends or since >= self.every_s

    def saved(self, step: int, begun: float) -> None:
        self.last_step = step
        self.last_end = time.monotonic()
        self.cost_s = self.last_end - begun


def _check_fit(spec: NetSpec, dataset: Dataset) -> None:
    if spec.num_classes != dataset.num_classes:
        raise TrainingError(
            f"{spec.name} has {spec.num_classes} outputs, but {dataset.title} has {dataset.num_classes} "
            f"classes: set num_classes to {dataset.num_classes}."
        )


def _check_same_run(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Check that a checkpoint was made with the same network, recipe and data."""
    if theirs.keys() != ours.keys():
        raise TrainingError("These are weights, not a checkpoint of a training: start a new run.")
    for part in ("spec", "recipe"):
        changed = [key for key, value in ours[part].items() if theirs[part].get(key, value) != value]
        changed = [key for key in changed if key != "name"]
        if changed:
            key = changed[0]
            raise TrainingError(
                f"This checkpoint was made with {key} {theirs[part][key]!r}, not {ours[part][key]!r}: "
                "go on with what it was made with, or start a new run."
            )
    if theirs["dataset"]["fingerprint"] != ours["dataset"]["fingerprint"]:
        raise TrainingError(
            f"This checkpoint was made on {theirs['dataset']['name']}; {ours['dataset']['name']} holds other "
            "pictures or labels now: start a new run."
        )


def _uses_rng_in_forward(spec: NetSpec, net: nn.Module) -> bool:
    """Whether a forward pass in training draws random numbers."""
    dropout = any(isinstance(module, nn.modules.dropout._DropoutNd) for module in net.modules())
    return dropout or spec.drop_path > 0 or spec.merge == "dropout"
