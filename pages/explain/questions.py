"""What the page asks about trained networks, each answer computed once: predictions, maps, checks, logits. No torch."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from pages.explain.input_picture import InputPicture
from pages.parts.backend import service
from resnet_core.attribution.explain_result import Attribution
from resnet_core.data.dataset import Dataset
from resnet_core.data.sample import balanced_sample, sample_indices
from resnet_core.formatting import escape_markdown
from resnet_core.trained.net import NetKey, TrainedNet

Settings = Mapping[str, int | float | str]
"""Of one method, by name."""

SMALL_SIDE = 64  # px: a map of 224 x 224 takes almost a megabyte, so fewer of them are kept
SURVEYED_AT_ONCE = 500  # pictures sent with a question
SHARES_AT_ONCE = 25  # pictures in a question, so that others get their answers in between
SHARES_TIMEOUT_S = 300.0


def predict(net: TrainedNet, picture: InputPicture) -> np.ndarray:
    """Class probabilities (num_classes,)."""
    return _predict(net.key, picture.key, net, picture.pixels)


@st.cache_data(max_entries=512, show_spinner=False)
def _predict(key: NetKey, picture: str, _net: TrainedNet, _pixels: np.ndarray) -> np.ndarray:
    return service().ask("predict", _pixels, nets=[_net])[0]


def explain(net: TrainedNet, picture: InputPicture, method: str, target: int, settings: Settings) -> Attribution:
    """One map."""
    cached = _explain_small if picture.pixels.shape[0] <= SMALL_SIDE else _explain_large
    settings_json = json.dumps(settings, sort_keys=True)
    return cached(net.key, picture.key, method, target, settings_json, net, picture.pixels)


@st.cache_data(max_entries=512, show_spinner=False)
def _explain_small(
    key: NetKey, picture: str, method: str, target: int, settings: str, _net: TrainedNet, _pixels: np.ndarray
) -> Attribution:
    return _explain(_net, method, target, settings, _pixels)


@st.cache_data(max_entries=96, show_spinner=False)
def _explain_large(
    key: NetKey, picture: str, method: str, target: int, settings: str, _net: TrainedNet, _pixels: np.ndarray
) -> Attribution:
    return _explain(_net, method, target, settings, _pixels)


def _explain(net: TrainedNet, method: str, target: int, settings: str, pixels: np.ndarray) -> Attribution:
    [(_, attribution)] = service().ask("explain", pixels, [method], target, {method: json.loads(settings)}, nets=[net])
    return attribution


def measure_trust(net: TrainedNet, picture: InputPicture, attribution: Attribution) -> dict[str, dict[str, Any]]:
    """The measures of one map, by name."""
    return _measure_trust(
        net.key,
        picture.key,
        attribution.method,
        attribution.target,
        json.dumps(attribution.params, sort_keys=True),
        net,
        picture.pixels,
        attribution,
    )


@st.cache_data(max_entries=128, show_spinner=False)
def _measure_trust(
    key: NetKey,
    picture: str,
    method: str,
    target: int,
    settings: str,
    _net: TrainedNet,
    _pixels: np.ndarray,
    _attribution: Attribution,
) -> dict[str, dict[str, Any]]:
    return dict(service().ask("trust", _pixels, _attribution, nets=[_net]))


def logits_of(net: TrainedNet, pixels: np.ndarray) -> np.ndarray:
    """(num_classes,) for one picture."""
    return service().ask("survey", pixels[None], nets=[net])[0][0, 0]


def survey(nets: Sequence[TrainedNet], dataset: Dataset, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices (N,) of test pictures, at most ``most`` drawn at random and put in order, and logits (R, N, num_classes)
    of R networks for them; with progress.
    """
    bar = st.empty()
    sample = sample_indices(dataset, "test", most)  # of which a smaller one is the start, so that parts are asked once
    parts = [np.sort(sample[start : start + SURVEYED_AT_ONCE]) for start in range(0, len(sample), SURVEYED_AT_ONCE)]
    logits = []
    for index, net in enumerate(nets):
        answers = []
        for part_index, part in enumerate(parts):
            done = (index + part_index / len(parts)) / len(nets)
            bar.progress(done, f"Asking {escape_markdown(net.name)} about {len(sample):,} test pictures …")
            rows = tuple(part.tolist())
            answers.append(_survey(net.key, dataset.fingerprint, rows, net, dataset))
        logits.append(np.concatenate(answers))
    bar.empty()
    asked = np.concatenate(parts)
    order = np.argsort(asked)
    return asked[order], np.stack(logits)[:, order]


@st.cache_data(max_entries=256, show_spinner=False)
def _survey(key: NetKey, fingerprint: str, rows: tuple[int, ...], _net: TrainedNet, _dataset: Dataset) -> np.ndarray:
    pictures = np.array(_dataset.x_test[list(rows)])
    return np.concatenate([logits[0] for logits in service().ask_each("survey", pictures, nets=[_net])])


def object_shares(
    net: TrainedNet, dataset: Dataset, n_pictures: int, method: str, settings: Settings
) -> Iterator[np.ndarray]:
    """Shares of maps on the object, (n,) with nan for empty maps, some pictures at a time: of a balanced sample of
    test pictures whose object is marked, each asked about its true class.
    """
    settings_json = json.dumps(settings, sort_keys=True)
    rows = balanced_sample(dataset.y_test, n_pictures)
    for start in range(0, len(rows), SHARES_AT_ONCE):
        part = tuple(rows[start : start + SHARES_AT_ONCE].tolist())
        yield _object_shares(net.key, dataset.fingerprint, method, settings_json, part, net, dataset)


@st.cache_data(max_entries=1024, show_spinner=False)
def _object_shares(
    key: NetKey,
    fingerprint: str,
    method: str,
    settings: str,
    rows: tuple[int, ...],
    _net: TrainedNet,
    _dataset: Dataset,
) -> np.ndarray:
    chosen, masks = list(rows), _dataset.test_masks
    assert masks is not None, "only datasets with marked objects are asked about"
    [answer] = service().ask_each(
        "object_shares",
        np.array(_dataset.x_test[chosen]),
        np.array(masks[chosen]),
        _dataset.y_test[chosen].tolist(),
        [method],
        {method: json.loads(settings)},
        nets=[_net],
        timeout=SHARES_TIMEOUT_S,
    )
    return answer["shares"]
