"""The weights in a bundle: safetensors read without torch, checked against the network they are said to be
of. No torch.
"""

import json
import math
import struct
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from resnet_core.errors import StoreError
from resnet_core.networks.costs import tensor_shapes
from resnet_core.networks.spec import NetSpec


def weights_only(data: bytes) -> bytes:
    """A checkpoint without what only its training needs; final weights as they are."""
    tensors, body = _safetensors(data)
    if not any(name.startswith("net.") for name in tensors):
        return data
    header, parts, offset = {}, [], 0
    for name, tensor in tensors.items():
        if name.startswith("net."):
            part = body[tensor.start : tensor.end]
            header[name.removeprefix("net.")] = {
                "dtype": tensor.dtype,
                "shape": list(tensor.shape),
                "data_offsets": [offset, offset + len(part)],
            }
            parts.append(part)
            offset += len(part)
    encoded = json.dumps(header).encode()
    encoded += b" " * (-len(encoded) % 8)
    return struct.pack("<Q", len(encoded)) + encoded + b"".join(parts)


def check_weights(data: bytes, spec: NetSpec) -> None:
    """The tensors are those of the network, in names, shapes and types, and hold finite numbers only. Raises
    StoreError naming the first that is not so.
    """
    tensors, body = _safetensors(data)
    wanted = {name: (shape, _dtype(name)) for name, shape in tensor_shapes(spec).items()}
    found = {name: (tensor.shape, tensor.dtype) for name, tensor in tensors.items()}
    for name in [*wanted, *found]:
        if found.get(name) != wanted.get(name):
            misfit = _misfit(found.get(name), wanted.get(name))
            raise StoreError(f"The weights in this bundle do not fit {spec.name}: {name[:60]!r} {misfit}.")
    for name, tensor in tensors.items():
        if tensor.dtype == "F32" and not np.isfinite(np.frombuffer(body[tensor.start : tensor.end], "<f4")).all():
            raise StoreError(
                f"The weights in this bundle cannot be used: {name[:60]!r} holds numbers that are not finite (NaN or "
                "infinity). Export the run again, from before its training diverged."
            )


def _dtype(name: str) -> str:
    """Of a network's tensor, as safetensors writes it: all are float32 but batch norm's count of batches."""
    return "I64" if name.endswith(".num_batches_tracked") else "F32"


def _misfit(found: tuple[tuple[int, ...], str] | None, wanted: tuple[tuple[int, ...], str] | None) -> str:
    if found is None:
        return "is missing"
    if wanted is None:
        return "is not one of its tensors"
    return f"is {_described(*found)} and should be {_described(*wanted)}"


def _described(shape: tuple[int, ...], dtype: str) -> str:
    return f"{dtype} of shape ({', '.join(map(str, shape))[:60]})"


@dataclass(frozen=True)
class _Tensor:
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}


def _safetensors(data: bytes) -> tuple[dict[str, _Tensor], bytes]:
    """Tensors by name, and the bytes they lie in; the whole layout is checked.

    Format: 8 bytes of header length, the header as JSON, the tensors' bytes
    (https://github.com/huggingface/safetensors#format).
    """
    try:
        (length,) = struct.unpack("<Q", data[:8])
        header = json.loads(data[8 : 8 + length])
        header.pop("__metadata__", None)
        body = data[8 + length :]
        tensors = {
            name: _Tensor(entry["dtype"], tuple(entry["shape"]), *entry["data_offsets"])
            for name, entry in header.items()
        }
        sound = all(
            0 <= t.start <= t.end <= len(body)
            and all(type(size) is int and size >= 0 for size in t.shape)
            and math.prod(t.shape) * _BYTES[t.dtype] == t.end - t.start
            for t in tensors.values()
        ) and _without_gaps(tensors.values(), len(body))
    except (struct.error, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise StoreError("weights.safetensors in this bundle is damaged: export the run again.") from error
    if not sound:
        raise StoreError("weights.safetensors in this bundle is damaged: export the run again.")
    return tensors, body


def _without_gaps(tensors: Iterable[_Tensor], size: int) -> bool:
    """The tensors lie one behind the other and fill the file, as the format demands."""
    spans = sorted((tensor.start, tensor.end) for tensor in tensors)
    ends = [0, *(end for _, end in spans)]
    return [start for start, _ in spans] == ends[:-1] and ends[-1] == size
