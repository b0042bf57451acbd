"""What one set of trained weights does with and without skips, as numbers. No torch."""

from dataclasses import dataclass

from resnet_core.networks.spec import NetSpec

AS_TRAINED, REMOVED, ADDED = "as trained", "all removed", "all added"


@dataclass(frozen=True)
class SameWeights:
    """The weights in one of the three networks. Loss: mean cross-entropy in nats; error: a fraction, 0 to 1.

    ``loss`` and ``error`` use batch norm's running statistics from training. Those belong to the network as it was
    trained, and part of what goes wrong in another one is only that they no longer fit. ``loss_recalibrated`` and
    ``error_recalibrated`` use statistics computed anew on the pictures themselves; both are None without batch norm.
    ``impossible``: a sentence that says why the weights cannot be used in this network; then there are no numbers.
    """

    skips: str  # AS_TRAINED, REMOVED or ADDED
    spec: NetSpec | None
    loss: float | None = None
    error: float | None = None
    loss_recalibrated: float | None = None
    error_recalibrated: float | None = None
    impossible: str | None = None
