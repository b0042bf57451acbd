"""What a comparison of depths says, in sentences made of its numbers. No torch."""

from collections.abc import Mapping, Sequence

import pandas as pd

from resnet_core.formatting import escape_markdown, percent
from resnet_core.runs.depth_comparison import NetworkRuns
from resnet_core.training.recipe import Recipe


def describe_errors(networks: Sequence[NetworkRuns], epochs: pd.DataFrame) -> str:
    """Each network's training and test error after its last epoch, and what more depth did to the training error.

    `epochs` has the columns of `RunStore.epochs`, for all runs of the networks.
    """
    last = epochs.sort_values("epoch").groupby("run").last()
    ends = {network: last.loc[[run.id for run in network.runs]] for network in networks}
    n = len(networks[0].runs)
    errors = [
        f"**{escape_markdown(network.first.name)}** ends with {_mean(end.train_error)} of its training and "
        f"{_mean(end.test_error)} of its test pictures wrong"
        for network, end in ends.items()
    ]
    seeds = (
        "One run each (n = 1): small differences are chance."
        if n == 1
        else f"Means over {n} seeds (n = {n}), ± one standard deviation."
    )
    effect = describe_depth_effect({network: end.train_error for network, end in ends.items()})
    return " ".join(filter(None, [f"{'; '.join(errors)}.", seeds, effect]))


def describe_depth_effect(train_errors: Mapping[NetworkRuns, pd.Series]) -> str:
    """How the training error (a fraction, one a seed) changed from the shallower to the deeper network of each kind;
    empty where there is one depth only.
    """
    texts = []
    for kind, words in (("plain", "without skips"), ("residual", "with skips")):
        by_depth = [(network.depth, errors.mean()) for network, errors in train_errors.items() if network.kind == kind]
        if len(by_depth) < 2:
            continue
        (shallow, before), (deep, after) = sorted(by_depth)
        texts.append(
            f"going from {shallow} to {deep} layers {words} {'raised' if after > before else 'lowered'} the *training* "
            f"error by {100 * abs(after - before):.1f} percentage points"
        )
    return f"Here {' and '.join(texts)}." if texts else ""


def describe_training(networks: Sequence[NetworkRuns]) -> str:
    """Data, recipe, seeds and device, the same for all of the networks."""
    runs = networks[0].runs
    seeds = ", ".join(str(run.recipe["seed"]) for run in runs)
    return (
        f"Data: {escape_markdown(runs[0].dataset)}. {Recipe.from_dict(runs[0].recipe).describe()} "
        f"Seed{'s' * (len(runs) > 1)} {seeds}, {escape_markdown(str(runs[0].device_name))}."
    )


def _mean(errors: pd.Series) -> str:
    """The mean over seeds, with their spread where there is one."""
    spread = f" ± {percent(errors.std())}" if len(errors) > 1 else ""
    return f"{percent(errors.mean())}{spread}"
