"""The runs that are to ship with the lab, most wanted first. No torch.

Where there is a GPU: the networks of He et al. 2015, Table 6, by the paper's recipe, with further seeds of the four
that the paper's figure compares. Without one: those four by a short recipe that a CPU can afford.
"""

import re
from dataclasses import dataclass

from resnet_core.errors import SpecError
from resnet_core.networks.presets import preset as network_preset
from resnet_core.networks.spec import NetSpec
from resnet_core.training.recipe import Recipe
from resnet_core.training.recipe import preset as recipe_preset

DATA = "cifar-10"
_NAME = re.compile(r"(?P<network>[a-z0-9-]+?)-(?P<recipe>paper-110|paper|short-\d+)-s(?P<seed>\d+)")


@dataclass(frozen=True)
class Wanted:
    """One training: a network's and a recipe's name, and the seed."""

    network: str
    recipe: str
    seed: int

    @property
    def name(self) -> str:
        """Also the name of its file: plain-20-paper-s0."""
        return f"{self.network}-{self.recipe}-s{self.seed}"

    def resolve(self) -> tuple[NetSpec, Recipe]:
        """What is trained, and how. Raises SpecError when there is no such network or recipe."""
        return network_preset(self.network), recipe_preset(self.recipe).replace(seed=self.seed)


def _paper(network: str, seed: int = 0) -> Wanted:
    return Wanted(network, "paper-110" if network.endswith("-110") else "paper", seed)


_FOUR = ("plain-20", "plain-56", "resnet-20", "resnet-56")

PAPER = (
    *(_paper(network) for network in _FOUR),
    *(_paper(network) for network in ("resnet-110", "plain-32", "resnet-32", "plain-44", "resnet-44")),
    *(_paper(network, seed) for seed in (1, 2) for network in _FOUR),
    *(_paper(network) for network in ("highway-19", "preact-110", "plain-110")),
)
SHORT = tuple(Wanted(network, "short-12", 0) for network in _FOUR)


def find_wanted(name: str) -> Wanted:
    """The training of that name, listed above or not. Raises SpecError when the name is none."""
    match = _NAME.fullmatch(name.strip().lower())
    if match is None:
        raise SpecError(
            f"{name[:60]!r} does not name a run of the gallery: that is a network, a recipe and a seed, such as "
            f"{PAPER[0].name} or {SHORT[0].name}."
        )
    found = Wanted(match["network"], match["recipe"], int(match["seed"]))
    found.resolve()
    return found
