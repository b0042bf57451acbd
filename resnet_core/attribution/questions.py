"""What a page asks of several networks at once: plain data in and out, for the worker that keeps them in
memory.

Generators, so that each answer can be shown as soon as it is there. Whatever they return can be unpickled by
a process without torch.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import nn

from resnet_core.attribution import trust
from resnet_core.attribution.explain import explain, explain_batch, full_precision_gradients, private_view
from resnet_core.attribution.explain_result import Attribution
from resnet_core.attribution.methods import AttributionError, get_method
from resnet_core.attribution.statistics import bootstrap_mean, object_share
from resnet_core.data.normalise import Normalise

_PICTURES_AT_ONCE = 25
"""Pictures explained in one call: bounds the arrays that are held before they are summed up."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A network to be asked.

    Attributes:
        net: on any device; never changed.
        mean, std: of the normalisation it was trained with, for pixels in [0, 1].
    """

    net: nn.Module
    mean: Sequence[float]
    std: Sequence[float]

    @property
    def normalise(self) -> Normalise:
        return Normalise(self.mean, self.std)

    def input(self, pictures: np.ndarray) -> torch.Tensor:
        """uint8 (H, W, 3) or (N, H, W, 3) as this network's normalised input, on the CPU."""
        return self.normalise(pictures[None] if pictures.ndim == 3 else pictures)


def predict_many(subjects: Sequence[Subject], picture: np.ndarray) -> list[np.ndarray]:
    """Each network's class probabilities (num_classes,) float32 for a uint8 picture (H, W, 3)."""
    probabilities = []
    for subject in subjects:
        x = subject.input(picture)
        with full_precision_gradients(x.device.type), torch.no_grad():
            view = private_view(subject.net)
            logits = view(x.to(next(view.parameters(), x).device))
        probabilities.append(logits.softmax(1)[0].cpu().numpy())
    return probabilities


def explain_many(
    subjects: Sequence[Subject],
    picture: np.ndarray,
    methods: Sequence[str],
    target: int | None = None,
    params: Mapping[str, Mapping[str, object]] | None = None,
) -> Iterator[tuple[int, Attribution]]:
    """Explain one picture by every method for every network, method by method so that twins appear together.

    Args:
        picture: uint8 (H, W, 3).
        target: the class for all networks; None for each network's own prediction.
        params: settings by method name.

    Yields:
        (which network, its attribution).
    """
    for method in methods:
        get_method(method)
    if target is None:
        targets = [int(probabilities.argmax()) for probabilities in predict_many(subjects, picture)]
    else:
        targets = [target] * len(subjects)
    inputs = [subject.input(picture) for subject in subjects]
    for method in methods:
        settings = (params or {}).get(method)
        for index, (subject, x) in enumerate(zip(subjects, inputs, strict=True)):
            yield (
                index,
                explain(
                    subject.net,
                    x,
                    targets[index],
                    method,
                    normalise=subject.normalise,
                    params=settings,
                ),
            )


def trust_report(
    subject: Subject, picture: np.ndarray, attribution: Attribution
) -> Iterator[tuple[str, dict[str, object]]]:
    """The measures of `trust.py` for one map, cheapest first: (measure, its fields).

    "completeness" comes only for methods that claim it, with fields delta, change and relative. In
    "randomisation" the field twin is an Attribution.
    """
    if attribution.delta is not None:
        yield (
            "completeness",
            {"delta": attribution.delta, "change": attribution.change, "relative": attribution.relative_gap},
        )
    x = subject.input(picture)
    asked = (subject.net, x, attribution, subject.normalise)
    check = trust.randomisation_check(*asked)
    yield "randomisation", {"signed": check.signed, "absolute": check.absolute, "twin": check.twin}
    curves = trust.deletion_insertion(*asked)
    areas = {f"{name}_area": curves.area(name) for name in ("deletion", "insertion")}
    areas |= {f"{name}_random_area": curves.area(f"{name}_random") for name in ("deletion", "insertion")}
    yield "deletion_insertion", asdict(curves) | areas
    yield "infidelity", asdict(trust.infidelity(*asked))
    yield "sensitivity", asdict(trust.sensitivity(*asked))


def object_shares(
    subjects: Sequence[Subject],
    pictures: np.ndarray,
    masks: np.ndarray,
    targets: Sequence[int],
    methods: Sequence[str],
    params: Mapping[str, Mapping[str, object]] | None = None,
) -> Iterator[dict[str, object]]:
    """Share of each map that lies on the object, over many pictures, by network and method.

    A high share is not yet a good map: Guided Backprop, which draws the picture's edges whatever the network
    has learned, reaches the highest.

    Args:
        pictures: uint8 (N, H, W, 3).
        masks: bool (N, H, W), True on the object.
        targets: the N classes that are asked about.

    Yields:
        One row for each method and network: net (index), method, shares (N,) with nan for empty maps, mean,
        low, high (95 % bootstrap over the pictures), count, chance (the object's mean share of the area).
    """
    if len(pictures) != len(masks) or len(pictures) != len(targets) or not len(pictures):
        raise AttributionError(
            "There must be as many masks and classes as pictures; there are "
            f"{len(pictures)} pictures, {len(masks)} masks and {len(targets)} classes."
        )
    for method in methods:
        get_method(method)
    chance = float(np.mean(masks))
    for method in methods:
        for index, subject in enumerate(subjects):
            shares = _shares(subject, pictures, masks, targets, method, (params or {}).get(method))
            interval = asdict(bootstrap_mean(shares))
            yield {"net": index, "method": method, "chance": chance, "shares": shares, **interval}


def _shares(
    subject: Subject,
    pictures: np.ndarray,
    masks: np.ndarray,
    targets: Sequence[int],
    method: str,
    params: Mapping[str, object] | None,
) -> np.ndarray:
    attributions = []
    for start in range(0, len(pictures), _PICTURES_AT_ONCE):
        part = slice(start, start + _PICTURES_AT_ONCE)
        attributions += explain_batch(
            subject.net,
            subject.input(pictures[part]),
            targets[part],
            method,
            normalise=subject.normalise,
            params=params,
        )
    return np.array([object_share(a.map, mask) for a, mask in zip(attributions, masks, strict=True)])
