"""The four questions to start from on the gradient at step 0: designs to lay side by side, one click each. No torch."""

from dataclasses import dataclass

from resnet_core.networks.options import Paper
from resnet_core.networks.spec import NetSpec

DEPTH = 56
"""Deep enough for every effect to show, and a third of the time that depth 110 takes."""


@dataclass(frozen=True)
class Case:
    """Designs to compare, the first being what the others are compared with.

    question: what the figure answers. look_at: which of trends.QUANTITIES, or of the profile's columns of the
    signal, shows it. It claims no answer: that is measured.
    """

    key: str
    title: str
    question: str
    specs: tuple[NetSpec, ...]
    look_at: tuple[str, ...]
    paper: Paper


YANG_2019 = Paper("Yang et al. 2019, A Mean Field Theory of Batch Normalization", "https://arxiv.org/abs/1902.08129")
HANIN_2018 = Paper("Hanin 2018, Exploding and Vanishing Gradients", "https://arxiv.org/abs/1801.03744")
DE_2020 = Paper("De & Smith 2020, Batch Normalization Biases Residual Blocks", "https://arxiv.org/abs/2002.10444")


def cases(depth: int = DEPTH) -> tuple[Case, ...]:
    """The four cases, at depth 6n+2. Raises SpecError for another depth."""

    def net(family: str, **fields) -> NetSpec:
        return NetSpec(family=family, depth=depth, **fields)

    bare = {"norm": "none"}
    return (
        Case(
            "start",
            "No batch norm: the start decides",
            "In a plain net without batch norm, under which starts does the gradient vanish?",
            tuple(net("plain", init=init, **bare) for init in ("default", "xavier", "gaussian", "he")),
            ("grad_rms", "variance"),
            HANIN_2018,
        ),
        Case(
            "skips",
            "No batch norm, a small start: what skips do",
            "If the gradient vanishes in the plain net, do skips bring it back?",
            (net("plain", init="default", **bare), net("residual", init="default", **bare)),
            ("grad_rms", "weight_grad_rms"),
            HANIN_2018,
        ),
        Case(
            "batch-norm",
            "Batch norm, as in the paper: with and without skips",
            "With batch norm, does the gradient of the plain net vanish towards the input, or grow?",
            (net("plain"), net("residual")),
            ("grad_rms", "grad_over_weight"),
            YANG_2019,
        ),
        Case(
            "explosion",
            "Skips, He's start, no batch norm: and two cures",
            "What do skips do to signal and gradient when nothing normalises them, and what cures it?",
            (
                net("residual", **bare),
                *(net("residual", init=i, **bare) for i in ("skipinit", "fixup")),
                net("residual"),
            ),
            ("variance", "grad_rms"),
            DE_2020,
        ),
    )
