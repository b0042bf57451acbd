"""One optimiser update, and the running sums of loss and errors. Nothing waits for the device unless it says so."""

from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resnet_core.training.probe import LayerProbe
from resnet_core.training.recipe import Recipe


def autocast(device: torch.device, precision: str) -> AbstractContextManager:
    """Convolutions and matrix products in bfloat16 for "bf16"; weights and batch norm's sums stay in float32."""
    if precision == "bf16":
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()


class TrainStep:
    """SGD on the mean cross-entropy. Call it with a batch: it updates the network and adds to the sums.

    After a loss that is not finite it changes no weight any more: the network stays as it was before that step, so that
    the cause can be found even if the loss is read much later. (The optimiser's fused kernel does this by itself, on
    the device, where ``found_inf`` is set: a switch made for loss scaling.)
    """

    def __init__(self, net: nn.Module, recipe: Recipe, device: torch.device, precision: str):
        self.net = net
        self.device = device
        self.precision = precision
        # On a GPU the learning rate is there too, where a captured graph reads it at each replay.
        lr = torch.tensor(recipe.lr, device=device) if device.type == "cuda" else recipe.lr
        self.optimizer = torch.optim.SGD(
            net.parameters(),
            lr=lr,
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
            nesterov=recipe.nesterov,
            fused=True,
        )
        self.found_inf = torch.zeros((), device=device)  # 1 from the first loss on that is not finite
        self.optimizer.found_inf = self.found_inf  # type: ignore[attr-defined]  # read by the fused kernel
        # Rows: since the last report, since the epoch began. Columns: sum of the steps' mean losses, of wrong
        # predictions, number of steps; finite steps only. Apple GPUs have no float64.
        dtype = torch.float32 if device.type == "mps" else torch.float64
        self.sums = torch.zeros((2, 3), dtype=dtype, device=device)

    def __call__(self, x: Tensor, y: Tensor, lr: float, probe: LayerProbe | None = None) -> list[Tensor] | None:
        """One update. With a probe the step is measured: returns the weights before it, for ``probe.compute``."""
        self.set_lr(lr)
        return self.update(x, y, probe)

    def set_lr(self, lr: float) -> None:
        """Set the learning rate of the updates that follow."""
        group = self.optimizer.param_groups[0]
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(lr)
        else:
            group["lr"] = lr

    def update(self, x: Tensor, y: Tensor, probe: LayerProbe | None = None) -> list[Tensor] | None:
        """One update at the learning rate that is set; returns as a call does."""
        with probe.observe(len(y)) if probe else nullcontext():
            logits, loss = self.forward(x, y)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
        before = probe.clone_weights() if probe else None
        with torch.no_grad():
            self._accumulate(logits, y, loss.detach())
        self.optimizer.step()
        return before

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (N, classes) in float32 and their mean cross-entropy."""
        with autocast(self.device, self.precision):
            logits = self.net(x)
        logits = logits.float()
        return logits, F.cross_entropy(logits, y)

    def _accumulate(self, logits: Tensor, y: Tensor, loss: Tensor) -> None:
        self.found_inf.copy_(torch.maximum(self.found_inf, 1 - torch.isfinite(loss).float()))
        n_wrong = (logits.argmax(1) != y).sum()
        row = torch.stack([loss.to(self.sums.dtype), n_wrong.to(self.sums.dtype), torch.ones_like(self.sums[0, 0])])
        self.sums += torch.where(self.found_inf > 0, 0, row)

    @property
    def diverged(self) -> bool:
        """Whether a loss was not finite. Waits for the device."""
        return self.found_inf.item() > 0

    def pop_sums(self, row: int) -> tuple[float, float, int]:
        """Sum of losses, wrong predictions and finite steps of row 0 or 1, which starts again. Waits for the device."""
        loss, n_wrong, steps = self.sums[row].tolist()
        self.sums[row].zero_()
        return loss, n_wrong, int(steps)

    def momentum_buffers(self) -> dict[str, Tensor]:
        """The optimiser's buffers by the parameter's name; empty before the first step and without momentum."""
        state = self.optimizer.state
        named = {name: state[p].get("momentum_buffer") for name, p in self.net.named_parameters() if p in state}
        return {name: buffer for name, buffer in named.items() if buffer is not None}

    def load_momentum_buffers(self, buffers: dict[str, Tensor]) -> None:
        """The inverse of :meth:`momentum_buffers`; keeps the device and memory layout of the parameters."""
        for name, parameter in self.net.named_parameters():
            if name in buffers:
                buffer = torch.empty_like(parameter, requires_grad=False)
                self.optimizer.state[parameter]["momentum_buffer"] = buffer.copy_(buffers[name])
