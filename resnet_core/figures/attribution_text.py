"""The text around a grid of attribution maps, so that it can stand without the page. No torch."""

from collections.abc import Iterable, Mapping, Sequence

from resnet_core.attribution.explain_result import Attribution
from resnet_core.attribution.methods import METHODS
from resnet_core.figures.attribution_png import GridText
from resnet_core.trained.net import TrainedNet

Maps = Mapping[str, Mapping[str, Attribution]]
"""Network -> method -> map."""


def grid_text(nets: Sequence[TrainedNet], picture: str, maps: Maps, strength: float) -> GridText:
    """Title and notes for the maps of networks that know the same classes.

    Args:
        picture: where the picture comes from and what it shows, in words.
        strength: how far the maps cover the picture, 0 to 1.
    """
    classes = nets[0].facts.classes
    targets = {net.id: classes[next(iter(maps[net.id].values())).target] for net in nets}
    differ = len(set(targets.values())) > 1
    described = ", ".join(f"{net.name} ({net.id}, trained on {net.facts.dataset})" for net in nets)
    methods = {method: text for method in maps[nets[0].id] if (text := _settings_of_all(nets, maps, method))}
    return GridText(
        title=describe_question(targets.values()),
        targets={net: f"asked about: {name}" for net, name in targets.items()} if differ else {},
        notes=[
            f"Picture: {picture}. Networks: {described}.",
            *(f"{METHODS[method].title}: {text}." for method, text in methods.items()),
            "One scale for each column, up to the 99th percentile of its strongest map. "
            f"Maps cover the picture to {100 * strength:.0f} %. Made with the Skip Connection Explorer.",
        ],
    )


def describe_question(classes: Iterable[str]) -> str:
    """The question that maps about these classes answer."""
    return f"What speaks for {' or '.join(sorted(set(classes)))}"


def describe_settings(attribution: Attribution) -> str:
    """Every setting that was used, and how coarse the map is where it is coarser than the picture; empty for a method
    that has none.
    """
    words = [f"{name} {value}" for name, value in attribution.params.items()]
    if attribution.native is not None:
        height, width = attribution.native.shape
        words.append(f"computed at {height} × {width}, enlarged")
    return ", ".join(words)


def _settings_of_all(nets: Sequence[TrainedNet], maps: Maps, method: str) -> str:
    """The settings of a method, once where the networks share them."""
    texts = {net.name: describe_settings(maps[net.id][method]) for net in nets}
    if len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return "; ".join(f"{text} ({name})" for name, text in texts.items())
