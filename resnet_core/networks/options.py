"""The choices of a design: each allowed value of a field with its title, a sentence of help and its paper. No torch.

Pages build their controls from these tables; `validation` takes the allowed values from them.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Paper:
    """A source: how it is cited, and where to read it."""

    cite: str
    url: str


HE_2015 = Paper("He et al. 2015, Deep Residual Learning", "https://arxiv.org/abs/1512.03385")
HE_2016 = Paper("He et al. 2016, Identity Mappings in Deep Residual Networks", "https://arxiv.org/abs/1603.05027")
HE_INIT = Paper("He et al. 2015, Delving Deep into Rectifiers", "https://arxiv.org/abs/1502.01852")
HIGHWAY = Paper("Srivastava et al. 2015, Highway Networks", "https://arxiv.org/abs/1505.00387")
ALEXNET = Paper("Krizhevsky 2014, One weird trick", "https://arxiv.org/abs/1404.5997")
VGG = Paper("Simonyan & Zisserman 2014, Very Deep Convolutional Networks", "https://arxiv.org/abs/1409.1556")
BATCH_NORM = Paper("Ioffe & Szegedy 2015, Batch Normalization", "https://arxiv.org/abs/1502.03167")
GLOROT = Paper("Glorot & Bengio 2010", "https://proceedings.mlr.press/v9/glorot10a.html")
GOYAL = Paper("Goyal et al. 2017, Accurate, Large Minibatch SGD", "https://arxiv.org/abs/1706.02677")
SKIPINIT = Paper("De & Smith 2020, Batch Normalization Biases Residual Blocks", "https://arxiv.org/abs/2002.10444")
FIXUP = Paper("Zhang et al. 2019, Fixup Initialization", "https://arxiv.org/abs/1901.09321")
STOCHASTIC_DEPTH = Paper("Huang et al. 2016, Stochastic Depth", "https://arxiv.org/abs/1603.09382")
KRIZHEVSKY_2012 = Paper(
    "Krizhevsky et al. 2012, ImageNet Classification",
    "https://papers.nips.cc/paper/4824-imagenet-classification-with-deep-convolutional-neural-networks",
)


@dataclass(frozen=True)
class Option:
    """One allowed value of a field: its title in a select box, a sentence of help, the paper it comes from."""

    title: str
    help: str
    paper: Paper | None = None


FAMILIES = {
    "plain": Option("Plain", "Each layer sees only the one before it; nothing goes around.", HE_2015),
    "residual": Option(
        "Residual (ResNet)", "Each block adds its input to what it computes: y = ReLU(F(x) + x).", HE_2015
    ),
    "preact": Option(
        "Pre-activation residual",
        "Batch norm and ReLU stand before each convolution, so the shortcut is an identity from end to end.",
        HE_2016,
    ),
    "highway": Option("Highway", "A learned gate T mixes layer and input: y = H(x)·T(x) + x·(1 − T(x)).", HIGHWAY),
    "alexnet": Option("AlexNet", "Five convolutions and three fully connected layers, in one column.", ALEXNET),
    "vgg": Option("VGG", "3x3 convolutions only, in five groups, then three fully connected layers.", VGG),
}

BLOCKS = {
    "basic": Option("Basic", "Two 3x3 convolutions.", HE_2015),
    "bottleneck": Option(
        "Bottleneck", "1x1 narrows, 3x3 works, 1x1 widens fourfold: deeper at the same cost.", HE_2015
    ),
}

SHORTCUTS = {
    "A": Option(
        "A: identity, padded with zeros",
        "No parameters: where the shape changes, every second pixel, new channels 0.",
        HE_2015,
    ),
    "B": Option(
        "B: projection where the shape changes",
        "A 1x1 convolution only where size or channels change.",
        HE_2015,
    ),
    "C": Option("C: projection everywhere", "Every shortcut is a 1x1 convolution, none an identity.", HE_2015),
}

NORMS = {
    "batch": Option(
        "Batch norm",
        "Each channel is brought to mean 0 and variance 1 over the batch, then scaled.",
        BATCH_NORM,
    ),
    "none": Option("None", "No normalisation; convolutions have a bias instead.", None),
}

WEIGHT_INITS = ("he", "xavier", "default", "gaussian")
"""Initialisations that say from which distribution each weight is drawn."""

BRANCH_INITS = ("zero_gamma", "skipinit", "fixup")
"""Initialisations that make each block with a skip begin as an identity."""

INITS = {
    "he": Option("He", "Normal with variance 2/fan-in: keeps the signal's size through ReLUs.", HE_INIT),
    "xavier": Option("Xavier", "Uniform with variance 2/(fan-in + fan-out): made for linear and tanh layers.", GLOROT),
    "default": Option("PyTorch's default", "Uniform with variance 1/(3·fan-in): what one gets without asking.", None),
    "gaussian": Option("Small Gaussian", "Normal with standard deviation 0.01, as AlexNet started.", KRIZHEVSKY_2012),
    "zero_gamma": Option("He, last gain of each block 0", "The last batch norm of each block starts at gain 0.", GOYAL),
    "skipinit": Option("SkipInit", "Each branch is multiplied by one learned number that starts at 0.", SKIPINIT),
    "fixup": Option(
        "Fixup",
        "Branches scaled down by depth, their last layer and the classifier at 0, scalar biases.",
        FIXUP,
    ),
}

MERGES = {
    "identity": Option("Added as it is", "y = F(x) + strength · x", HE_2015),
    "scaled": Option("Constant scaling", "y = (1 − strength) · F(x) + strength · x; the paper takes 0.5.", HE_2016),
    "exclusive_gate": Option("Exclusive gate", "y = g(x) · F(x) + (1 − g(x)) · x, as in highway networks.", HE_2016),
    "shortcut_gate": Option("Shortcut-only gate", "y = F(x) + (1 − g(x)) · x", HE_2016),
    "dropout": Option("Dropout on the shortcut", "Half of the shortcut's values are dropped while training.", HE_2016),
}

GATED_MERGES = ("exclusive_gate", "shortcut_gate")

ORDERS = {
    "standard": Option(
        "As the family has it",
        "Residual: conv, BN, ReLU, conv, BN, add, ReLU. Pre-activation: BN, ReLU, conv, twice, add.",
        HE_2016,
    ),
    "bn_after_add": Option(
        "BN after addition", "The last batch norm acts on the sum: the shortcut is no longer free.", HE_2016
    ),
    "relu_before_add": Option("ReLU before addition", "The branch can only add, never take away.", HE_2016),
    "relu_only_preact": Option("ReLU-only pre-activation", "ReLU before, batch norm after each convolution.", HE_2016),
}

ORDERS_OF_FAMILY = {
    "residual": ("standard", "bn_after_add", "relu_before_add"),
    "preact": ("standard", "relu_only_preact"),
}

LAYOUTS = {
    "cifar": Option("CIFAR", "3x3 stem, three stages at 32, 16 and 8 pixels.", HE_2015),
    "imagenet": Option("ImageNet", "Four stages; a 7x7 stem and a pool at 224 pixels, a 3x3 stem at 32.", HE_2015),
}

CHOICES = {
    "family": FAMILIES,
    "block": BLOCKS,
    "shortcut": SHORTCUTS,
    "norm": NORMS,
    "init": INITS,
    "merge": MERGES,
    "order": ORDERS,
    "layout": LAYOUTS,
}
"""Field of NetSpec -> its allowed values."""
