"""DeepLIFT through products of two activations, as in a gate T(x)·H(x).

DeepLIFT's rules cover functions of one activation, and Captum passes plain gradients through everything that
is not a module it knows. Through a product a·b that takes only b (at the picture) for a's multiplier, and the
attribution no longer adds up: highway networks lose completeness altogether. Here a product's difference from
the baseline is split as

    a·b - a₀·b₀ = (a - a₀)·(b + b₀)/2 + (b - b₀)·(a + a₀)/2

so each factor's multiplier is the mean of the other one over picture and baseline. That is exact, and it is
the Shapley value of the two factors, the idea by which Lundberg and Lee 2017
(https://arxiv.org/abs/1705.07874) extend DeepLIFT.
"""

import torch
from torch.overrides import TorchFunctionMode

_MULTIPLICATIONS = {torch.mul, torch.multiply, torch.Tensor.mul, torch.Tensor.multiply, torch.Tensor.__mul__}


class PairedProducts(TorchFunctionMode):
    """While active in this thread, products of two activations go backward by the rule above.

    Meant for a forward pass over pictures and baselines stacked as one batch, pictures first, as Captum's
    DeepLift runs it.

    Args:
        batch: size of the stacked batch (pictures and baselines together).
    """

    def __init__(self, batch: int):
        super().__init__()
        self.batch = batch

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func in _MULTIPLICATIONS and not kwargs and all(self._is_activation(factor) for factor in args):
            return _PairedProduct.apply(*args)
        return func(*args, **(kwargs or {}))

    def _is_activation(self, factor: object) -> bool:
        """Depends on the input, batch first. Weights (leaves) and constants keep the plain gradient."""
        return (
            isinstance(factor, torch.Tensor)
            and factor.requires_grad
            and not factor.is_leaf
            and factor.ndim >= 2
            and factor.shape[0] == self.batch
        )


class _PairedProduct(torch.autograd.Function):
    """a·b whose gradient takes the other factor's mean over picture and baseline."""

    @staticmethod
    def forward(ctx, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(a, b)
        return a * b

    @staticmethod
    def backward(ctx, grad: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        a, b = ctx.saved_tensors
        return (grad * _pair_mean(b)).sum_to_size(a.shape), (grad * _pair_mean(a)).sum_to_size(b.shape)


def _pair_mean(factor: torch.Tensor) -> torch.Tensor:
    """Mean of each picture's activation and its baseline's, for both halves of the batch."""
    picture, baseline = factor.chunk(2)
    return ((picture + baseline) / 2).repeat(2, *[1] * (factor.ndim - 1))
