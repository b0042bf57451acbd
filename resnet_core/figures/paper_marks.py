"""The papers' own numbers, for runs that may be compared with them. No torch."""

from collections.abc import Iterable

from resnet_core.data.cifar10 import NAME as CIFAR_10
from resnet_core.figures.curves import PaperMark
from resnet_core.formatting import percent
from resnet_core.networks.paper_results import reported_error
from resnet_core.networks.spec import NetSpec
from resnet_core.runs.run import Run
from resnet_core.training.recipe import Recipe


def paper_marks(runs: Iterable[Run]) -> list[PaperMark]:
    """He et al.'s test error for each run of their network, by their recipe, on CIFAR-10, that was trained to the end;
    none for any other run.
    """
    marks = []
    for run in runs:
        reported = reported_error(NetSpec.from_dict(run.spec))
        if reported and run.dataset == CIFAR_10 and run.state == "done" and Recipe.from_dict(run.recipe).is_paper:
            label = f"He et al. 2015, {run.name}: {percent(reported, 2)} after 64,000 steps"
            marks.append(PaperMark(reported, label, run.id))
    return marks
