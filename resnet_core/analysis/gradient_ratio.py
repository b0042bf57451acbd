"""How the gradient at the first block compares with that at the last, while a network trains. No torch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from resnet_core.formatting import escape_markdown, three_digits


@dataclass(frozen=True, eq=False)
class GradientRatios:
    """One training's first-to-last gradient ratio over time.

    Attributes:
        name: of the network, for people.
        is_plain: whether it has no skips.
        steps: (S,) int, the steps at which it was recorded, in order.
        ratios: (S,) from :func:`first_to_last_ratio`.
    """

    name: str
    is_plain: bool
    steps: np.ndarray
    ratios: np.ndarray


def first_to_last_ratio(grad_rms: np.ndarray) -> np.ndarray:
    """(S,): the gradient at the first block's output over that at the last block's, at each of S steps.

    Args:
        grad_rms: (S, B), RMS of the gradient at each block's output, the stem's first.

    Returns:
        inf where the last gradient is exactly 0, also where both are: nothing is known there.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = grad_rms[:, 1] / grad_rms[:, -1]
    return np.where(np.isnan(ratios), np.inf, ratios)


def describe_gradient_ratios(networks: Sequence[GradientRatios]) -> str:
    """A line for each network, and whether the gradients of the plain ones vanish towards the picture before training.

    A network without a ratio before training is left out: its last block's gradient is exactly 0, as under Fixup.
    """
    known = [network for network in networks if np.isfinite(network.ratios[0])]
    plain = [float(network.ratios[0]) for network in known if network.is_plain]
    return "\n".join(_line(network) for network in known) + "\n\n" + (_at_the_start(plain) if plain else "")


def _line(network: GradientRatios) -> str:
    least = int(network.ratios.argmin())
    return (
        f"- **{escape_markdown(network.name)}**: before training the gradient at the first block is "
        f"{three_digits(network.ratios[0])} times that at the last; the least it came to was "
        f"{three_digits(network.ratios[least])} times, at step {network.steps[least]:,}."
    )


def _at_the_start(ratios: Sequence[float]) -> str:
    """What the plain networks' gradients do before training."""
    if all(ratio >= 1 for ratio in ratios):
        what = "does not vanish on its way to the picture: it grows."
    elif all(ratio < 1 for ratio in ratios):
        what = "becomes smaller on its way to the picture."
    else:
        what = "vanishes on its way to the picture in some, and grows in others."
    return f"So before training the gradient of the plain networks here {what}"
