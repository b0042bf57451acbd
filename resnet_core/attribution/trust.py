"""How far to trust one map: does it predict what the network does, is it stable, does it depend on the weights?

Each measure uses the network and the picture that were explained, and draws its random numbers from a generator of its
own. None of them ranks methods (Binder et al. 2022, https://arxiv.org/abs/2211.12486): they say when a map must not be
believed, not when it may.
"""

import copy
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from resnet_core.attribution.baselines import make_baseline, random_uniform
from resnet_core.attribution.explain import copy_sharing_weights, explain, full_precision_gradients
from resnet_core.attribution.explain_result import Attribution
from resnet_core.attribution.methods import METHODS
from resnet_core.attribution.statistics import rank_correlation
from resnet_core.data.normalise import Normalise, per_channel

_FORWARD_BATCH = 128
"""Pictures in one forward pass without gradients."""


@dataclass(frozen=True)
class Infidelity:
    """How badly a map predicts the fall of the logit when parts of the picture are removed.

    Attributes:
        value: mean squared error in logits², for the map times `scale`.
        unexplained: the same as a share of the mean squared fall: 0 predicts all of it, 1 nothing. nan when the logit
            never changed.
        scale: the factor that suits the map best; 1 for a map that is in logits and right.
        samples: how many removals were tried.
    """

    value: float
    unexplained: float
    scale: float
    samples: int


@dataclass(frozen=True)
class Sensitivity:
    """How far a map changes when the picture changes by less than one can see.

    Attributes:
        largest, mean: of |map' - map| / |map| over the samples (Euclidean norms); nan for an empty map.
        radius: largest change of a pixel in [0, 1].
    """

    largest: float
    mean: float
    radius: float
    samples: int


@dataclass(frozen=True, eq=False)
class RandomisationCheck:
    """A map beside the map of the same network with random weights.

    Attributes:
        signed: rank correlation of the values with their sign: near 0 passes the check.
        absolute: that of their sizes, which is what the eye sees; often high, because the picture itself shows through.
        twin: the randomised network's attribution.
    """

    signed: float
    absolute: float
    twin: Attribution


@dataclass(frozen=True, eq=False)
class DeletionInsertion:
    """The class's probability while pixels are deleted, or inserted, the most important ones first.

    Attributes:
        fraction: (n,) share of the pixels deleted or inserted, 0 to 1.
        deletion: (n,) probability; pixels become the mean colour. Falls fast for a good map.
        insertion: (n,) probability; the blurred picture becomes the picture. Rises fast for a good map.
        deletion_random, insertion_random: (n,) the same in random order, the mean of several orders.
    """

    fraction: np.ndarray
    deletion: np.ndarray
    insertion: np.ndarray
    deletion_random: np.ndarray
    insertion_random: np.ndarray

    def area(self, curve: str) -> float:
        """Area under one of the four curves, 0 to 1; to compare with the area of its random counterpart."""
        return float(np.trapezoid(getattr(self, curve), self.fraction))


def infidelity(
    net: nn.Module,
    x: torch.Tensor,
    attribution: Attribution,
    normalise: Normalise,
    samples: int = 128,
    seed: int = 0,
) -> Infidelity:
    """Infidelity of Yeh et al. 2019 (https://arxiv.org/abs/1901.09392) under removal of random squares.

    A removed square gets the colours of the attribution's own baseline (the mean colour where it has none). The map
    predicts a fall by the sum of its values there, a gradient by its product with the change. The scale is fitted,
    because the methods' units differ, so 1 - `unexplained` is a squared correlation about zero.

    Args:
        x: (1, 3, H, W), the picture that was explained.
    """
    with full_precision_gradients(x.device.type):
        view, x = _prepare(net, x)
        kind = str(attribution.params.get("baseline", "mean"))
        baseline = make_baseline(kind, x, normalise, int(attribution.params.get("seed", 0)))
        masks = _random_squares(samples, x, seed)
        logits = _forward(view, torch.where(masks, baseline, x))[:, attribution.target]
    falls = attribution.logit - logits.double().cpu().numpy()
    predicted = (_contributions(attribution, x, baseline) * masks[:, 0].cpu().numpy()).sum((1, 2))
    power = float(np.mean(predicted**2))
    scale = float(np.mean(predicted * falls)) / power if power else 0.0
    error = float(np.mean((scale * predicted - falls) ** 2))
    total = float(np.mean(falls**2))
    return Infidelity(error, error / total if total else float("nan"), scale, samples)


def sensitivity(
    net: nn.Module,
    x: torch.Tensor,
    attribution: Attribution,
    normalise: Normalise,
    radius: float = 0.02,
    samples: int = 10,
    seed: int = 0,
) -> Sensitivity:
    """Max-sensitivity of Yeh et al. 2019 (https://arxiv.org/abs/1901.09392), and the mean beside it.

    Each sample changes every pixel by a uniform number within ±`radius` (pixels in [0, 1]; 0.02 is five of 255 steps)
    and explains again, at the cost of one explanation each.
    """
    reference = attribution.values.astype(np.float64)
    size = np.linalg.norm(reference)
    step = radius / per_channel(normalise.std, x)
    noise = random_uniform((samples, *x.shape[1:]), seed, x) * 2 - 1
    changes = [
        np.linalg.norm(_explain_again(net, x + step * sample, attribution, normalise).values - reference)
        for sample in noise
    ]
    if size == 0:
        return Sensitivity(float("nan"), float("nan"), radius, samples)
    return Sensitivity(float(max(changes) / size), float(np.mean(changes) / size), radius, samples)


