"""Everything needed to go on with a training, as bytes: safetensors with its JSON header, never a pickle, so that a
file from elsewhere can be read without running anything in it.
"""

import json
import struct
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from resnet_core.errors import TrainingError

FORMAT = 1


def save_checkpoint(tensors: dict[str, Tensor], meta: dict[str, Any]) -> bytes:
    """One safetensors file with tensors of any device and memory layout, and a description that JSON can hold."""
    return save(
        {name: tensor.detach().to("cpu").contiguous() for name, tensor in tensors.items()},
        {"format": str(FORMAT), "state": json.dumps(meta)},
    )


def load_checkpoint(data: bytes) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the description that :func:`save_checkpoint` was given.

    Raises:
        TrainingError: the bytes are damaged, or are something else.
    """
    try:
        tensors = load(data)
        meta = read_meta(data)
    except (SafetensorError, ValueError, KeyError, struct.error) as error:
        raise TrainingError(f"This is not a checkpoint that can be read ({error}): start the training again.") from None
    return tensors, meta


def read_meta(data: bytes) -> dict[str, Any]:
    """The description alone, without reading a tensor; ``{}`` for plain weights.

    A safetensors file begins with the length of its header (8 bytes, little endian), then the header as JSON.
    """
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length]).get("__metadata__", {})
    if header.get("format", str(FORMAT)) != str(FORMAT):
        raise TrainingError(
            f"This checkpoint has format {header['format']}, this version reads format {FORMAT}: "
            "start the training again, or use the version that wrote it."
        )
    meta: dict[str, Any] = json.loads(header.get("state", "{}"))
    return meta


def save_weights(net: nn.Module) -> bytes:
    """The network's state dict, as safetensors."""
    return save({name: tensor.detach().to("cpu").contiguous() for name, tensor in net.state_dict().items()})


def load_weights(data: bytes, net: nn.Module) -> None:
    """Load the weights from :func:`save_weights`, or those of a checkpoint, into ``net``.

    Raises:
        TrainingError: they cannot be read, or belong to another network; then ``net`` is as before.
    """
    try:
        tensors = load(data)
    except SafetensorError as error:
        raise TrainingError(
            f"These weights cannot be read ({error}): the file is damaged, or no safetensors."
        ) from None
    is_checkpoint = any(name.startswith("net.") for name in tensors)
    copy_weights(tensors_of("net.", tensors) if is_checkpoint else tensors, net)


def copy_weights(state_dict: dict[str, Tensor], net: nn.Module) -> None:
    """Copy a state dict into ``net``'s own tensors, which keep their device and memory layout.

    Raises:
        TrainingError: it belongs to another network; then ``net`` is as before.
    """
    own = net.state_dict()
    misfits = [name for name in own if name not in state_dict or state_dict[name].shape != own[name].shape]
    misfits += [name for name in state_dict if name not in own]
    if misfits:
        raise TrainingError(
            f"These weights belong to another network: {misfits[0]!r}, one of {len(misfits)} tensors, "
            "does not fit. Choose the network they were saved from."
        )
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(state_dict[name])


def tensors_of(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Those whose name begins with ``prefix``, without it: a checkpoint holds "net.", "momentum." and "sums"."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
