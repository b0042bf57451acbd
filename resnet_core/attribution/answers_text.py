"""What networks answer and whether they doubt a picture, in sentences. No torch."""

from collections.abc import Mapping

from resnet_core.attribution.out_of_distribution import OOD_SHARE
from resnet_core.formatting import escape_markdown


def describe_answers(answers: Mapping[str, str], n_classes: int) -> str:
    """Who answers what, without promising more than a small network can.

    Args:
        answers: name of the network -> class that it finds most probable.
        n_classes: how many classes the networks know.
    """
    only = f"They know {n_classes} classes only and must pick one, also when the picture shows none of them."
    if len(set(answers.values())) == 1:
        name, answer = next(iter(answers.items()))
        who = f"{name} answers" if len(answers) == 1 else f"All {len(answers)} networks answer"
        return f"{who} {answer}. {only}"
    return "They disagree: " + "; ".join(f"{name} answers {answer}" for name, answer in answers.items()) + f". {only}"


def describe_doubt(name: str, below: float, own_pictures: str) -> str:
    """That a picture likely shows none of a network's classes; empty where its best score gives no reason to say so.

    Args:
        below: the share of the network's own pictures with a lower best score, see `out_of_distribution.share_below`.
        own_pictures: what these are, such as "500 test pictures of CIFAR-10".
    """
    if below > OOD_SHARE:
        return ""
    above = int(100 * (1 - below) + 1e-9)  # rounded down: 99.8 % are not all
    than = "than for any" if below == 0 else f"than for {above} %"
    return (
        f"**{escape_markdown(name)}**: its best score is lower {than} of {escape_markdown(own_pictures)}: "
        "the picture likely shows none of its classes."
    )
