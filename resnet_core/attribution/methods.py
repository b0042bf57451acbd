"""The table of attribution methods: the question each one answers, its limits and its settings. No torch.

Pages build their controls from this table; the computation behind each row is in `captum_calls.py`. For every method:

- `reduction` says how the values of the three colour channels, (3, H, W), become one map, (H, W): "sum" keeps the sign
  and the total (so a complete attribution still adds up to the change of the logit); "max_abs" is Simonyan et al.'s
  choice for gradients; "shared" means that the three channels were changed together and hold the same number; "cam"
  means that there is one map from the start, at the block's own resolution.
- `unit` says what a value is: a "gradient" (change of the logit for one unit of normalised input), a "contribution" (a
  part of the logit), a "drop" (how far the logit falls without it) or an "importance" (no unit).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from resnet_core.errors import LabError


class AttributionError(LabError, ValueError):
    """A question about a picture that cannot be answered: names the value and what is allowed."""


@dataclass(frozen=True)
class Param:
    """One setting of a method. Its type is that of `default`: int, float or str."""

    name: str
    title: str
    default: int | float | str
    help: str
    low: int | float | None = None
    high: int | float | None = None
    choices: tuple[str, ...] | None = None

    def check(self, value: object) -> int | float | str:
        """Return `value` in this setting's type.

        Raises:
            AttributionError: it is not allowed; says what is.
        """
        checked = self._check_text(value) if isinstance(self.default, str) else self._check_number(value)
        if checked is None:
            raise AttributionError(f"{self.name} is {value!r}; it must be {self._allowed()}.")
        return checked

    def _check_text(self, value: object) -> str | None:
        fits = isinstance(value, str) and (self.choices is None or value in self.choices)
        return str(value) if fits else None

    def _check_number(self, value: object) -> int | float | None:
        if not isinstance(value, int | float) or isinstance(value, bool) or math.isnan(value):
            return None
        if self.low is not None and self.high is not None and not self.low <= value <= self.high:
            return None
        if isinstance(self.default, float):
            return float(value)
        return int(value) if value == int(value) else None

    def _allowed(self) -> str:
        if self.choices is not None:
            return "one of " + ", ".join(self.choices)
        if self.low is not None:
            number = "a whole number" if isinstance(self.default, int) else "a number"
            return f"{number} from {self.low} to {self.high}"
        return "a name"


@dataclass(frozen=True)
class Method:
    """One row of the table.

    Attributes:
        limits: what every reader should know.
        warning: what must be shown beside the map.
        signed: whether the map has values for and against the class; otherwise all are zero or positive.
    """

    name: str
    title: str
    question: str
    paper: str
    url: str
    limits: str
    reduction: str
    unit: str
    params: tuple[Param, ...] = ()
    warning: str | None = None
    signed: bool = True


BASELINES = ("black", "mean", "blurred", "noise")


def _baseline(default: str = "black") -> Param:
    return Param(
        "baseline",
        "Baseline",
        default,
        "What counts as 'nothing there': a black picture, the mean colour of the training pictures, the "
        "picture itself blurred (Gaussian, an eighth of its side), or uniform noise. Parts that look like "
        "the baseline get no credit: with black, black parts cannot matter.",
        choices=BASELINES,
    )


_SEED = Param("seed", "Seed", 0, "Draws the noise; the same seed gives the same map.", low=0, high=2**31 - 1)
_BLOCK = Param(
    "block",
    "Block",
    "last",
    "The block whose output is weighed, taken after the skip's addition. 'last' is the last block of the last stage.",
)

_TABLE = (
    Method(
        name="saliency",
        title="Saliency",
        question="Which pixels would change the score most if they changed a little?",
        paper="Simonyan, Vedaldi, Zisserman 2013, Deep Inside Convolutional Networks",
        url="https://arxiv.org/abs/1312.6034",
        limits="Looks only at tiny changes: where the score is saturated the gradient is small although the "
        "pixel matters. Noisy, and noisier in deep plain networks.",
        reduction="max_abs",
        unit="gradient",
        signed=False,
    ),
    Method(
        name="input_x_gradient",
        title="Input × Gradient",
        question="How much does each pixel's difference from the mean colour push the score, if the network "
        "were linear?",
        paper="Shrikumar et al. 2016, Not Just a Black Box",
        url="https://arxiv.org/abs/1605.01713",
        limits="The input is the normalised one, so a pixel of the training pictures' mean colour gets "
        "nothing. The picture shows through the product: a map that looks like the picture proves little.",
        reduction="sum",
        unit="contribution",
    ),
    Method(
        name="integrated_gradients",
        title="Integrated Gradients",
        question="Going from the baseline to the picture in small steps, how much of the rise in the score "
        "does each pixel bring?",
        paper="Sundararajan, Taly, Yan 2017, Axiomatic Attribution for Deep Networks",
        url="https://arxiv.org/abs/1703.01365",
        limits="Depends on the baseline. The steps make an error, shown as the completeness gap: raise the "
        "number of steps when it is large.",
        reduction="sum",
        unit="contribution",
        params=(
            _baseline(),
            Param("n_steps", "Steps", 32, "Points on the way from the baseline to the picture.", low=4, high=512),
            _SEED,
        ),
    ),
    Method(
        name="smoothgrad",
        title="SmoothGrad",
        question="Which pixels change the score in most of many slightly noisy copies of the picture?",
        paper="Smilkov et al. 2017, SmoothGrad: removing noise by adding noise",
        url="https://arxiv.org/abs/1706.03825",
        limits="Answers for the neighbourhood of the picture, not for the picture. Too much noise and it "
        "answers for pictures the network has never seen.",
        reduction="max_abs",
        unit="gradient",
        params=(
            Param("n_samples", "Noisy copies", 32, "More copies, smoother map, more time.", low=2, high=256),
            Param(
                "noise",
                "Noise",
                0.15,
                "Standard deviation of the noise, as a share of the picture's brightness range. The paper "
                "finds 0.1 to 0.2 good.",
                low=0.01,
                high=0.5,
            ),
            _SEED,
        ),
        signed=False,
    ),
    Method(
        name="deeplift",
        title="DeepLIFT",
        question="Compared with the baseline, how much of the difference in the score comes from each "
        "pixel, passing differences back layer by layer?",
        paper="Shrikumar, Greenside, Kundaje 2017, Learning Important Features Through Propagating "
        "Activation Differences",
        url="https://arxiv.org/abs/1704.02685",
        limits="Depends on the baseline. The Rescale rule; the paper gives none for products of two "
        "activations (gates), there each factor gets half (see deeplift.py).",
        reduction="sum",
        unit="contribution",
        params=(_baseline(), _SEED),
    ),
    Method(
        name="gradient_shap",
        title="GradientSHAP",
        question="Averaged over many random baselines and random points on the way, how much does each pixel bring?",
        paper="Lundberg, Lee 2017, A Unified Approach to Interpreting Model Predictions; Erion et al. 2019, "
        "Expected Gradients",
        url="https://arxiv.org/abs/1906.10670",
        limits="A random estimate: the sum meets the change of the score only on average, so its "
        "completeness gap is sampling noise and shrinks with more samples.",
        reduction="sum",
        unit="contribution",
        params=(
            _baseline("noise"),
            Param("n_samples", "Samples", 32, "Each draws a baseline and a point on the way.", low=2, high=512),
            _SEED,
        ),
    ),
    Method(
        name="guided_backprop",
        title="Guided Backprop",
        question="Which pixels show the patterns whose paths to the score are positive all the way?",
        paper="Springenberg et al. 2014, Striving for Simplicity",
        url="https://arxiv.org/abs/1412.6806",
        limits="Changes the gradient at every ReLU, so it is the gradient of no function.",
        reduction="sum",
        unit="gradient",
        warning="Draws edges of the picture rather than reasons of the network: it hardly changes when the "
        "higher layers' weights are randomised (Adebayo et al. 2018). Do not read it as an explanation.",
    ),
    Method(
        name="grad_cam",
        title="Grad-CAM",
        question="In which region does the chosen block see evidence for the class?",
        paper="Selvaraju et al. 2016, Grad-CAM",
        url="https://arxiv.org/abs/1610.02391",
        limits="As coarse as the block's output: after the last block 8 × 8 in a CIFAR network, 7 × 7 to 14 × 14 in "
        "those trained on ImageNet. The smooth map is an enlargement, not more knowledge. Evidence against the "
        "class is cut off (ReLU), so a map can be empty.",
        reduction="cam",
        unit="importance",
        params=(_BLOCK,),
        signed=False,
    ),
    Method(
        name="guided_grad_cam",
        title="Guided Grad-CAM",
        question="Within the region Grad-CAM finds, which fine patterns does Guided Backprop draw?",
        paper="Selvaraju et al. 2016, Grad-CAM",
        url="https://arxiv.org/abs/1610.02391",
        limits="The product of Grad-CAM and Guided Backprop: only the region is about the class.",
        reduction="sum",
        unit="importance",
        params=(_BLOCK,),
        warning="Its fine detail is Guided Backprop's, which hardly changes when the higher layers' weights "
        "are randomised (Adebayo et al. 2018).",
    ),
    Method(
        name="occlusion",
        title="Occlusion",
        question="How far does the score fall when a square is covered?",
        paper="Zeiler, Fergus 2013, Visualizing and Understanding Convolutional Networks",
        url="https://arxiv.org/abs/1311.2901",
        limits="Covered pictures are unlike any the network was trained on. Blind to things smaller than "
        "the square's step and to evidence that appears twice.",
        reduction="shared",
        unit="drop",
        params=(
            Param(
                "window",
                "Square",
                0.25,
                "Side of the square, as a share of the picture's.",
                low=0.02,
                high=0.9,
            ),
            Param(
                "stride",
                "Step",
                0.125,
                "Distance between squares, as a share of the side.",
                low=0.02,
                high=0.5,
            ),
            _baseline("mean"),
            _SEED,
        ),
    ),
    Method(
        name="feature_ablation",
        title="Patch ablation",
        question="How far does the score fall when one patch of a grid is removed?",
        paper="Kokhlikyan et al. 2020, Captum",
        url="https://arxiv.org/abs/2009.07896",
        limits="One patch at a time: evidence that two patches share is missed. The grid is laid without "
        "looking at the picture.",
        reduction="shared",
        unit="drop",
        params=(
            Param("patches", "Patches a side", 8, "8 cuts the picture into 8 × 8 patches.", low=2, high=32),
            _baseline("mean"),
            _SEED,
        ),
    ),
)

METHODS: dict[str, Method] = {row.name: row for row in _TABLE}


def get_method(name: str) -> Method:
    """The row called `name`.

    Raises:
        AttributionError: there is none; lists the names there are.
    """
    if name not in METHODS:
        raise AttributionError(f"There is no attribution method {name!r}; there are {', '.join(METHODS)}.")
    return METHODS[name]


def resolve_params(method: Method, params: Mapping[str, object] | None) -> dict[str, int | float | str]:
    """Check `params`, and add the defaults of those that are not given.

    Raises:
        AttributionError: a name the method does not have, or a value out of its range.
    """
    given = dict(params or {})
    known = {param.name for param in method.params}
    for name in given:
        if name not in known:
            allowed = ", ".join(sorted(known)) or "no settings"
            raise AttributionError(f"{method.title} has no setting {name!r}; it has {allowed}.")
    return {param.name: param.check(given.get(param.name, param.default)) for param in method.params}
