"""The gradient, and the signal, before training: one forward and one backward pass of a fresh network.

Batch norm is in training mode, with the batch's own statistics; weights, signal and gradient are float32, as in a
training on a CPU. Only squares are summed in float64: so RMS values are found down to the smallest float32, 1.4e-45,
where a sum of squares in float32 would be 0 from 1e-23 down. A 0 here is a gradient whose every element is 0, which a
training in float32 would see as well.

What lies behind such a 0 is found with precision "fp64", at about eight times the cost. Scaling the loss would not
help: without batch norm it is the forward signal that underflows float32 first.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from resnet_core.analysis.labels import labels_to_tensor
from resnet_core.analysis.step0_result import PRECISIONS, Step0Result, concat_seeds
from resnet_core.data.normalise import Normalise
from resnet_core.errors import SpecError
from resnet_core.networks.build import build_net
from resnet_core.networks.network import Network
from resnet_core.networks.spec import NetSpec

_DTYPES = dict(zip(PRECISIONS, (torch.float32, torch.float64), strict=True))
_OFF_PATH = {"downsample", "merge"}


def measure_step0(
    spec: NetSpec,
    images: np.ndarray,
    labels: np.ndarray,
    mean: Sequence[float],
    std: Sequence[float],
    seeds: Sequence[int] = (0,),
    precision: str = "fp32",
) -> Step0Result:
    """Measure a design at step 0 on one batch, once for each seed of its initial weights.

    The global random state is neither used nor changed.

    Args:
        images, labels: uint8 (N, H, W, 3), and (N,) below spec.num_classes.
        mean, std: of the normalisation, for pixels in [0, 1].

    Raises:
        DataError: pictures or labels that do not fit the network.
        SpecError: no seed, or another precision.
    """
    if not seeds:
        raise SpecError("There is no seed: name at least one, such as 0.")
    if precision not in PRECISIONS:
        raise SpecError(f"precision cannot be {precision!r}: it is one of {', '.join(PRECISIONS)}.")
    x = Normalise(mean, std, spec.image_size)(images)
    y = labels_to_tensor(labels, len(x), spec)
    return concat_seeds([measure_net(spec, build_initial_net(spec, seed, precision), x, y, seed) for seed in seeds])


def build_initial_net(spec: NetSpec, seed: int, precision: str = "fp32") -> Network:
    """The network with its initial weights, in the memory layout that is fastest on a CPU."""
    return build_net(spec, seed).to(_DTYPES[precision]).to(memory_format=torch.channels_last)


def measure_net(spec: NetSpec, net: Network, x: Tensor, y: Tensor, seed: int = 0) -> Step0Result:
    """Measure a net with the weights it has, on normalised pictures x (N, 3, S, S) and labels y (N,).

    ``seed`` labels the result, and seeds what is drawn in the forward pass (dropout, stochastic depth). The
    precision is that of the net's weights. The net is left as it was: parameters, their ``.grad``, running
    statistics, mode, hooks.
    """
    layers = [(name, module) for name, module in net.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    weights = [layer.weight for _, layer in layers]
    blocks = net.observed_blocks()
    with _training_mode_restored(net), _seeded_forward(seed), _observed(blocks) as stats:
        loss = F.cross_entropy(net(x.to(weights[0].dtype)), y)
        gradients = torch.autograd.grad(loss, weights)
    grad_rms = np.array([_rms(gradient) for gradient in gradients])
    weight_rms = np.array([_rms(weight.detach()) for weight in weights])
    with np.errstate(divide="ignore", invalid="ignore"):
        grad_over_weight = np.where(weight_rms > 0, grad_rms / weight_rms, np.nan)
    return Step0Result(
        spec=spec,
        pictures=len(x),
        precision="fp64" if weights[0].dtype == torch.float64 else "fp32",
        seeds=(seed,),
        block_names=tuple(name for name, _ in blocks),
        weight_names=tuple(name for name, _ in layers),
        weight_on_path=tuple(_is_on_path(name, layer) for name, layer in layers),
        loss=np.array([loss.item()]),
        grad_rms=stats.gradients[None] * len(x),
        mean=stats.means[None],
        variance=stats.variances[None],
        weight_grad_rms=grad_rms[None],
        grad_over_weight=grad_over_weight[None],
    )


class _BlockStats:
    """What the hooks measure, by block; NaN where no gradient arrives."""

    def __init__(self, n_blocks: int) -> None:
        self.gradients = np.full(n_blocks, np.nan)
        self.means = np.full(n_blocks, np.nan)
        self.variances = np.full(n_blocks, np.nan)

    def on_output(self, index: int, output: Tensor) -> None:
        self.means[index], self.variances[index] = _mean_and_variance(output.detach())
        output.register_hook(lambda gradient: self.on_gradient(index, gradient))

    def on_gradient(self, index: int, gradient: Tensor) -> None:
        self.gradients[index] = _rms(gradient)


@contextmanager
def _observed(blocks: Sequence[tuple[str, nn.Module]]) -> Iterator[_BlockStats]:
    """Measure the passes inside at the blocks' outputs."""
    stats = _BlockStats(len(blocks))
    hooks = []
    for index, (_, block) in enumerate(blocks):
        hooks.append(block.register_forward_hook(lambda _m, _in, out, index=index: stats.on_output(index, out)))
    try:
        yield stats
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def _training_mode_restored(net: nn.Module) -> Iterator[None]:
    """Training mode inside; afterwards the modes and running statistics from before."""
    modes = [(module, module.training) for module in net.modules()]
    buffers = [(buffer, buffer.clone()) for buffer in net.buffers()]
    net.train()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
        with torch.no_grad():
            for buffer, before in buffers:
                buffer.copy_(before)


@contextmanager
def _seeded_forward(seed: int) -> Iterator[None]:
    """Seed the CPU's global generator inside; afterwards it goes on as if nothing had been drawn."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield


def _is_on_path(name: str, layer: nn.Module) -> bool:
    return isinstance(layer, nn.Conv2d) and not _OFF_PATH & set(name.split("."))


def _rms(values: Tensor) -> float:
    """Root mean square, summed in float64 so that elements below 1e-23 are not lost when squared."""
    return float(torch.linalg.vector_norm(values, dtype=torch.float64)) / values.numel() ** 0.5


@np.errstate(over="ignore", invalid="ignore")
def _mean_and_variance(output: Tensor) -> tuple[float, float]:
    """Over all elements of (N, C, H, W), combined from those of the channels, float64."""
    means, variances = _channel_moments(output)
    mean = means.mean()
    return mean, variances.mean() + np.square(means - mean).mean()


def _channel_moments(x: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of each channel of (N, C, H, W) over pictures and pixels, float64 (C,).

    In two passes and scaled to the largest deviation: the difference of moments would be rounding noise where pictures
    have become nearly equal, and the squares of small signals would be 0 in float32, those of large ones infinite.
    """
    rows = x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])  # a view of channels-last memory
    means = rows.mean(dim=0)
    deviations = rows - means
    largest = max(map(abs, torch.stack(torch.aminmax(deviations)).tolist()))
    if largest > 0:
        deviations /= largest
    variances = deviations.square_().mean(dim=0)
    return means.double().numpy(), variances.double().numpy() * largest**2
