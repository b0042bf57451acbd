"""Results that papers report for networks that can be built here. No torch."""

from resnet_core.networks.spec import NetSpec

HE_2015_TABLE_6 = {20: 0.0875, 32: 0.0751, 44: 0.0717, 56: 0.0697, 110: 0.0643}
"""Depth -> test error on CIFAR-10 (He et al. 2015, https://arxiv.org/abs/1512.03385), one run each; of 110 layers the
best of five, whose mean and standard deviation are 6.61 % and 0.16. For its plain networks the paper reports no
numbers, only curves (figure 6)."""


def reported_error(spec: NetSpec) -> float | None:
    """The test error, from 0 to 1, that the paper reports for exactly this network; None where it reports none."""
    return HE_2015_TABLE_6.get(spec.depth) if spec == NetSpec(depth=spec.depth) else None
