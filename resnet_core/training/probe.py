"""What is measured inside a network while it trains: the columns of events.WEIGHT_STATS and events.BLOCK_STATS.

Measured on a training step itself, not on a copy of it. Everything stays on the device until
:meth:`LayerProbe.compute`. Steps that are not measured pay nothing: no hook is left in the network between them.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from resnet_core.networks.network import Network


class LayerProbe:
    """Measures training steps of one network.

    >>> with probe.observe(batch_size):
    ...     loss = ...; loss.backward()
    >>> before = probe.clone_weights()
    >>> optimizer.step()
    >>> weight_stats, block_stats = probe.compute(before)
    """

    def __init__(self, net: Network):
        layers = [
            (name, module.weight)
            for name, module in net.named_modules()
            if isinstance(module, nn.Conv2d | nn.Linear) and module.weight.requires_grad
        ]
        self.weight_names = tuple(name for name, _ in layers)
        self.weights: list[Tensor] = [weight for _, weight in layers]
        self.sqrt_sizes = torch.tensor([math.sqrt(weight.numel()) for weight in self.weights])
        blocks = net.observed_blocks()
        self.block_names = tuple(name for name, _ in blocks)
        self._blocks = [module for _, module in blocks]
        # Squares of gradients below 1e-23 are exactly 0 in float32: a vanishing gradient would look like none.
        # Apple GPUs have no float64.
        self._norm_dtype = torch.float32 if self.weights[0].device.type == "mps" else torch.float64
        self._outputs: list[Tensor] = []  # (mean, variance) by block
        self._gradients: dict[int, Tensor] = {}  # RMS by block

    @contextmanager
    def observe(self, batch_size: int) -> Iterator[None]:
        """Measure the forward and backward pass inside at the blocks' outputs.

        The gradient is that of the mean loss over ``batch_size`` images, times ``batch_size``.
        """
        self._outputs = [torch.empty(0)] * len(self._blocks)
        self._gradients = {}

        def on_output(index: int, output: Tensor) -> None:
            values = output.detach().to(torch.float32)
            mean = values.mean()
            # In two passes, as exact as torch.var_mean, which takes twenty times as long on a CPU.
            variance = torch.linalg.vector_norm(values - mean).square() / values.numel()
            self._outputs[index] = torch.stack([mean, variance])
            output.register_hook(lambda gradient: on_gradient(index, gradient))

        def on_gradient(index: int, gradient: Tensor) -> None:
            norm = torch.linalg.vector_norm(gradient, dtype=self._norm_dtype)
            self._gradients[index] = (norm * (batch_size / math.sqrt(gradient.numel()))).float()

        hooks = [
            block.register_forward_hook(lambda _module, _inputs, output, index=index: on_output(index, output))
            for index, block in enumerate(self._blocks)
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def clone_weights(self) -> list[Tensor]:
        return [weight.detach().clone() for weight in self.weights]

    @torch.no_grad()
    def compute(self, before: list[Tensor]) -> tuple[np.ndarray, np.ndarray]:
        """Weight statistics (layers, 3) and block statistics (blocks, 3), float32. Waits for the device.

        ``before``: clone_weights() from before the optimiser's step; the gradients must still be there. A ratio to
        weights that are all zero is NaN.
        """
        norms = torch.stack(
            [
                torch.stack(
                    torch._foreach_norm(
                        [weight.grad for weight in self.weights if weight.grad is not None], 2, self._norm_dtype
                    )
                ),
                torch.stack(torch._foreach_norm(before, 2, self._norm_dtype)),
                torch.stack(torch._foreach_norm(torch._foreach_sub(self.weights, before), 2, self._norm_dtype)),
            ]
        ).float()
        zero = norms.new_zeros(())
        blocks = torch.stack(
            [
                torch.cat([self._gradients.get(index, zero).reshape(1), moments])
                for index, moments in enumerate(self._outputs)
            ]
        )
        flat = torch.cat([norms.reshape(-1), blocks.reshape(-1)]).cpu()  # the one copy from the device
        gradient, weight, update = flat[: norms.numel()].reshape(3, -1)
        weight = torch.where(weight > 0, weight, torch.nan)
        weight_stats = torch.stack([gradient / self.sqrt_sizes, gradient / weight, update / weight], dim=1)
        return weight_stats.numpy(), flat[norms.numel() :].reshape(-1, 3).numpy()
