"""The training step as one CUDA graph: hundreds of kernel launches become one.

A small network's step on a fast GPU takes less time than launching its kernels one by one does. The graph holds the
very kernels of TrainStep, in the same order, on the same memory (https://pytorch.org/docs/stable/notes/cuda.html,
"CUDA Graphs").
"""

import logging
import threading

import torch
from torch import Tensor

from resnet_core.training.probe import LayerProbe
from resnet_core.training.step import TrainStep

FIRST_STEPS = 3
"""Updates made without a graph: they make the optimiser's buffers and the libraries' workspaces, which a graph must
find in place."""

log = logging.getLogger(__name__)
_one_capture = threading.Lock()


class CapturedStep:
    """Called like the TrainStep it wraps, on CUDA only, with batches that all have one shape.

    Steps that are measured run without the graph, so that the probe's hooks see them; so does every step of a
    network whose forward pass draws random numbers (``draws``), and all steps where no graph can be captured.
    """

    def __init__(self, learn: TrainStep, draws: bool):
        self.learn = learn
        self.made = 0
        self.possible = not draws
        self.graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, x: Tensor, y: Tensor, lr: float, probe: LayerProbe | None = None) -> list[Tensor] | None:
        """One update; returns what TrainStep returns."""
        self.made += 1
        if probe is not None or not self.possible or self.made <= FIRST_STEPS:
            return self.learn(x, y, lr, probe)
        self.learn.set_lr(lr)
        if self.graph is None:
            return self._first_with_graph(x, y)
        self.x.copy_(x)
        self.y.copy_(y)
        self.graph.replay()
        return None

    def _first_with_graph(self, x: Tensor, y: Tensor) -> None:
        """Makes this step without the graph, once it has been captured and seen to make the same step. Where either
        fails there is none from now on: it is for speed only."""
        self.x, self.y = x.clone(), y.clone()
        try:
            graph = self._capture()
        except RuntimeError as error:  # also when there is no memory for a second set of activations
            log.warning("Training goes on without a CUDA graph: %s", error)
            graph = None
        if graph is None:
            self.learn.update(x, y)
        elif self._makes_the_same_step(graph):
            self.graph = graph
        else:
            log.warning(
                "Training goes on without a CUDA graph: replayed, it makes another step than the network's own."
            )
        self.possible = self.graph is not None

    def _capture(self) -> torch.cuda.CUDAGraph:
        """The step, recorded and not made."""
        self.learn.optimizer.zero_grad(set_to_none=True)
        graph = torch.cuda.CUDAGraph()
        # Another training of this process may go on meanwhile, so only this thread is forbidden to do what a capture
        # forbids.
        with _one_capture, torch.cuda.graph(graph, capture_error_mode="thread_local"):
            self.learn.update(self.x, self.y)
        return graph

    def _makes_the_same_step(self, graph: torch.cuda.CUDAGraph) -> bool:
        """Replays the step, takes it back, and makes it without the graph: whether both come to the same."""
        learn = self.learn
        state = [*learn.net.state_dict().values(), *learn.momenta().values(), learn.sums, learn.optimizer.found_inf]
        before = [tensor.detach().clone() for tensor in state]
        graph.replay()
        replayed = [tensor.detach().clone() for tensor in state]
        with torch.no_grad():
            for tensor, was in zip(state, before, strict=True):
                tensor.copy_(was)
        learn.update(self.x, self.y)
        return all(
            torch.allclose(tensor.detach(), other, rtol=1e-4, atol=1e-6, equal_nan=True)
            for tensor, other in zip(state, replayed, strict=True)
        )
