"""How often a foreign picture is called unlike a network's own (resnet_core/attribution/out_of_distribution.py).

    python -m benchmarks.unlike --home HOME --other PICTURES.npz

For every finished run in HOME: the share of the pictures in PICTURES.npz ("x_test", uint8 (N, 32, 32, 3)), and of
synthetic pictures, that score lower than all but OOD_SHARE of the run's own test pictures, by four scores; and the area
under the ROC curve, which needs no threshold. Prints JSON.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.machine import describe_origin
from resnet_core.attribution.out_of_distribution import OOD_SHARE
from resnet_core.attribution.questions import compute_logits
from resnet_core.compute.sources import find_net, find_weights
from resnet_core.data.catalog import load_dataset
from resnet_core.runs.store import RunStore
from resnet_core.trained.loaded import load_net

SCORES = {
    "maximum logit": lambda z: z.max(1),
    "energy": lambda z: np.log(np.exp(z - z.max(1, keepdims=True)).sum(1)) + z.max(1),
    "largest probability": lambda z: z.max(1) - np.log(np.exp(z).sum(1)),
    "lead over the second": lambda z: np.diff(np.sort(z)[:, -2:])[:, 0],
}


def synthetic_pictures(own: np.ndarray, n: int = 500) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (n, 4, 4, 3), np.uint8)
    return {
        "noise": rng.integers(0, 256, (n, 32, 32, 3), np.uint8),
        "one colour": np.repeat(rng.integers(0, 256, (n, 1, 1, 3), np.uint8), 32, 1).repeat(32, 2),
        "own, pixels shuffled": np.stack([rng.permutation(x.reshape(-1, 3)).reshape(x.shape) for x in own[:n]]),
        "blurred colours": np.stack([np.asarray(Image.fromarray(x).resize((32, 32), 3)) for x in coarse]),
    }


def measure_detection(own: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """Share of other pictures caught at the threshold, and area under the ROC curve; from the scores of both."""
    below = np.searchsorted(np.sort(own), other, "left") / len(own)
    return {"caught": round(float(np.mean(below <= OOD_SHARE)), 3), "auroc": round(1 - float(below.mean()), 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--other", type=Path, required=True)
    args = parser.parse_args()
    store = RunStore(args.home)
    found = {}
    for run in store.runs(("done",)):
        net = find_net(store, run.id)
        loaded = load_net(net, find_weights(store, net))
        test = np.array(load_dataset(run.dataset, args.home).x_test[:2000])
        others = {args.other.stem: np.load(args.other)["x_test"][:1000]} | synthetic_pictures(test)
        own, *others_logits = (
            np.concatenate([part[0] for part in compute_logits([loaded], x)]) for x in (test, *others.values())
        )
        found[f"{run.name} on {run.dataset}"] = {
            other: {name: measure_detection(score(own), score(logits)) for name, score in SCORES.items()}
            for other, logits in zip(others, others_logits, strict=True)
        }
    origin = describe_origin("benchmarks.unlike", [f"--other={args.other.name}"])
    print(json.dumps({**origin, "few": OOD_SHARE, "found": found}, indent=2))


if __name__ == "__main__":
    main()
