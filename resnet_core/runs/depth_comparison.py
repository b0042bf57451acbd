"""Which runs compare plain and residual networks of two depths, as figure 1 of He et al. 2015 does. No torch."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from resnet_core.networks.spec import NetSpec
from resnet_core.runs.run import Run

PAPER_DEPTHS = (20, 56)
"""The depths of figure 1 of He et al. 2015 (https://arxiv.org/abs/1512.03385)."""

KINDS = ("plain", "residual")

_NOT_COMPARED = ("seed", "log_every", "name")  # fields of a recipe in which the runs may differ

RunsBySeed = Mapping[int, Run]
Comparable = Mapping[tuple[str, int], RunsBySeed]  # (kind, depth) -> runs


@dataclass(frozen=True, eq=False)
class NetworkRuns:
    """The runs of one network that differ in their seed alone, by one recipe on one dataset.

    Attributes:
        kind: "plain" or "residual".
        runs: one for each seed, the lowest seed first.
    """

    kind: str
    depth: int
    runs: tuple[Run, ...]

    @property
    def first(self) -> Run:
        """The run of the lowest seed: its layers stand for the network's."""
        return self.runs[0]


def find_depth_comparison(runs: Iterable[Run]) -> list[NetworkRuns]:
    """A plain and a residual network of two depths, or of one, trained alike on the same data with the same seeds.

    Of all such sets in `runs`, the one with most networks; of equal ones the newest. Empty when there is none.
    """
    sets = [networks for comparable in _trained_alike(runs) if (networks := _choose_depths(comparable))]
    return max(sets, key=lambda networks: (len(networks), _newest(networks)), default=[])


def _trained_alike(runs: Iterable[Run]) -> list[Comparable]:
    """Finished runs of networks that differ in depth and skips alone, by one recipe on one dataset; of each network
    and seed the newest. One that still trains, or was stopped, has learned for less long than the others.
    """
    alike: dict[tuple[str, str, str], dict[tuple[str, int], dict[int, Run]]] = defaultdict(lambda: defaultdict(dict))
    for run in runs:
        spec = NetSpec.from_dict(run.spec)
        if run.state == "done" and run.epoch and spec.family in KINDS and spec.kind in KINDS:
            recipe = {field: value for field, value in run.recipe.items() if field not in _NOT_COMPARED}
            rest = {field: value for field, value in run.spec.items() if field not in ("family", "depth", "skips")}
            key = run.dataset, str(sorted(recipe.items())), str(sorted(rest.items()))
            alike[key][spec.kind, spec.depth][run.recipe["seed"]] = run
    return list(alike.values())


def _choose_depths(comparable: Comparable) -> list[NetworkRuns]:
    """The paper's two depths where they are, else the shallowest and the deepest that have both kinds with a seed in
    common; of each network the seeds that all of them have.
    """
    depths = sorted({depth for _, depth in comparable if _common_seeds(comparable, [depth])})
    if set(PAPER_DEPTHS) <= set(depths):
        depths = list(PAPER_DEPTHS)
    if len(depths) > 2:
        depths = [depths[0], depths[-1]]
    if len(depths) == 2 and not _common_seeds(comparable, depths):
        depths = depths[-1:]
    seeds = sorted(_common_seeds(comparable, depths))
    return [
        NetworkRuns(kind, depth, tuple(comparable[kind, depth][seed] for seed in seeds))
        for depth in depths
        for kind in KINDS
    ]


def _common_seeds(comparable: Comparable, depths: Sequence[int]) -> set[int]:
    """The seeds that both kinds of network have at all of these depths."""
    by_network = [set(comparable.get((kind, depth), ())) for depth in depths for kind in KINDS]
    return set.intersection(*by_network) if by_network else set()


def _newest(networks: Sequence[NetworkRuns]) -> float:
    """When the newest of these runs was made."""
    return max(run.created for network in networks for run in network.runs)
