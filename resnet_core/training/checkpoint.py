"""Everything needed to go on with a training, as bytes: safetensors with its JSON header, never a pickle, so
a file from elsewhere can be read without running anything in it."""

import json
import struct

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from resnet_core.errors import TrainingError

FORMAT = 1


def save_state(tensors: dict[str, Tensor], meta: dict) -> bytes:
    """Tensors of any device and memory layout, and a JSON-able description, as one safetensors file."""
    return save(
        {name: tensor.detach().to("cpu").contiguous() for name, tensor in tensors.items()},
        {"format": str(FORMAT), "state": json.dumps(meta)},
    )


def load_state(data: bytes) -> tuple[dict[str, Tensor], dict]:
    """What :func:`save_state` was given. Raises TrainingError when the bytes are damaged or something
    else."""
    try:
        tensors = load(data)
        meta = read_meta(data)
    except (SafetensorError, ValueError, KeyError, struct.error) as error:
        raise TrainingError(f"This is not a checkpoint that can be read ({error}): start the training again.") from None
    return tensors, meta


def read_meta(data: bytes) -> dict:
    """The description alone, without reading a tensor; ``{}`` for plain weights. Layout of a safetensors
    file: 8 bytes of header length, little endian, then the header as JSON."""
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length]).get("__metadata__", {})
    if header.get("format", str(FORMAT)) != str(FORMAT):
        raise TrainingError(
            f"This checkpoint has format {header['format']}, this version reads format {FORMAT}: "
            "start the training again, or use the version that wrote it."
        )
    return json.loads(header.get("state", "{}"))


def save_weights(net: nn.Module) -> bytes:
    """The network's state dict, as safetensors."""
    return save({name: tensor.detach().to("cpu").contiguous() for name, tensor in net.state_dict().items()})


def load_weights(data: bytes, net: nn.Module) -> None:
    """Put weights into ``net``, from :func:`save_weights` or from a checkpoint (whose other tensors are left
    alone).

    Raises TrainingError when they belong to another network; then ``net`` is as before.
    """
    try:
        tensors = load(data)
    except SafetensorError as error:
        raise TrainingError(
            f"These weights cannot be read ({error}): the file is damaged, or no safetensors."
        ) from None
    put_weights({name.removeprefix("net."): t for name, t in tensors.items() if _is_weight(name, tensors)}, net)


def _is_weight(name: str, tensors: dict[str, Tensor]) -> bool:
    is_checkpoint = any(other.startswith("net.") for other in tensors)
    return name.startswith("net.") if is_checkpoint else True


def put_weights(weights: dict[str, Tensor], net: nn.Module) -> None:
    """Copy ``weights`` into ``net``'s own tensors, which keep their device and memory layout."""
    own = net.state_dict()
    misfits = [name for name in own if name not in weights or weights[name].shape != own[name].shape]
    misfits += [name for name in weights if name not in own]
    if misfits:
        raise TrainingError(
            f"These weights belong to another network: {misfits[0]!r}, one of {len(misfits)} tensors, "
            "does not fit. Choose the network they were saved from."
        )
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(weights[name])
