"""``train(...)``: a network, a recipe and a dataset in, events out. It knows no jobs, files or pages."""

import math
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import torch
from torch import nn

from resnet_core.data.batches import EvalBatches, TrainBatches, mixed_seed
from resnet_core.data.dataset import Dataset
from resnet_core.errors import TrainingError
from resnet_core.networks.build import build_net
from resnet_core.networks.spec import NetSpec
from resnet_core.training import checkpoint
from resnet_core.training.cuda_graph import CapturedStep
from resnet_core.training.device import (
    device_name,
    memory_errors_in_words,
    pick_device,
    pick_precision,
    prepared,
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

ASK_EVERY_S = 0.5
"""Seconds between two calls of should_stop on a device that computes while we go on. On a CPU each step
asks."""

CHECKPOINT_SHARE = 0.05
"""Of the time, at most this goes into checkpoints; a large network's are made less often."""

CHEAP_CHECKPOINT_S = 0.5
"""Below this a checkpoint's cost is not looked at: on a busy machine even a small one may take a moment."""


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
    """Train, and yield what happens, in this order at each step: LayerStats of the step as it is made (its
    ``step`` counts the updates before it), then of the state reached StepStats, EpochEnded and
    CheckpointSaved, where due. Statistics are due at the recipe's interval and at each epoch's end; a last,
    partial epoch counts as one.

    One seed and one device give the same events, but for their timings and for checkpoints that are made
    because time has passed. From a CheckpointSaved's bytes (``resume``) the training goes on as if it had
    never stopped: on the CPU, with as many threads, bit for bit. Events between the checkpoint and the
    interruption come again. Plain weights in place of a checkpoint are what the training begins with.

    ``device``: as pick_device takes it. ``should_stop`` is asked at each step (on a GPU, twice a second):
    when it says yes, a CheckpointSaved and Stopped end the training. A network made for larger pictures than
    the dataset's gets them enlarged. Dropout and stochastic depth draw from torch's global generator, seeded
    at each step.

    Raises TrainingError, a sentence, when the network does not fit the dataset or the checkpoint, when memory
    runs out, and when the loss stops being finite.
    """
    where, _ = pick_device(device)
    stream = torch.cuda.Stream(where) if where.type == "cuda" else None
    with prepared(where), memory_errors_in_words(spec.name, recipe.batch_size):
        training = _on_stream(
            stream, lambda: _Training(spec, recipe, dataset, where, resume, should_stop, checkpoint_every_s)
        )
        events = training.events()
        while (event := _on_stream(stream, lambda: next(events, None))) is not None:
            yield event


def _on_stream(stream: torch.cuda.Stream | None, do: Callable[[], T]) -> T:
    """Does it with the GPU's work on that stream: trainings in threads of one process then share a GPU without
    waiting for each other. Not around a ``yield``: whoever takes the events would be on it too."""
    with torch.cuda.stream(stream):  # None: no change
        return do()


class _Training:
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
        self.batch_size = recipe.batch_for(self.n_train)
        self.total_steps = recipe.total_steps(self.n_train)
        self.device = device
        tensors, meta = checkpoint.load_state(resume) if resume is not None else ({}, {})
        # A run keeps the precision it began with, also on another machine.
        self.precision = meta.get("precision") or pick_precision(recipe.precision, self.device)[0]

        net = build_net(spec, recipe.seed).to(self.device, memory_format=torch.channels_last)
        if tensors and not meta:  # plain weights: the training begins with them
            checkpoint.put_weights(tensors, net)
        self.draws = _draws_in_forward(spec, net)
        self.learn = TrainStep(net, recipe, self.device, self.precision)
        self.update = CapturedStep(self.learn, self.draws) if self.device.type == "cuda" else self.learn
        self.probe = LayerProbe(net)
        self.batches = TrainBatches(dataset, self.batch_size, recipe.seed, recipe.augment, self.device, spec.image_size)
        self.test = EvalBatches(dataset, self.device, spec.image_size)
        self.should_stop = should_stop

        self.step = 0  # updates made
        self.reported = 0  # step of the last StepStats
        self.interval_s = 0.0  # spent on steps since then
        self.epoch_s = 0.0
        self.total_s = 0.0
        self.asked = -math.inf
        self.checkpoints = _CheckpointClock(checkpoint_every_s)
        if meta:
            self._restore(tensors, meta)

    # --- the run ---

    def events(self) -> Iterator[Event]:
        yield self._started()
        while self.step < self.total_steps:
            if self._asked_to_stop():
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
        weights = checkpoint.save_weights(self.learn.net)
        # The statistics of the finished network take a step more, of which only they are kept.
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
            parameters=sum(p.numel() for p in self.learn.net.parameters()),
            n_train=self.n_train,
            weight_names=self.probe.weight_names,
            block_names=self.probe.block_names,
            software=f"torch {torch.__version__.partition('+')[0]}",
        )

    def _one_step(self) -> Iterator[Event]:
        begun = time.perf_counter()
        self._seed_forward()
        x, y = self.batches(self.step)
        measured = self._reports_at(self.step)
        before = self.update(x, y, self._lr(self.step), self.probe if measured else None)
        stats = self.probe.read(before) if measured else None
        self.step += 1
        # Looking at a flag on a GPU would wait for it; there it is looked at when something is read anyway.
        failed = (measured or self.device.type == "cpu") and self.learn.failed
        self._spend(time.perf_counter() - begun)
        if failed:
            yield from self._fail()
        if measured:
            yield LayerStats(self.step - 1, *stats)

    def _report(self) -> Iterator[Event]:
        begun = time.perf_counter()
        failed = self.learn.failed
        self._spend(time.perf_counter() - begun)
        if failed:
            yield from self._fail()
        yield self._step_stats()

    def _step_stats(self) -> StepStats:
        loss, wrong, steps = self.learn.take_sums(0)
        self.reported += steps
        seconds, self.interval_s = self.interval_s, 0.0
        images = steps * self.batch_size
        lr = self._lr(self.reported - 1)
        return StepStats(self.reported, loss / steps, wrong / images, lr, images / max(seconds, 1e-9))

    def _end_epoch(self) -> Iterator[Event]:
        begun = time.perf_counter()
        test_loss, test_error = evaluate(self.learn.net, self.test, self.precision)
        self._spend(time.perf_counter() - begun, on_steps=False)
        loss, wrong, steps = self.learn.take_sums(1)
        seconds, self.epoch_s = self.epoch_s, 0.0
        completed = self._epochs_completed(self.step)
        epoch = completed if self.step == self.recipe.epoch_end(completed, self.n_train) else completed + 1
        train_error = wrong / (steps * self.batch_size)
        yield EpochEnded(epoch, self.step, loss / steps, train_error, test_loss, test_error, seconds)

    def _fail(self) -> Iterator[Event]:
        """The loss was not finite: what came before is reported, then the place is named."""
        if self.learn.sums[0, 2].item() > 0:
            yield self._step_stats()
        step = self.reported
        self._seed_forward(step)
        x, y = self.batches(step)
        place = first_nonfinite(self.learn.net, lambda: self.learn.forward(x, y))
        where = f"first in the {place}" if place else "in the loss itself, the network's outputs were still finite"
        raise TrainingError(
            f"The loss stopped being a finite number at step {step:,}, {where}: "
            "try a lower learning rate, batch norm, another start of the weights, or fp32."
        )

    # --- when ---

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

    def _asked_to_stop(self) -> bool:
        now = time.monotonic()
        if self.should_stop is None or (self.device.type != "cpu" and now - self.asked < ASK_EVERY_S):
            return False
        self.asked = now
        return self.should_stop()

    def _spend(self, seconds: float, on_steps: bool = True) -> None:
        self.total_s += seconds
        self.epoch_s += seconds
        if on_steps:
            self.interval_s += seconds

    def _seed_forward(self, step: int | None = None) -> None:
        if self.draws:
            torch.manual_seed(mixed_seed(self.recipe.seed, "forward", self.step if step is None else step))

    # --- checkpoints ---

    def _checkpoint(self) -> Iterator[Event]:
        """Made before it is known to be the last thing this process does: so a loss that is not finite is
        found first, and never saved."""
        if self.learn.failed:
            yield from self._fail()
        begun = time.monotonic()
        epoch = self._epochs_completed(self.step)
        yield CheckpointSaved(self.step, epoch, checkpoint.save_state(self._tensors(), self._meta()))
        # What the consumer did with it counts as its cost too.
        self.checkpoints.made(self.step, begun)

    def _tensors(self) -> dict[str, torch.Tensor]:
        weights = {f"net.{name}": tensor for name, tensor in self.learn.net.state_dict().items()}
        momenta = {f"momentum.{name}": tensor for name, tensor in self.learn.momenta().items()}
        return {**weights, **momenta, "sums": self.learn.sums}

    def _meta(self) -> dict:
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

    def _restore(self, tensors: dict[str, torch.Tensor], meta: dict) -> None:
        _check_same_run(self._meta(), meta)
        checkpoint.put_weights(_with_prefix("net.", tensors), self.learn.net)
        self.learn.put_momenta(_with_prefix("momentum.", tensors))
        self.learn.sums.copy_(tensors["sums"])
        self.step = self.checkpoints.last_step = meta["step"]
        self.reported = meta["reported"]
        self.interval_s, self.epoch_s = meta["interval_s"], meta["epoch_s"]


class _CheckpointClock:
    """When a checkpoint is due: at each epoch's end and when ``every_s`` seconds have passed since the last,
    unless they take so long that their share of the time would exceed CHECKPOINT_SHARE."""

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

    def made(self, step: int, begun: float) -> None:
        self.last_step = step
        self.last_end = time.monotonic()
        self.cost_s = self.last_end - begun


def _check_fit(spec: NetSpec, dataset: Dataset) -> None:
    if spec.num_classes != dataset.num_classes:
        raise TrainingError(
            f"{spec.name} has {spec.num_classes} outputs, but {dataset.title} has {dataset.num_classes} "
            f"classes: set num_classes to {dataset.num_classes}."
        )


def _check_same_run(ours: dict, theirs: dict) -> None:
    """A checkpoint goes on in the network, recipe and data it was made with."""
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


def _with_prefix(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _draws_in_forward(spec: NetSpec, net: nn.Module) -> bool:
    """Whether a training pass draws random numbers."""
    dropout = any(isinstance(module, nn.modules.dropout._DropoutNd) for module in net.modules())
    return dropout or spec.drop_path > 0 or spec.merge == "dropout"
