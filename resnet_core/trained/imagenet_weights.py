"""Fetching the published weights of `imagenet`: once, checked, and kept as safetensors in ``home/weights``."""

import json
import os
import pickle
from pathlib import Path

import torch
from safetensors.torch import save_file
from torchvision import models

from resnet_core.data import storage
from resnet_core.data.dataset import Progress
from resnet_core.data.download import DownloadError, download, downloads_folder
from resnet_core.errors import DataError
from resnet_core.networks.build import build_net
from resnet_core.networks.presets import PRESETS
from resnet_core.trained.imagenet import Published, classes_file, is_here, published, weights_file


def fetch_weights(home: Path, name: str, progress: Progress | None = None) -> Path:
    """Download a network's weights, verify them, and keep them as safetensors; returns where they lie.

    A file of the published name that a person put into ``downloads_folder(home)`` is used instead of the network.
    Whatever happens, no part of a download stays behind. Raises DataError when there is no network or the file is
    another, and says the way out.
    """
    progress = progress or (lambda what, fraction: None)
    row, target = published(name), weights_file(home, name)
    if is_here(home, name):
        return target
    with storage.new_folder(home) as scratch:
        file = downloads_folder(home) / row.file
        if file.is_file():
            progress(f"Checking {row.file}", 0.0)
            _check_file(file, row)
        else:
            file = scratch / row.file
            _download(file, home, row, progress)
        progress("Unpacking the weights", 0.92)
        _convert(file, row, scratch / target.name)
        names, classes = models.get_weight(row.weights).meta["categories"], classes_file(home)
        (scratch / classes.name).write_text(json.dumps(names), encoding="utf-8")
        target.parent.mkdir(parents=True, exist_ok=True)
        for made in (classes, target):
            os.replace(scratch / made.name, made)
    return target


def _check_file(file: Path, row: Published) -> None:
    if not row.checksum.matches(file):
        raise DataError(
            f"{file} is not what {row.title}'s weights are, or not all of it (its checksum differs): delete it or "
            "put the right one there."
        )


def _download(file: Path, home: Path, row: Published, progress: Progress) -> None:
    def report(received: int) -> None:
        done = f"{received / 1e6:.0f} of {row.bytes / 1e6:.0f} MB"
        progress(f"Downloading: {done}", min(0.9, 0.9 * received / row.bytes))

    try:
        download(models.get_weight(row.weights).url, file, row.checksum, report)
    except DownloadError as error:
        raise DataError(
            f"{row.title}'s weights could not be downloaded ({error}): without a network, put {row.file} into "
            f"{downloads_folder(home)} and ask for it again."
        ) from error


def _convert(file: Path, row: Published, target: Path) -> None:
    """Save the state dict of ``file`` as safetensors, once it is known to be that network's."""
    net = build_net(PRESETS[row.name].spec, device="meta")
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
        net.load_state_dict(state, assign=True)
    except (pickle.UnpicklingError, RuntimeError, AttributeError, TypeError, EOFError) as error:
        raise DataError(f"{row.file} holds no weights of {row.title}: put the right file there.") from error
    save_file({key: value.contiguous() for key, value in net.state_dict().items()}, target)
