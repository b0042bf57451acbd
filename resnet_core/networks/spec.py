"""`NetSpec`: everything that tells one network from another, as plain values. No torch.

A spec is checked once, when it is made, and frozen, so it can key a cache, name a run and travel in a link.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from resnet_core.errors import SpecError
from resnet_core.networks import limits, naming, query, validation
from resnet_core.networks.depths import blocks_per_stage


@dataclass(frozen=True)
class NetSpec:
    """One network.

    family: "plain", "residual" (ReLU after the addition), "preact" (BN and ReLU before each convolution), "highway",
        "alexnet" or "vgg".
    depth: layers with weights on the longest path. CIFAR layout: 6n+2 with basic blocks, 9n+2 with bottlenecks.
    width: channels of the first stage; each later stage doubles them.
    block: "basic" (two 3x3 convolutions) or "bottleneck" (1x1, 3x3, 1x1 with four times the channels out).
    shortcut: "A" identity, zero-padded where the shape changes; "B" a projection there; "C" projections everywhere
        (He et al. 2015, sections 3.3 and 4.1; "C" is the "1x1 conv shortcut" of He et al. 2016, Table 1).
    norm: "batch" or "none".
    init: how the weights are initialised; see `options.INITS`.
    skips: "all", "none", or a "1" or "0" for each block from the input to the output. Left empty, it becomes what is
        usual for the family.
    skip_strength: what the shortcut is multiplied by, 0 to 1.
    merge: how shortcut and branch meet (He et al. 2016, Table 1); see `options.MERGES`.
    order: where BN and ReLU stand (He et al. 2016, Table 2); see `options.ORDERS`.
    gate_bias: initial bias of the gates; -2 as in Srivastava et al. 2015 (https://arxiv.org/abs/1505.00387).
    drop_path: stochastic depth (Huang et al. 2016, https://arxiv.org/abs/1603.09382): the probability, below 1, that a
        training step leaves out the last block's branch; it falls linearly to nearly 0 at the first block.
    layout: "cifar" (three stages) or "imagenet" (four stages, or AlexNet's and VGG's own).
    num_classes: number of logits.
    image_size: 32 or 224, the side in pixels of the square pictures it is made for; decides the stem.

    Raises SpecError, a sentence that names the value, the field and what is allowed.
    """

    family: str = "residual"
    depth: int = 20
    width: int = 16
    block: str = "basic"
    shortcut: str = "A"
    norm: str = "batch"
    init: str = "he"
    skips: str = ""
    skip_strength: float = 1.0
    merge: str = "identity"
    order: str = "standard"
    gate_bias: float = -2.0
    drop_path: float = 0.0
    layout: str = "cifar"
    num_classes: int = 10
    image_size: int = 32

    def __post_init__(self) -> None:
        validation.check_fields(self)
        object.__setattr__(self, "skips", validation.canonical_skips(self))
        for field in ("skip_strength", "gate_bias", "drop_path"):
            object.__setattr__(self, field, float(getattr(self, field)))
        validation.check_combination(self)
        limits.check_size(self)

    @property
    def stages(self) -> tuple[int, ...]:
        """Blocks in each stage. AlexNet and VGG: one stage of the convolutions after the first."""
        return blocks_per_stage(self)

    @property
    def n_blocks(self) -> int:
        """Blocks that have, or could have, a skip; `Network.observed_blocks` also has the stem."""
        return sum(self.stages)

    @property
    def name(self) -> str:
        """For people: "ResNet-20", "Plain-56 · no BN", "ResNet-20 · skips 110110110"."""
        return naming.long_name(self)

    @property
    def short_name(self) -> str:
        """For legends and axes: "ResNet-20 6/9 skips"."""
        return naming.short_name(self)

    @property
    def kind(self) -> str:
        """How it is drawn: "plain", "residual", "highway", or "mixed" where only some blocks have a skip."""
        active = self.active_skips()
        if not any(active):
            return "plain"
        if not all(active):
            return "mixed"
        return "highway" if self.family == "highway" else "residual"

    def skip_mask(self) -> tuple[bool, ...]:
        """For each block, input to output, whether it has its skip."""
        if self.skips in ("all", "none"):
            return (self.skips == "all",) * self.n_blocks
        return tuple(bit == "1" for bit in self.skips)

    def active_skips(self) -> tuple[bool, ...]:
        """The skip mask, without skips of strength 0, which carry nothing."""
        return tuple(on and self.skip_strength > 0 for on in self.skip_mask())

    def with_skips(self, skips: str | Sequence[bool]) -> "NetSpec":
        """The same network with other skips: "all", "none", a pattern of "1" and "0", or a mask.

        A plain network becomes a residual one when it is given a skip.
        """
        if not isinstance(skips, str):
            skips = "".join("1" if on else "0" for on in skips)
        if self.family == "plain" and set(skips) != {"0"} and skips != "none":
            return dataclasses.replace(self, family="residual", skips=skips)
        return dataclasses.replace(self, skips=skips)

    def every_kth(self, k: int) -> "NetSpec":
        """Skips on blocks 1, 1+k, 1+2k ... only. SpecError when k is below 1."""
        if k < 1:
            raise SpecError(f"A skip on every {k}th block makes no sense: k is 1 or more.")
        return self.with_skips([index % k == 0 for index in range(self.n_blocks)])

    def only_stage(self, stage: int) -> "NetSpec":
        """Skips in one stage only, counted from 1. SpecError when there is no such stage."""
        if not 1 <= stage <= len(self.stages):
            raise SpecError(f"{self.name} has no stage {stage}: it has stages 1 to {len(self.stages)}.")
        return self.with_skips([at == stage for at, n in enumerate(self.stages, 1) for _ in range(n)])

    def twin(self) -> "NetSpec":
        """The network to compare this one with: the same tensors without the skips, or with them.

        The twin of a plain network is the residual one, and the other way round. A network whose skips are of another
        kind (pre-activation, highway, gated, reordered ...) stays in its family and has all skips or none.

        Raises SpecError for AlexNet and VGG, which have no place for a skip.
        """
        if self.family in ("alexnet", "vgg"):
            raise SpecError(f"{self.name} has no twin: its layers have no place for a skip connection.")
        if self.family == "plain":
            return dataclasses.replace(self, family="residual", skips="all")
        if self.family == "residual" and self.merge == "identity" and self.order == "standard":
            return dataclasses.replace(
                self, family="plain", skips="none", shortcut="A", skip_strength=1.0, drop_path=0.0
            )
        if self.skips == "none":
            return self.with_skips("all")
        return dataclasses.replace(self, skips="none", drop_path=0.0)

    def to_dict(self) -> dict[str, str | int | float]:
        """Every field, as JSON can hold it."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "NetSpec":
        """The inverse of `to_dict`; missing fields take their defaults, unknown ones raise SpecError."""
        known = [field.name for field in dataclasses.fields(cls)]
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise SpecError(f"A network has no field {unknown[0]!r}. The fields are {', '.join(known)}.")
        return cls(**values)

    def to_query(self) -> str:
        """The whole design as a short string, safe in a link: "residual-20", "plain-56~nnone~ixavier"."""
        return query.encode(self)

    @classmethod
    def from_query(cls, text: str) -> "NetSpec":
        """The inverse of `to_query`. Raises SpecError for a string that is not a design."""
        return cls(**query.decode(text, cls))
