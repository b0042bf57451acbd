"""What a training reports while it runs, as plain Python and NumPy, so that events travel
between processes. No torch.

Errors are fractions in [0, 1], losses are mean cross-entropies in nats. ``step`` counts the optimiser updates made so
far: statistics at step 0 describe the network before its first update.
"""

from dataclasses import dataclass

import numpy as np

WEIGHT_STATS = ("grad_rms", "grad_over_weight", "update_over_weight")
"""Columns of :attr:`LayerStats.weight_stats`.

``grad_rms``: root mean square over the elements of the loss's gradient with respect to the layer's weights.
``grad_over_weight``: that, divided by the root mean square of the weights themselves.
``update_over_weight``: root mean square of the optimiser's change in this step, divided by that of the weights.
"""

BLOCK_STATS = ("grad_rms", "mean", "variance")
"""Columns of :attr:`LayerStats.block_stats`, all of one block's output (after the addition) on the step's batch.

``grad_rms``: root mean square of the gradient of the mean loss with respect to the output, times the batch size, so
that it does not depend on it. ``mean``, ``variance``: over all elements of the output.
"""


@dataclass(frozen=True)
class Started:
    """A training begins, or goes on from a checkpoint at ``step``."""

    step: int
    total_steps: int
    steps_per_epoch: float
    device: str  # as torch names it: "cpu", "cuda:0", "mps"
    device_name: str  # for people: "CPU, 2 threads", "NVIDIA H200"
    precision: str  # "fp32" or "bf16"
    parameters: int
    n_train: int
    weight_names: tuple[str, ...]  # rows of LayerStats.weight_stats
    block_names: tuple[str, ...]  # rows of LayerStats.block_stats
    software: str  # "torch 2.15.0"


@dataclass(frozen=True)
class StepStats:
    """Means over the optimiser steps since the previous ``StepStats``."""

    step: int
    loss: float
    error: float
    lr: float
    images_per_s: float


@dataclass(frozen=True)
class EpochEnded:
    """``train_*`` are means over the epoch's augmented batches, taken as the network learned from them; ``test_*`` are
    over the whole test set, network in evaluation mode, single view.
    """

    epoch: int  # counts from 1
    step: int
    train_loss: float
    train_error: float
    test_loss: float
    test_error: float
    seconds: float  # of the epoch, its test included
    test_balanced_error: float | None = None  # mean of the classes' errors; None in what older versions recorded


@dataclass(frozen=True, eq=False)
class LayerStats:
    """What is measured inside the network at one training step: see WEIGHT_STATS and BLOCK_STATS."""

    step: int
    weight_stats: np.ndarray  # float32 (len(weight_names), 3)
    block_stats: np.ndarray  # float32 (len(block_names), 3)


@dataclass(frozen=True)
class CheckpointSaved:
    """Everything needed to go on as if the training had never stopped; see training/checkpoint.py."""

    step: int
    epoch: int
    data: bytes


@dataclass(frozen=True)
class Stopped:
    """The training ended early because it was asked to; a CheckpointSaved of the same step came before."""

    step: int


@dataclass(frozen=True)
class Finished:
    """The training reached its last step."""

    step: int
    seconds: float  # of training in this process, without what came before a resume
    weights: bytes  # safetensors of the network's state dict


Event = Started | StepStats | EpochEnded | LayerStats | CheckpointSaved | Stopped | Finished
