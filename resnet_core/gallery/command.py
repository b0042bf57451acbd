"""The command that trains a run again. No torch."""

import shlex

from resnet_core.gallery import shipped
from resnet_core.networks.presets import PRESETS as NETWORKS
from resnet_core.networks.spec import NetSpec
from resnet_core.runs.run import Run
from resnet_core.training.recipe import PRESETS as RECIPES
from resnet_core.training.recipe import Recipe

OPTIONS = {
    "epochs": "--epochs",
    "steps": "--steps",
    "batch_size": "--batch-size",
    "lr": "--lr",
    "precision": "--precision",
    "seed": "--seed",
}
"""Fields of a recipe that the command line can change."""


def reproduce_command(run: Run) -> str | None:
    """What to type to train the same network with the same recipe, seed and data, from the same start; None where the
    command line cannot express it, see `why_no_command`. With another device, precision or number of threads the last
    digits come out differently.
    """
    if run.origin == "gallery":
        return f"python -m resnet_core gallery --make {shipped.name_of(run.id)}"
    changes = recipe_options(Recipe.from_dict(run.recipe))
    if changes is None or why_no_command(run):
        return None
    spec = NetSpec.from_dict(run.spec)
    if source := run.facts.get("grown_from"):
        network = ["--grow", source["id"], "--depth", str(spec.depth)]
    else:
        network = ["--preset", network_argument(spec)]
    return shlex.join(["python", "-m", "resnet_core", "train", *network, "--data", run.dataset, *changes])


def why_no_command(run: Run) -> str:
    """Why no one command makes this run again, in a sentence; "" where one may."""
    source = run.facts.get("grown_from")
    if source and run.origin == "import":
        return f"Its training began with the weights of {source['name']}, so no command makes it from scratch."
    if not source and "grown" in run.tags:
        return "Its training began with the weights of another run, so no command makes it from scratch."
    if recipe_options(Recipe.from_dict(run.recipe)) is None:
        return "Its recipe has settings that the command line does not have."
    return ""


def network_argument(spec: NetSpec) -> str:
    """A preset's name where there is one, else the design as links carry it."""
    names = [name for name, preset in NETWORKS.items() if preset.spec == spec]
    return names[0] if names else spec.to_query()


def recipe_options(recipe: Recipe) -> list[str] | None:
    """A preset recipe and the changes to it, as options; the fewest changes there are."""
    found = []
    for name, base in RECIPES.items():
        changes = {field: getattr(recipe, field) for field in OPTIONS if getattr(recipe, field) != getattr(base, field)}
        changes = {field: value for field, value in changes.items() if value is not None}
        again = base.replace(**changes).to_dict()
        if again | {"name": ""} == recipe.to_dict() | {"name": ""}:
            found.append(
                ["--recipe", name, *(word for field in changes for word in (OPTIONS[field], str(changes[field])))]
            )
    return min(found, key=len, default=None)
