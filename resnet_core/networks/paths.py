"""The paths through a network: each block with a skip is passed through its branch or around it. No torch.

After Veit et al. 2016, "Residual Networks Behave Like Ensembles" (https://arxiv.org/abs/1605.06431).
"""

import math

from resnet_core.networks.spec import NetSpec


def count_paths(spec: NetSpec) -> int:
    """The number of paths from input to output: 2 to the power of the number of skips."""
    return 2 ** sum(spec.active_skips())


def path_lengths(spec: NetSpec) -> dict[int, int]:
    """Blocks passed through their branch -> number of such paths: binomial, shifted by the blocks without a skip."""
    skips = sum(spec.active_skips())
    fixed = spec.n_blocks - skips
    return {fixed + taken: math.comb(skips, taken) for taken in range(skips + 1)}
