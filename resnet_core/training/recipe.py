"""How a network is trained: length, batches, optimiser, schedule, augmentation, precision, seed. No torch."""

import dataclasses
import math
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from resnet_core.errors import SpecError

SCHEDULES = ("steps", "one_cycle", "cosine", "constant")
PRECISIONS = ("auto", "fp32", "bf16")
DENSE_STEPS = 20
"""Every step up to this one is logged, then ever fewer until the regular interval is reached: the gradients of plain
and residual networks differ most, and change fastest, in the first hundred steps.
"""

LOG_GROWTH = 1.15
"""Between the dense start and the regular interval, each logged step is this many times the one before."""

FREE_FIELDS = {"name", "precision", "seed", "log_every"}
"""Fields that may differ between two runs of one and the same recipe."""


@dataclass(frozen=True)
class Recipe:
    """One way to train, checked when made.

    The defaults are those of He et al. 2015 (arXiv 1512.03385, section 4.2) but for the length: SGD with momentum, and
    weight decay on every parameter, those of batch norm and biases included.

    Raises:
        SpecError: a value that is not allowed, or values that do not fit together.
    """

    name: str = "custom"
    epochs: int | None = None  # passes over the training set; exactly one of epochs and steps is given
    steps: int | None = None  # optimiser updates
    batch_size: int = 128  # images per update
    lr: float = 0.1  # the schedule's highest learning rate
    momentum: float = 0.9
    weight_decay: float = 1e-4
    nesterov: bool = False
    schedule: str = "steps"  # see lr_at
    warmup_steps: int = 0  # the first updates run at warmup_lr instead of the schedule's rate
    warmup_lr: float = 0.01
    augment: bool = True  # zero padding of 4, random 32x32 crop, horizontal flip
    precision: str = "auto"  # "bf16": bfloat16 where it is safe, weights and batch norm in float32
    seed: int = 0  # starting weights, order of the images, crops and flips, dropout
    log_every: int | None = None  # steps between statistics; None: about 200 points a run, see logs_at

    def __post_init__(self) -> None:
        _check_text("name", self.name)
        if (self.epochs is None) == (self.steps is None):
            raise SpecError(
                f"A recipe's length is either epochs or steps, but epochs is {self.epochs!r} and steps is "
                f"{self.steps!r}: give exactly one of them."
            )
        if self.epochs is not None:
            _check_int("epochs", self.epochs, 1, 100_000)
        if self.steps is not None:
            _check_int("steps", self.steps, 1, 10_000_000)
        _check_int("batch_size", self.batch_size, 1, 65_536)
        _check_number("lr", self.lr, 0, 100, open_low=True)
        _check_number("momentum", self.momentum, 0, 1, open_high=True)
        _check_number("weight_decay", self.weight_decay, 0, 1)
        _check_bool("nesterov", self.nesterov)
        if self.nesterov and self.momentum == 0:
            raise SpecError("nesterov needs a momentum above 0, but momentum is 0: set momentum, or nesterov off.")
        _check_choice("schedule", self.schedule, SCHEDULES)
        _check_int("warmup_steps", self.warmup_steps, 0, 10_000_000)
        _check_number("warmup_lr", self.warmup_lr, 0, 100, open_low=True)
        _check_bool("augment", self.augment)
        _check_choice("precision", self.precision, PRECISIONS)
        _check_int("seed", self.seed, 0, 2**53 - 1)
        if self.log_every is not None:
            _check_int("log_every", self.log_every, 1, 10_000_000)

    # --- length ---

    def effective_batch_size(self, n_train: int) -> int:
        """Images in a batch: batch_size, or the whole training set where that is smaller."""
        return min(self.batch_size, n_train)

    def steps_per_epoch(self, n_train: int) -> float:
        """Optimiser updates per pass over ``n_train`` images; a batch may reach across the end of an epoch."""
        return n_train / self.effective_batch_size(n_train)

    def epoch_end(self, epoch: int, n_train: int) -> int:
        """The step at which every image has been drawn ``epoch`` times."""
        return -(-epoch * n_train // self.effective_batch_size(n_train))

    def total_steps(self, n_train: int) -> int:
        """Optimiser updates of the whole training."""
        if self.epochs is not None:
            return self.epoch_end(self.epochs, n_train)
        assert self.steps is not None  # exactly one of the two is given
        return self.steps

    def logs_at(self, step: int, total_steps: int) -> bool:
        """Whether statistics are due at ``step`` (they also are at the end of each epoch).

        Without ``log_every``: each of the first DENSE_STEPS, then at steps that grow by LOG_GROWTH, then 200 times a
        run, but no more often than every 5th step (so that measuring stays cheap) and no less often than every 50th
        (so that a slow network is seen to move).
        """
        if self.log_every is not None:
            return step % self.log_every == 0
        interval = min(50, max(5, total_steps // 200))
        return step in _early_steps(interval) or step % interval == 0

    # --- learning rate ---

    def lr_at(self, step: int, total_steps: int) -> float:
        """The learning rate of the update that follows ``step`` earlier ones.

        ``steps``: tenfold drops after half and three quarters of the run (He et al. 2015: at 32k and 48k of 64k).
        ``one_cycle``: linearly up from a tenth of ``lr`` during the first quarter, then linearly down towards 0 (after
        Smith and Topin 2017, arXiv 1708.07120, with constant momentum).
        ``cosine``: half a cosine from ``lr`` towards 0 (Loshchilov and Hutter 2017, arXiv 1608.03983).
        """
        if step < self.warmup_steps:
            return self.warmup_lr
        done = step / total_steps  # 0 .. below 1
        if self.schedule == "steps":
            return self.lr * 0.1 ** ((done >= 0.5) + (done >= 0.75))
        if self.schedule == "one_cycle":
            return self.lr * (0.1 + 0.9 * done / 0.25 if done < 0.25 else (1 - done) / 0.75)
        if self.schedule == "cosine":
            return self.lr * 0.5 * (1 + math.cos(math.pi * done))
        return self.lr

    # --- the paper ---

    @property
    def is_paper(self) -> bool:
        """Whether all that shapes the result is as in He et al. 2015; FREE_FIELDS do not count."""
        return not self.differences_from_paper()

    def differences_from_paper(self) -> list[str]:
        """What a reader must know before comparing with the paper, one phrase a difference."""
        paper = PRESETS["paper"]
        phrases = []
        if self.steps != paper.steps:
            length = _count(self.epochs, "epoch") if self.epochs is not None else _count(self.steps or 0, "step")
            phrases.append(f"{length} instead of 64,000 steps (about 164 epochs)")
        if self.schedule != paper.schedule:
            title = {"one_cycle": "a one-cycle", "cosine": "a cosine", "constant": "a constant"}[self.schedule]
            phrases.append(f"{title} learning rate up to {self.lr:g} instead of 0.1 with two tenfold drops")
        elif self.lr != paper.lr:
            phrases.append(f"learning rate {self.lr:g} instead of 0.1")
        # For 110 layers the paper warms up at 0.01 for about 400 steps: part of its recipe, no difference.
        if self.warmup_steps and (self.warmup_steps, self.warmup_lr) != (400, 0.01):
            phrases.append(f"{_count(self.warmup_steps, 'step')} of warm-up at {self.warmup_lr:g}")
        for name, text in (
            ("batch_size", "batches of {} instead of {}"),
            ("momentum", "momentum {} instead of {}"),
            ("weight_decay", "weight decay {} instead of {}"),
        ):
            ours, theirs = getattr(self, name), getattr(paper, name)
            if ours != theirs:
                phrases.append(text.format(f"{ours:g}", f"{theirs:g}"))
        if self.nesterov:
            phrases.append("Nesterov momentum")
        if not self.augment:
            phrases.append("no crops and flips")
        return phrases

    def describe(self) -> str:
        """Say in one sentence how this recipe compares with the paper's."""
        differences = self.differences_from_paper()
        if not differences:
            return "The recipe of He et al. 2015: 64,000 steps of 128 images."
        return f"Not the paper's recipe: {', '.join(differences)}."

    # --- JSON ---

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Recipe":
        """The inverse of `to_dict`; missing fields take their defaults, unknown ones raise SpecError."""
        if not isinstance(values, dict):
            raise SpecError(f"A recipe is an object of named fields, not {type(values).__name__}.")
        known = [f.name for f in fields(cls)]
        unknown = sorted(set(values) - set(known), key=str)
        if unknown:
            raise SpecError(f"A recipe has no field {unknown[0]!r}: its fields are {', '.join(known)}.")
        return cls(**values)

    def replace(self, **changes: Any) -> "Recipe":
        """This recipe with some fields changed.

        A length in epochs replaces one in steps, and vice versa. When more than FREE_FIELDS change, the recipe no
        longer has its preset's name but is "custom".
        """
        if changes.get("epochs") is not None:
            changes.setdefault("steps", None)
        if changes.get("steps") is not None:
            changes.setdefault("epochs", None)
        changed = {name for name, value in changes.items() if value != getattr(self, name)}
        if not changed <= FREE_FIELDS:
            changes.setdefault("name", "custom")
        return dataclasses.replace(self, **changes)


@cache
def _early_steps(interval: int) -> frozenset[int]:
    """Steps that are logged before the regular ``interval`` begins."""
    steps = list(range(DENSE_STEPS + 1))
    while (following := math.ceil(steps[-1] * LOG_GROWTH)) - steps[-1] < interval:
        steps.append(following)
    return frozenset(steps)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str) or not 1 <= len(value) <= 80:
        raise SpecError(f"A recipe's {name} is a text of 1 to 80 characters, not {value!r}.")


def _check_bool(name: str, value: object) -> None:
    if not isinstance(value, bool):
        raise SpecError(f"{name} is true or false, not {value!r}.")


def _check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise SpecError(f"{value!r} is not a {name}: choose one of {', '.join(choices)}.")


def _check_int(name: str, value: object, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise SpecError(f"{name} is a whole number from {low:,} to {high:,}, not {value!r}.")
    if not low <= value <= high:
        raise SpecError(f"{name} is {value:,}, which is outside {low:,} to {high:,}.")


def _check_number(
    name: str, value: object, low: float, high: float, open_low: bool = False, open_high: bool = False
) -> None:
    allowed = f"{'above' if open_low else 'from'} {low:g} {'and below' if open_high else 'to'} {high:g}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SpecError(f"{name} is a number {allowed}, not {value!r}.")
    fits = (low < value if open_low else low <= value) and (value < high if open_high else value <= high)
    if not fits:  # NaN fits nowhere
        raise SpecError(f"{name} is {value!r}, but must be {allowed}.")


def _short(epochs: int, lr: float) -> Recipe:
    return Recipe(name=f"short-{epochs}", epochs=epochs, lr=lr, schedule="one_cycle")


PRESETS: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(name="paper", steps=64_000),
        # He et al. 2015: n = 18 starts at 0.01 until the training error is below 80 %, about 400 iterations.
        Recipe(name="paper-110", steps=64_000, warmup_steps=400, warmup_lr=0.01),
        _short(1, 0.2),
        _short(4, 0.2),
        _short(12, 0.2),
        _short(30, 0.2),
    )
}
"""The paper's recipe, and short ones that are ours: each of those says so in describe()."""


def preset(name: str) -> Recipe:
    """The recipe of that name. Raises SpecError that lists what there is."""
    if name not in PRESETS:
        raise SpecError(f"There is no recipe {name!r}: choose one of {', '.join(PRESETS)}.")
    return PRESETS[name]
