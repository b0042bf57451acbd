"""How large a network may be: checked on the spec alone, before anything is built. No torch.

A link, a file or a command may ask for any network, and depth and width that are fine alone can together ask for a
hundred billion parameters. A shared server must say no before it has counted them all out in memory.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from resnet_core.errors import SpecError
from resnet_core.networks.costs import count_costs

if TYPE_CHECKING:
    from resnet_core.networks.spec import NetSpec

MAX_PARAMETERS = 200_000_000
"""The largest network of the papers, VGG-19 at 224 pixels, has 144 million. Training keeps four numbers of 4 bytes for
each (weight, gradient, momentum and a working copy), so this is 3.2 GB."""

MAX_ACTIVATION_BYTES = 1_000_000_000
"""What a training step keeps of one picture, in float32; ResNet-152 at 224 pixels keeps 0.18 GB."""

_SMALL_WIDTH = 16
_SMALL_DEPTH = 2000


@lru_cache(maxsize=4096)
def check_size(spec: NetSpec) -> None:
    """Raise SpecError, naming the number and the limit, for a network that is too large."""
    if _is_surely_small(spec):
        return
    costs = count_costs(spec)
    parameters, gigabytes = costs.parameters, costs.activation_bytes_per_image / 1e9
    if parameters > MAX_PARAMETERS:
        raise SpecError(
            f"{spec.name} would have {parameters / 1e6:,.0f} million parameters; at most "
            f"{MAX_PARAMETERS // 1_000_000} million are built here: take a smaller depth or width."
        )
    if costs.activation_bytes_per_image > MAX_ACTIVATION_BYTES:
        raise SpecError(
            f"{spec.name} would keep {gigabytes:,.1f} GB for each picture while it trains, "
            f"and at most {MAX_ACTIVATION_BYTES / 1e9:.0f} GB fit here: take a smaller depth or width."
        )


def _is_surely_small(spec: NetSpec) -> bool:
    """Whether it lies within both limits whatever else it is made of: counting takes a tenth of a second for a thousand
    layers, and specs are made often."""
    return (
        spec.layout == "cifar"
        and spec.block == "basic"
        and spec.width <= _SMALL_WIDTH
        and spec.depth <= _SMALL_DEPTH
        and spec.num_classes <= 1000
    )
