"""Which of the runs that are here tell the story of depth and skips. No torch."""

from collections import defaultdict
from dataclasses import dataclass

from pages.parts.backend import store
from resnet_core.networks.spec import NetSpec
from resnet_core.runs.run import Run

PAPER_PAIR = (20, 56)
"""The depths of figure 1 of He et al. 2015."""
DOES_NOT_SHAPE = ("seed", "log_every", "name")
"""Fields of a recipe in which runs that are averaged or compared may differ."""


@dataclass(frozen=True, eq=False)
class Told:
    """One network of the story: its runs, of one recipe and dataset, by seed."""

    kind: str  # "plain" or "residual"
    depth: int
    runs: tuple[Run, ...]

    @property
    def first(self) -> Run:
        """The run whose layers are drawn."""
        return self.runs[0]


def told() -> list[Told]:
    """A plain and a residual network of two depths, or of one, trained alike on one dataset: of all such sets the one
    with most networks, of equal ones the newest. Empty when there is none."""
    sets = [chosen for alike in trained_alike() if (chosen := pairs(alike))]
    return max(sets, key=lambda networks: (len(networks), newest(networks)), default=[])


def trained_alike() -> list[dict[tuple[str, int], dict[int, Run]]]:
    """Runs of networks that differ in depth and skips alone, by one recipe on one dataset: by kind and depth, and
    then by seed, the newest of each."""
    alike = defaultdict(lambda: defaultdict(dict))
    for run in store().runs():
        spec = NetSpec.from_dict(run.spec)
        if run.epoch and spec.family in ("plain", "residual") and spec.kind in ("plain", "residual"):
            recipe = {key: value for key, value in run.recipe.items() if key not in DOES_NOT_SHAPE}
            rest = {key: value for key, value in run.spec.items() if key not in ("family", "depth", "skips")}
            alike[run.dataset, str(sorted(recipe.items())), str(sorted(rest.items()))][spec.kind, spec.depth][
                run.recipe["seed"]
            ] = run
    return list(alike.values())


def pairs(alike: dict[tuple[str, int], dict[int, Run]]) -> list[Told]:
    """The networks of the shallowest and the deepest depth that has both kinds with a seed in common; the paper's two
    where they are. Only seeds that all of them have."""
    depths = sorted({depth for _, depth in alike if common_seeds(alike, [depth])})
    if set(PAPER_PAIR) <= set(depths):
        depths = list(PAPER_PAIR)
    depths = list(dict.fromkeys([depths[0], depths[-1]])) if depths else []
    if len(depths) == 2 and not common_seeds(alike, depths):
        depths = depths[-1:]
    seeds = sorted(common_seeds(alike, depths))
    return [
        Told(kind, depth, tuple(alike[kind, depth][seed] for seed in seeds))
        for depth in depths
        for kind in ("plain", "residual")
    ]


def common_seeds(alike: dict[tuple[str, int], dict[int, Run]], depths: list[int]) -> set[int]:
    """The seeds that both kinds of network have at all of these depths."""
    by_network = [set(alike.get((kind, depth), ())) for depth in depths for kind in ("plain", "residual")]
    return set.intersection(*by_network) if by_network else set()


def newest(networks: list[Told]) -> float:
    """When the newest of these runs was made."""
    return max(run.created for network in networks for run in network.runs)
