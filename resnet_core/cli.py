"""The command line: the same core as the app, without it. ``python -m resnet_core --help``. No torch.

Exit codes: 0 done; 2 the request cannot be carried out, and a sentence on stderr says why; 3 the training failed; 130
interrupted with Ctrl-C (what was learned is kept: ``train --resume RUN`` goes on).
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from resnet_core.cli_output import JsonLines, ProgressBar, as_json, print_plan, to_json
from resnet_core.errors import LabError, StoreError, TrainingError
from resnet_core.formatting import count, percent
from resnet_core.gallery import shipped
from resnet_core.home import default_home
from resnet_core.networks.presets import PRESETS as NETWORKS
from resnet_core.networks.presets import parse_spec
from resnet_core.networks.spec import NetSpec
from resnet_core.runs.run import STATES, Run
from resnet_core.runs.store import RunStore
from resnet_core.training.recipe import PRESETS as RECIPES
from resnet_core.training.recipe import Recipe
from resnet_core.training.recipe import preset as recipe_preset

FIRST_RECIPE = next(iter(RECIPES))
NOT_WITH_RESUME = (
    *("depth", "data", "recipe", "epochs", "steps", "seed", "batch_size", "lr", "precision", "name", "tag", "threads"),
)
"""Options of ``train`` that say what a new run is; one that goes on is already what it is."""

EXAMPLES = """examples:
  python -m resnet_core train --preset resnet-20 --data shapes-10 --epochs 2 --seed 0
  python -m resnet_core train --preset plain-56 --data my_pictures.zip --epochs 10
  python -m resnet_core train --resume RUN
  python -m resnet_core runs
  python -m resnet_core describe resnet-56
  python -m resnet_core evaluate RUN --json
  python -m resnet_core export RUN --out my-run.skiprun
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit code."""
    args = parser().parse_args(argv)
    try:
        return args.command(args)
    except TrainingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 3
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # `... | head` has seen enough
        sys.stderr.close()
        return 0


def parser() -> argparse.ArgumentParser:
    """Every command with its options."""
    top = argparse.ArgumentParser(
        prog="python -m resnet_core",
        description="Train and examine plain and residual networks.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--home",
        type=Path,
        default=default_home(),
        metavar="DIR",
        help="where runs and datasets are kept (default: %(default)s)",
    )
    common.add_argument("--json", action="store_true", help="print JSON, one object a line, for other programs")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[argparse.Namespace], int], text: str, example: str
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(
            name,
            help=text,
            description=text,
            parents=[common],
            epilog=f"example:\n  python -m resnet_core {name} {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.set_defaults(command=run)
        return sub

    train = command(
        "train",
        train_command,
        "Train a network; the run shows up in the app.",
        "--preset resnet-20 --data shapes-10 --epochs 2 --seed 0",
    )
    what = train.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--preset",
        metavar="NETWORK",
        help="a network by name, such as resnet-20, or a design as links carry it, such as plain-56~nnone",
    )
    what.add_argument("--grow", metavar="RUN", help="a run's network made deeper (--depth), from its own weights")
    what.add_argument("--resume", metavar="RUN", help="go on with a run that was stopped")
    train.add_argument("--depth", type=int, help="with --grow: layers of the deeper network")
    train.add_argument(
        "--data",
        metavar="NAME_OR_PATH",
        help="shapes-10, cifar-10, a dataset of yours by name, or a folder, .zip or .npz (default: shapes-10; "
        "with --grow, that of the run)",
    )
    train.add_argument("--recipe", choices=list(RECIPES), help=f"default: {FIRST_RECIPE}")
    length = train.add_mutually_exclusive_group()
    length.add_argument("--epochs", type=int, help="train this long instead of the recipe's length")
    length.add_argument("--steps", type=int, help="the same in optimiser steps")
    train.add_argument("--seed", type=int, help="fixes all that is random (default: 0)")
    train.add_argument("--batch-size", type=int, help="pictures a step (default: the recipe's)")
    train.add_argument("--lr", type=float, help="peak learning rate (default: the recipe's)")
    train.add_argument("--precision", choices=["auto", "fp32", "bf16"], help="default: the recipe's")
    train.add_argument("--device", help="cpu, cuda, cuda:1, mps (default: the best there is)")
    train.add_argument("--name", help="what the run is called in the app")
    train.add_argument("--tag", action="append", help="a word to find it by; may be repeated")
    train.add_argument("--threads", type=a_count, help="CPU threads (default: the cores there are, at most 8)")

    runs = command("runs", runs_command, "List the runs.", "--json")
    runs.add_argument("--state", choices=STATES, help="only runs in this state")

    describe = command(
        "describe", describe_command, "Describe a network: layers, shapes, parameters, costs.", "resnet-56"
    )
    describe.add_argument("network", help="a network by name, or the id of a run")

    evaluate = command(
        "evaluate", evaluate_command, "Test a run's network on a dataset's test pictures.", "RUN --data shapes-10"
    )
    evaluate.add_argument("run", help="the id of a run")
    evaluate.add_argument("--data", metavar="NAME_OR_PATH", help="default: the dataset it was trained on")

    export = command(
        "export", export_command, "Write a run as one file that another lab can import.", "RUN --out my-run.skiprun"
    )
    export.add_argument("run", help="the id of a run")
    export.add_argument("--out", type=Path, metavar="FILE", help="default: RUN.skiprun")

    ships = command(
        "gallery",
        gallery_command,
        "The runs that ship with the lab: what is wanted, and making one.",
        "--make resnet-20-short-12-s0",
    )
    which = ships.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "--plan", action="store_true", help="print what is wanted, what exists, and what the rest would cost here"
    )
    which.add_argument("--make", metavar="NAME", help="train one, or go on with it, and write its file")
    ships.add_argument("--device", help="cpu, cuda, cuda:1, mps (default: the best there is)")
    ships.add_argument("--out", type=Path, default=shipped.FOLDER, metavar="DIR", help="default: %(default)s")

    bring = command("import", import_command, "Take in a run that another lab exported.", "my-run.skiprun")
    bring.add_argument("file", type=Path)
    return top


def a_count(text: str) -> int:
    """A whole number from 1 to 1024, for argparse."""
    number = int(text)
    if not 1 <= number <= 1024:
        raise argparse.ArgumentTypeError(f"{text} is outside 1 to 1024")
    return number


def open_store(home: Path) -> RunStore:
    """The store of that home, the runs that ship among them."""
    store = RunStore(home)
    shipped.install(store)
    return store


def train_command(args: argparse.Namespace) -> int:
    """``train``: in this process, recorded in the store."""
    from resnet_core.compute.local import create_run, train_run
    from resnet_core.data.catalog import load_dataset
    from resnet_core.data.importing import resolve_dataset

    store = open_store(args.home)
    run = args.resume
    if run is not None:
        check_nothing_is_changed(args)
    else:
        recipe = build_recipe(args)
        spec, begin_with, data = choose_start(args, store)
        data = resolve_dataset(data, store.home)
        load_dataset(data, store.home)  # pictures that are not there shall leave no failed run behind
        warn_of_imbalance(data, store.home)
        run = create_run(
            store,
            spec,
            recipe,
            data,
            name=args.name,
            tags=tuple(args.tag or ()),
            begin_with=begin_with,
            threads=args.threads,
            facts={"grown_from": {"id": args.grow, "name": store.get(args.grow).name}} if args.grow else None,
        )
    show = JsonLines() if args.json else ProgressBar()
    ended = train_run(store, run, device=args.device, on_event=show.event)
    show.close(ended)
    return exit_code(ended)


def check_nothing_is_changed(args: argparse.Namespace) -> None:
    """Raise StoreError where ``--resume`` comes with an option that would change the run."""
    given = [f"--{name.replace('_', '-')}" for name in NOT_WITH_RESUME if getattr(args, name) is not None]
    if given:
        raise StoreError(
            f"A run that is resumed goes on as it began, so {' and '.join(given)} cannot be changed: leave "
            f"{'it' if len(given) == 1 else 'them'} out, or start a new run."
        )


def exit_code(run: Run) -> int:
    """Of a training that ended so."""
    return {"done": 0, "stopped": 130}.get(run.state, 3)


def choose_start(args: argparse.Namespace, store: RunStore) -> tuple[NetSpec, bytes | None, str]:
    """The network that ``train`` is to train, the weights it begins with where they are not fresh, and its data."""
    if args.grow is None:
        return parse_spec(args.preset), None, args.data or "shapes-10"
    from resnet_core.training.grow import grow_weights

    run, weights = store.get(args.grow), store.weights(args.grow)
    if weights is None:
        raise StoreError(f"{run.name} has no weights yet: let it train a while first.")
    if args.depth is None:
        raise StoreError(f"Say how deep {run.name} is to become, with --depth.")
    begin_with, spec = grow_weights(weights, NetSpec.from_dict(run.spec), args.depth)
    return spec, begin_with, args.data or run.dataset


def build_recipe(args: argparse.Namespace) -> Recipe:
    """The recipe that the options of ``train`` describe."""
    recipe = recipe_preset(args.recipe or FIRST_RECIPE)
    changes = {"seed": args.seed or 0}
    for field in ("epochs", "steps", "batch_size", "lr", "precision"):
        if getattr(args, field) is not None:
            changes[field] = getattr(args, field)
    return recipe.replace(**changes)


def runs_command(args: argparse.Namespace) -> int:
    """``runs``: the list, newest first."""
    runs = open_store(args.home).runs(states=[args.state] if args.state else None)[::-1]
    if args.json:
        for run in runs:
            print(to_json(as_json(run)))
    elif not runs:
        print("No runs yet. Make one with: python -m resnet_core train --preset resnet-20 --epochs 1", file=sys.stderr)
    else:
        print(f"{'id':<10} {'name':<34} {'data':<14} {'state':<9} {'epoch':>5} {'test error':>11}")
        for run in runs:
            print(
                f"{run.id:<10} {run.name[:34]:<34} {run.dataset[:14]:<14} {run.state:<9} {run.epoch:>5} "
                f"{percent(run.last_test_error):>11}"
            )
    return 0


def describe_command(args: argparse.Namespace) -> int:
    """``describe``: what a network is made of."""
    from resnet_core.networks.costs import count_costs
    from resnet_core.networks.paths import count_paths

    spec = find_spec(args.network, args.home)
    costs = count_costs(spec)
    if args.json:
        print(
            to_json(
                {
                    "name": spec.name,
                    "spec": spec.to_dict(),
                    "parameters": costs.parameters,
                    "macs": costs.macs,
                    "receptive_field": costs.receptive_field,
                    "layers": [vars(layer) for layer in costs.layers],
                }
            )
        )
        return 0
    print(
        f"{spec.name}: {costs.parameters:,} parameters, {count(costs.macs)} multiply-adds a picture, "
        f"receptive field {costs.receptive_field} px, {count_paths(spec):,} paths"
    )
    print(f"{'layer':<28} {'kind':<16} {'output':<16} {'parameters':>12} {'multiply-adds':>14}")
    for layer in costs.layers:
        shape = "x".join(str(size) for size in layer.out_shape)
        print(f"{layer.name:<28} {layer.kind:<16} {shape:<16} {layer.params:>12,} {layer.macs:>14,}")
    return 0


def warn_of_imbalance(name: str, home: Path) -> None:
    """Say on stderr when the classes of a dataset are far from balanced."""
    from resnet_core.data.storage import stored_info

    info = stored_info(home, name)
    if info is not None and info.imbalance:
        print(info.imbalance, file=sys.stderr)


def find_spec(name: str, home: Path) -> NetSpec:
    """A network by its preset's name or by a run's id."""
    if name not in NETWORKS:
        runs = {run.id: run for run in open_store(home).runs()}
        if name in runs:
            return NetSpec.from_dict(runs[name].spec)
    return parse_spec(name)


def evaluate_command(args: argparse.Namespace) -> int:
    """``evaluate``: loss, error, balanced error and the error of each class on a test set."""
    from resnet_core.compute.evaluation import evaluate_net

    result = evaluate_net(open_store(args.home), args.run, args.data)
    if args.json:
        print(to_json(result))
        return 0
    loss = "no test loss" if result["loss"] is None else f"test loss {result['loss']:.4f}"
    print(
        f"{result['dataset']}: test error {percent(result['error'])}, balanced over classes "
        f"{percent(result['balanced_error'])}, {loss}, {result['pictures']:,} pictures"
    )
    if result["not_finite"]:
        print(
            f"For {result['not_finite']:,} of them an output of the network is not a finite number (NaN or infinity): "
            "they count as wrong, and there is no loss. Its training has probably diverged."
        )
    for name, error in result["error_by_class"].items():
        print(f"  {name:<20} {percent(error):>7}")
    return 0


def export_command(args: argparse.Namespace) -> int:
    """``export``: one file."""
    from resnet_core.runs.bundle import export_run

    data = export_run(open_store(args.home), args.run)
    out = args.out or Path(f"{args.run}.skiprun")
    try:
        out.write_bytes(data)
    except OSError as error:
        raise StoreError(f"{out} cannot be written ({error.strerror}): name another file with --out.") from error
    print(to_json({"run": args.run, "file": str(out), "bytes": len(data)}) if args.json else out)
    return 0


def import_command(args: argparse.Namespace) -> int:
    """``import``: the way back."""
    from resnet_core.runs.bundle import import_run

    if not args.file.is_file():
        raise StoreError(f"There is no file {args.file}. Name a file that `export` wrote.")
    run = import_run(open_store(args.home), args.file.read_bytes())
    print(to_json({"run": run}) if args.json else run)
    return 0


def gallery_command(args: argparse.Namespace) -> int:
    """``gallery``: the plan, or one run that ships."""
    from resnet_core.gallery import make
    from resnet_core.gallery.wanted import find_wanted

    store = open_store(args.home)
    if args.plan:
        return print_plan(make.plan(store, args.device, args.out), args.json)
    show = JsonLines() if args.json else ProgressBar()
    ended = make.make(store, find_wanted(args.make), device=args.device, folder=args.out, on_event=show.event)
    show.close(ended)
    return exit_code(ended)
