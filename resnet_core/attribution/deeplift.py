"""DeepLIFT with the Rescale rule: the difference from a baseline, passed back operation by operation.

Shrikumar, Greenside, Kundaje 2017, https://arxiv.org/abs/1704.02685. An operation's gradient is replaced by
the ratio of its output's difference to its input's, so the attributions add up to the change of the logit.

Captum's DeepLift (0.9.0) is not used: measured against that sum it is silently wrong for three kinds of network that
can be built here, because it hooks modules and their input tensors.

- A tensor that enters a ReLU and the shortcut as well (ReLU-only pre-activation): the hook overwrites the
  gradient of both.
- Max pooling with overlapping windows (AlexNet, the 7x7 stem): a pixel that wins two windows is credited for one.
- Products of two activations (the gates of highway networks): they pass the plain gradient.

Here the rules apply to the operations themselves, so neither modules nor hooks matter. For all other networks the two
agree, as the tests check.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

_Size = int | tuple[int, int]

_SMALL = 1e-6
"""Below this difference the gradient replaces the ratio, which float32 could not resolve in a sigmoid."""


def deeplift_multipliers(net: nn.Module, x: Tensor, baseline: Tensor, targets: Tensor) -> Tensor:
    """DeepLIFT's multipliers: the attribution is (x - baseline) times these.

    Args:
        net: in eval mode; made of ReLU, sigmoid, tanh, max pooling, products and linear operations.
        x, baseline: (N, 3, H, W).
        targets: (N,) classes.

    Returns:
        (N, 3, H, W).
    """
    inputs = x.detach().clone().requires_grad_()
    with RescaleRule(batch=2 * len(x)):
        logits = net(torch.cat([inputs, baseline]))
    of_targets = logits[: len(x)].gather(1, targets[:, None])
    return torch.autograd.grad(of_targets.sum(), inputs)[0]


class RescaleRule(TorchFunctionMode):
    """While active in this thread, operations on a stacked batch use DeepLIFT's rules in their backward pass.

    Args:
        batch: size of the stacked batch: the pictures, then their baselines in the same order.
    """

    def __init__(self, batch: int):
        super().__init__()
        self.batch = batch

    def __torch_function__(
        self, func: Callable, types: Iterable[type], args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in _ELEMENTWISE and self._is_stacked(args[0]):
            return _Elementwise.apply(args[0], _ELEMENTWISE[func])
        if func in _MAX_POOLS and self._is_stacked(args[0]):
            return _max_pool(*args, **kwargs)
        if func in _PRODUCTS and all(self._is_stacked(factor) for factor in args):
            return _Product.apply(*args)
        return func(*args, **kwargs)

    def _is_stacked(self, value: object) -> bool:
        """Whether it depends on the input, batch first. Weights (leaves) and constants keep the plain gradient."""
        return (
            isinstance(value, Tensor)
            and value.requires_grad
            and not value.is_leaf
            and value.ndim >= 2
            and value.shape[0] == self.batch
        )


_ELEMENTWISE: dict[Callable, Callable[[Tensor], Tensor]] = {
    **dict.fromkeys((F.relu, torch.relu, Tensor.relu), torch.relu),
    **dict.fromkeys((torch.sigmoid, Tensor.sigmoid), torch.sigmoid),
    **dict.fromkeys((torch.tanh, Tensor.tanh), torch.tanh),
}
_MAX_POOLS = {torch.max_pool2d, F.max_pool2d}
_PRODUCTS = {torch.mul, torch.multiply, Tensor.mul, Tensor.multiply, Tensor.__mul__}


class _Elementwise(torch.autograd.Function):
    """f(x) with the gradient (f(x) - f(x₀)) / (x - x₀), for picture and baseline alike."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
        output = function(x)
        ctx.save_for_backward(x, output)
        ctx.function = function
        return output

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        x, output = ctx.saved_tensors
        with torch.enable_grad():
            leaf = x.detach().requires_grad_()
            slope = torch.autograd.grad(ctx.function(leaf).sum(), leaf)[0]
        change = _difference(x)
        ratio = torch.where(change.abs() < _SMALL, slope, _difference(output) / change)
        return grad * ratio, None


class _Product(torch.autograd.Function):
    """a·b, its difference split as (a - a₀)·(b + b₀)/2 + (b - b₀)·(a + a₀)/2.

    The paper has no rule for products. This split is exact, and it is the Shapley value of the two factors: the idea by
    which Lundberg and Lee 2017 (https://arxiv.org/abs/1705.07874) extend DeepLIFT.
    """

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        ctx.save_for_backward(a, b)
        return a * b

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        a, b = ctx.saved_tensors
        return (grad * _mean(b)).sum_to_size(a.shape), (grad * _mean(a)).sum_to_size(b.shape)


def _max_pool(
    x: Tensor,
    kernel_size: _Size,
    stride: _Size | None = None,
    padding: _Size = 0,
    dilation: _Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor:
    """As F.max_pool2d, whose arguments it takes; indices are never asked for here."""
    return _MaxPool.apply(x, (kernel_size, stride, padding, dilation, ceil_mode))


class _MaxPool(torch.autograd.Function):
    """Max pooling: a window's difference goes to one pixel, the maximum of whichever has the larger one,
    picture or baseline.

    There the input's difference is at least the output's, so no ratio exceeds 1. Captum's rule, but summed
    over the windows.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, options: tuple) -> Tensor:
        output, winners = F.max_pool2d(x, *options, return_indices=True)
        ctx.save_for_backward(x, output, winners)
        return output

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        x, output, winners = ctx.saved_tensors
        picture, baseline = output.chunk(2)
        of_picture, of_baseline = winners.chunk(2)
        credited = torch.where(picture >= baseline, of_picture, of_baseline).repeat(2, 1, 1, 1).flatten(2)
        change = _difference(x).flatten(2).gather(2, credited)
        ratio = torch.where(change.abs() < _SMALL, torch.ones_like(change), _difference(output).flatten(2) / change)
        spread = torch.zeros_like(x).flatten(2).scatter_add(2, credited, grad.flatten(2) * ratio)
        return spread.view_as(x), None


def _difference(stacked: Tensor) -> Tensor:
    """Picture minus baseline, for both halves of the batch."""
    picture, baseline = stacked.chunk(2)
    return (picture - baseline).repeat(2, *[1] * (stacked.ndim - 1))


def _mean(stacked: Tensor) -> Tensor:
    """Mean of picture and baseline, for both halves of the batch."""
    picture, baseline = stacked.chunk(2)
    return ((picture + baseline) / 2).repeat(2, *[1] * (stacked.ndim - 1))
