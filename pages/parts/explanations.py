"""What figures on several pages show, in three sentences each. No torch."""

CURVES = (
    "Each network has two lines: thin is the error on the training pictures, thick on test pictures it has never "
    "learned from. When the thick line lies far above the thin one the network has learned pictures by heart; "
    "when *both* are worse for a deeper network, that is the degradation problem of "
    "[He et al. 2015](https://arxiv.org/abs/1512.03385), which skip connections were made for."
)

LAYERS = (
    "How large one quantity is in each layer, from the picture (left, or top) to the answer (right, or bottom), "
    "at one training step. A line that falls steeply towards the picture means that the first layers hardly learn; "
    "one that rises means that they are shaken. [He et al. 2015](https://arxiv.org/abs/1512.03385) found healthy "
    "gradients in their plain networks with batch norm, so do not expect the gradient alone to explain the error."
)