def randomisation_check(
    net: nn.Module, x: torch.Tensor, attribution: Attribution, normalise: Normalise, seed: int = 0
) -> RandomisationCheck:
    """The model parameter randomisation test of Adebayo et al. 2018 (https://arxiv.org/abs/1810.03292).

    All weights are randomised at once, and the same class is explained again. A map that stays the same does not show
    what the network has learned.
    """
    twin = _explain_again(randomise_weights(net, seed), x, attribution, normalise)
    return RandomisationCheck(
        signed=rank_correlation(attribution.values, twin.values),
        absolute=rank_correlation(np.abs(attribution.values), np.abs(twin.values)),
        twin=twin,
    )


def randomise_weights(net: nn.Module, seed: int = 0) -> nn.Module:
    """A copy of `net` without anything it learned: He-normal weights, zero biases, batch norm as it is initialised.

    Scalars outside these layers (a SkipInit or Fixup multiplier) keep their values: initialised to zero, they would
    make a network that ignores its input.
    """
    twin = copy.deepcopy(net)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in twin.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.reset_parameters()
            elif isinstance(module, nn.Conv2d | nn.Linear):
                fan_in = module.weight[0].numel()
                values = torch.randn(module.weight.shape, generator=generator) * (2 / fan_in) ** 0.5
                module.weight.copy_(values)
                if module.bias is not None:
                    module.bias.zero_()
    return twin


def deletion_insertion(
    net: nn.Module,
    x: torch.Tensor,
    attribution: Attribution,
    normalise: Normalise,
    points: int = 33,
    random_orders: int = 3,
    seed: int = 0,
) -> DeletionInsertion:
    """Deletion and insertion curves of Petsiuk, Das, Saenko 2018, RISE (https://arxiv.org/abs/1806.07421).

    Pixels are ordered by the map, sign kept: evidence for the class first, evidence against it last. The curves of
    random orders are part of the result: half-covered pictures are strange to any network, and for some the class's
    probability falls however they are covered.
    """
    random = np.random.default_rng(seed)
    n_pixels = attribution.map.size
    orders = [np.argsort(-attribution.map, axis=None, kind="stable")]
    orders += [random.permutation(n_pixels) for _ in range(random_orders)]
    fraction = np.linspace(0, 1, points)
    with full_precision_gradients(x.device.type):
        view, x = _prepare(net, x)
        done = torch.from_numpy(_done(orders, fraction, attribution.map.shape)).to(x.device)
        deleted = _probabilities(view, torch.where(done, torch.zeros_like(x), x), attribution.target)
        blurred = make_baseline("blurred", x, normalise)
        inserted = _probabilities(view, torch.where(done, x, blurred), attribution.target)
    deleted, inserted = (curve.reshape(len(orders), points) for curve in (deleted, inserted))
    return DeletionInsertion(fraction, deleted[0], inserted[0], deleted[1:].mean(axis=0), inserted[1:].mean(axis=0))


def _done(orders: list[np.ndarray], fraction: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """(orders · points, 1, H, W) bool: which pixels are already deleted or inserted at each point of the curve."""
    rank = np.empty((len(orders), orders[0].size), dtype=np.int64)
    for row, order in zip(rank, orders, strict=True):
        row[order] = np.arange(order.size)
    counts = np.round(fraction * orders[0].size)
    done: np.ndarray = rank[:, None, :] < counts[None, :, None]
    return done.reshape(-1, 1, *shape)


def _random_squares(samples: int, like: torch.Tensor, seed: int) -> torch.Tensor:
    """(samples, 1, H, W) bool: one square each, anywhere, its side an eighth to a half of the picture's."""
    height, width = like.shape[-2:]
    random = np.random.default_rng(seed)
    masks = np.zeros((samples, 1, height, width), dtype=bool)
    for mask in masks:
        side = max(1, round(min(height, width) * random.uniform(1 / 8, 1 / 2)))
        top, left = random.integers(height - side + 1), random.integers(width - side + 1)
        mask[0, top : top + side, left : left + side] = True
    return torch.from_numpy(masks).to(like.device)


def _contributions(attribution: Attribution, x: torch.Tensor, baseline: torch.Tensor) -> np.ndarray:
    """(H, W): by how much the map says that each pixel of the picture raises the logit above the baseline's."""
    if METHODS[attribution.method].unit != "gradient" or attribution.raw is None:
        return attribution.map.astype(np.float64)
    return (attribution.raw * (x - baseline)[0].cpu().numpy()).sum(0, dtype=np.float64)


def _explain_again(net: nn.Module, x: torch.Tensor, attribution: Attribution, normalise: Normalise) -> Attribution:
    return explain(net, x, attribution.target, attribution.method, normalise=normalise, params=attribution.params)


def _prepare(net: nn.Module, x: torch.Tensor) -> tuple[nn.Module, torch.Tensor]:
    weight = next(net.parameters(), x)
    return copy_sharing_weights(net), x.detach().to(weight.device, torch.float32)


def _forward(view: nn.Module, x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return torch.cat([view(part) for part in x.split(_FORWARD_BATCH)])


def _probabilities(view: nn.Module, x: torch.Tensor, target: int) -> np.ndarray:
    return _forward(view, x).softmax(1)[:, target].cpu().numpy()
