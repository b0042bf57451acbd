"""One optimiser update, and the running sums of what the updates saw. Nothing in here waits for the
device."""

from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resnet_core.training.probe import LayerProbe
from resnet_core.training.recipe import Recipe


def autocast(device: torch.device, precision: str) -> AbstractContextManager:
    """Where convolutions and matrix products run in bfloat16; weights and batch norm's sums stay in
    float32."""
    if precision == "bf16":
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()


class TrainStep:
    """SGD on mean cross-entropy. Call it with a batch; it updates the network and adds to the sums.

    After a loss that is not finite it changes no weight any more: the network stays as it was before that
    step, so that one can look for the cause even if the loss is read much later. (The optimiser's fused
    kernel does this by itself, on the device: it is the switch made for loss scaling.)
    """

    def __init__(self, net: nn.Module, recipe: Recipe, device: torch.device, precision: str):
        self.net = net
        self.device = device
        self.precision = precision
        # On a GPU the learning rate lies there too, where a captured graph reads it at each replay.
        lr = torch.tensor(recipe.lr, device=device) if device.type == "cuda" else recipe.lr
        self.optimizer = torch.optim.SGD(
            net.parameters(),
            lr=lr,
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
            nesterov=recipe.nesterov,
            fused=True,
        )
        self.optimizer.found_inf = torch.zeros((), device=device)
        # Apple GPUs have no float64. Rows: since the last report, since the epoch began.
        # Columns: sum of the steps' mean losses, of wrong answers, number of steps; finite steps only.
        dtype = torch.float32 if device.type == "mps" else torch.float64
        self.sums = torch.zeros((2, 3), dtype=dtype, device=device)

    def __call__(self, x: Tensor, y: Tensor, lr: float, probe: LayerProbe | None = None) -> list[Tensor] | None:
        """One update. With a probe the step is measured: returns what ``probe.read`` wants, else None."""
        self.set_lr(lr)
        return self.update(x, y, probe)

    def set_lr(self, lr: float) -> None:
        """The learning rate of the updates that follow."""
        group = self.optimizer.param_groups[0]
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(lr)
        else:
            group["lr"] = lr

    def update(self, x: Tensor, y: Tensor, probe: LayerProbe | None = None) -> list[Tensor] | None:
        """One update at the learning rate that is set."""
        with probe.watching(len(y)) if probe else nullcontext():
            logits, loss = self.forward(x, y)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
        before = probe.copy_weights() if probe else None
        with torch.no_grad():
            self._add_up(logits, y, loss.detach())
        self.optimizer.step()
        return before

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (N, classes) in float32 and their mean cross-entropy."""
        with autocast(self.device, self.precision):
            logits = self.net(x)
        logits = logits.float()
        return logits, F.cross_entropy(logits, y)

    def _add_up(self, logits: Tensor, y: Tensor, loss: Tensor) -> None:
        failed = self.optimizer.found_inf
        failed.copy_(torch.maximum(failed, 1 - torch.isfinite(loss).float()))
        wrong = (logits.argmax(1) != y).sum()
        row = torch.stack([loss.to(self.sums.dtype), wrong.to(self.sums.dtype), torch.ones_like(self.sums[0, 0])])
        self.sums += torch.where(failed > 0, 0, row)

    @property
    def failed(self) -> bool:
        """Whether a loss was not finite. Waits for the device."""
        return self.optimizer.found_inf.item() > 0

    def take_sums(self, row: int) -> tuple[float, float, int]:
        """Sum of losses, of wrong answers, and finite steps, of row 0 or 1, which starts again. Waits for the
        device."""
        loss, wrong, steps = self.sums[row].tolist()
        self.sums[row].zero_()
        return loss, wrong, int(steps)

    def momenta(self) -> dict[str, Tensor]:
        """The optimiser's memory by name of the parameter; empty before the first step and without
        momentum."""
        state = self.optimizer.state
        named = {name: state[p].get("momentum_buffer") for name, p in self.net.named_parameters() if p in state}
        return {name: buffer for name, buffer in named.items() if buffer is not None}

    def put_momenta(self, momenta: dict[str, Tensor]) -> None:
        for name, parameter in self.net.named_parameters():
            if name in momenta:
                buffer = torch.empty_like(parameter, requires_grad=False)
                self.optimizer.state[parameter]["momentum_buffer"] = buffer.copy_(momenta[name])
