"""The training step as one CUDA graph: hundreds of kernel launches become one.

On a fast GPU a small network's step takes less time than launching its kernels one by one. The graph holds the
very kernels of TrainStep, in the same order, on the same memory (https://pytorch.org/docs/stable/notes/cuda.html,
"CUDA Graphs").
"""

import logging
import threading

import torch
from torch import Tensor

from resnet_core.training.probe import LayerProbe
from resnet_core.training.step import TrainStep

WARMUP_STEPS = 3
"""Updates made without a graph first: they create the optimiser's buffers and the libraries' workspaces, which a graph
must find in place.
"""

log = logging.getLogger(__name__)
_capture_lock = threading.Lock()


class GraphedStep:
    """Called like the TrainStep it wraps, on CUDA only, with batches that all have one shape.

    Some steps run without the graph: those that are measured, so that the probe's hooks run; every step of a network
    whose forward pass draws random numbers (``uses_rng``); and all steps where no graph can be captured.
    """

    def __init__(self, step: TrainStep, uses_rng: bool):
        self.step = step
        self.n_calls = 0
        self.enabled = not uses_rng
        self.graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, x: Tensor, y: Tensor, lr: float, probe: LayerProbe | None = None) -> list[Tensor] | None:
        """One update; returns what TrainStep returns."""
        self.n_calls += 1
        if probe is not None or not self.enabled or self.n_calls <= WARMUP_STEPS:
            return self.step(x, y, lr, probe)
        self.step.set_lr(lr)
        if self.graph is None:
            self._update_and_capture(x, y)
        else:
            self.x.copy_(x)
            self.y.copy_(y)
            self.graph.replay()
        return None

    def _update_and_capture(self, x: Tensor, y: Tensor) -> None:
        """Make this update without a graph, and capture one for the updates to come.

        The graph is kept only if its replay is seen to make the same update. Otherwise training goes on without one:
        it is for speed alone.
        """
        self.x, self.y = x.clone(), y.clone()
        try:
            graph = self._capture()
        except RuntimeError as error:  # also when there is no memory for a second set of activations
            log.warning("Training goes on without a CUDA graph: %s", error)
            graph = None
        if graph is None:
            self.step.update(x, y)
        elif self._matches_eager_update(graph):
            self.graph = graph
        else:
            log.warning(
                "Training goes on without a CUDA graph: its replay makes another update than the network's own."
            )
        self.enabled = self.graph is not None

    def _capture(self) -> torch.cuda.CUDAGraph:
        """The update, recorded and not made."""
        self.step.optimizer.zero_grad(set_to_none=True)
        graph = torch.cuda.CUDAGraph()
        # Another training may run in another thread of this process, so only this thread is forbidden to do what a
        # capture forbids.
        with _capture_lock, torch.cuda.graph(graph, capture_error_mode="thread_local"):
            self.step.update(self.x, self.y)
        return graph

    def _matches_eager_update(self, graph: torch.cuda.CUDAGraph) -> bool:
        """Replay the update, undo it, make it without the graph, and compare."""
        step = self.step
        state = [*step.net.state_dict().values(), *step.momentum_buffers().values(), step.sums, step.found_inf]
        before = [tensor.detach().clone() for tensor in state]
        graph.replay()
        replayed = [tensor.detach().clone() for tensor in state]
        with torch.no_grad():
            for tensor, value in zip(state, before, strict=True):
                tensor.copy_(value)
        step.update(self.x, self.y)
        return all(
            torch.allclose(tensor.detach(), other, rtol=1e-4, atol=1e-6, equal_nan=True)
            for tensor, other in zip(state, replayed, strict=True)
        )
