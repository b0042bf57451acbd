"""Four questions to start from about the gradient at step 0, each with the designs to compare. No torch."""

from dataclasses import dataclass

from resnet_core.networks.spec import NetSpec

DEPTH = 56
"""Deep enough for every effect to show, in a third of the time that depth 110 takes."""


@dataclass(frozen=True)
class Case:
    """A question and the designs that answer it when they are measured side by side. The answer is left to measurement.

    Attributes:
        specs: the designs; the others are compared with the first.
        quantity: one of trends.QUANTITIES, or one of Step0Result's statistics of the signal, that shows the answer.
    """

    title: str
    question: str
    specs: tuple[NetSpec, ...]
    quantity: str


def _plain(norm: str = "batch", init: str = "he") -> NetSpec:
    return NetSpec(family="plain", depth=DEPTH, norm=norm, init=init)


def _residual(norm: str = "batch", init: str = "he") -> NetSpec:
    return NetSpec(family="residual", depth=DEPTH, norm=norm, init=init)


CASES = (
    # Hanin 2018, Exploding and Vanishing Gradients, https://arxiv.org/abs/1801.03744
    Case(
        "No batch norm: the start decides",
        "In a plain net without batch norm, under which starts does the gradient vanish?",
        tuple(_plain("none", init) for init in ("default", "xavier", "gaussian", "he")),
        "grad_rms",
    ),
    Case(
        "No batch norm, a small start: what skips do",
        "If the gradient vanishes in the plain net, do skips bring it back?",
        (_plain("none", "default"), _residual("none", "default")),
        "grad_rms",
    ),
    # Yang et al. 2019, A Mean Field Theory of Batch Normalization, https://arxiv.org/abs/1902.08129
    Case(
        "Batch norm, as in the paper: with and without skips",
        "With batch norm, does the gradient of the plain net vanish towards the input, or grow?",
        (_plain(), _residual()),
        "grad_rms",
    ),
    # De, Smith 2020, Batch Normalization Biases Residual Blocks, https://arxiv.org/abs/2002.10444
    Case(
        "Skips, He's start, no batch norm: and two cures",
        "What do skips do to signal and gradient when nothing normalises them, and what cures it?",
        (_residual("none"), _residual("none", "skipinit"), _residual("none", "fixup"), _residual()),
        "variance",
    ),
)
