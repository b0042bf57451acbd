"""Which device trains, and at which precision: each answer comes with its reason, for display."""

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from resnet_core import memory
from resnet_core.errors import TrainingError


def pick_device(name: str | None = None) -> tuple[torch.device, str]:
    """The device of that name ("cpu", "cuda", "cuda:1", "mps"), or the best one for ``None`` and "auto",
    and the reason.

    Raises:
        TrainingError: this machine has no such device.
    """
    if name in (None, "auto"):
        return _best_device()
    try:
        device = torch.device(name)
    except RuntimeError:
        raise TrainingError(f"{name!r} is not a device: choose auto, cpu, cuda, cuda:1 or mps.") from None
    if device.type == "cuda":
        return _cuda_device(device), "asked for"
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise TrainingError(f"This machine has no Apple GPU that torch can use, so {name!r} cannot train: choose cpu.")
    if device.type not in ("cpu", "mps"):
        raise TrainingError(f"Training runs on cpu, cuda or mps, not on {name!r}.")
    return device, "asked for"


def _best_device() -> tuple[torch.device, str]:
    if torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device()), "this machine has a GPU that torch can use"
    if torch.backends.mps.is_available():
        # Nobody has measured or tested an Apple GPU here yet: it must be asked for.
        return torch.device("cpu"), "no CUDA GPU found; an Apple GPU is used when asked for as mps"
    return torch.device("cpu"), "no GPU found that torch can use"


def _cuda_device(device: torch.device) -> torch.device:
    count = torch.cuda.device_count()
    if count == 0:
        raise TrainingError(f"This machine has no GPU that torch can use, so {str(device)!r} cannot train: choose cpu.")
    index = torch.cuda.current_device() if device.index is None else device.index
    if index >= count:
        raise TrainingError(f"{str(device)!r} does not exist: this machine's GPUs are cuda:0 to cuda:{count - 1}.")
    return torch.device("cuda", index)


def device_name(device: torch.device) -> str:
    """The device for people: "NVIDIA H200", "CPU, 2 threads"."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return f"Apple GPU ({platform.machine()})"
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread" + ("" if threads == 1 else "s")


def free_memory(device: torch.device) -> int | None:
    """Bytes free on the device now; None where the system does not tell."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return memory.free_memory() if device.type == "cpu" else None


def pick_precision(requested: str, device: torch.device) -> tuple[str, str]:
    """Resolve a recipe's precision ("auto", "fp32" or "bf16") to "fp32" or "bf16", with the reason.

    The rule for "auto" looks at what the hardware can do and at nothing else, so twins on one machine always get the
    same answer. It rests on measurement: with AVX-512 BF16 instructions a training step of ResNet-20 took 0.65 times as
    long in bf16 as in fp32 (AMD EPYC, 2 cores, channels last); without them bf16 is emulated and slower.
    """
    if requested != "auto":
        return requested, "asked for"
    if device.type == "cuda":
        if torch.cuda.get_device_capability(device) >= (8, 0):
            return "bf16", "this GPU computes bfloat16 natively"
        return "fp32", "this GPU has no native bfloat16"
    if device.type == "cpu":
        if torch.cpu._is_amx_tile_supported():
            return "bf16", "this CPU has AMX bfloat16 units"
        if torch.cpu._is_avx512_bf16_supported():
            return "bf16", "this CPU has AVX-512 bfloat16 instructions"
        return "fp32", "this CPU has no bfloat16 instructions"
    return "fp32", "bfloat16 is not measured on this device"


@contextmanager
def backend_settings(device: torch.device) -> Iterator[None]:
    """Settings of the whole process for a training: on a GPU, deterministic algorithms only; on a CPU, freed memory is
    kept for the next step until the training has ended.
    """
    if device.type == "cuda":
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.benchmark = False
    c_library = _glibc() if device.type == "cpu" else None
    if c_library is None:
        yield
        return
    # Otherwise each step gets the memory for its activations from the system anew, which zeroes it page by page: 5 %
    # of a step of ResNet-20 (AMD EPYC, one thread, glibc 2.36).
    c_library.mallopt(_M_MMAP_THRESHOLD, 32 << 20)
    c_library.mallopt(_M_TRIM_THRESHOLD, 1 << 30)
    try:
        yield
    finally:
        c_library.malloc_trim(0)


_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h


def _glibc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None


@contextmanager
def explain_out_of_memory(network: str, batch_size: int) -> Iterator[None]:
    """Turn running out of memory inside, on the CPU or a GPU, into a TrainingError that says what to do."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:  # torch.OutOfMemoryError is a RuntimeError
        # For a CPU that is out of memory torch has no class of its own.
        if not isinstance(error, torch.OutOfMemoryError | MemoryError) and "allocate memory" not in str(error):
            raise
        raise TrainingError(
            f"There is not enough memory to train {network} in batches of {batch_size}: "
            "choose smaller batches or a smaller network, or wait until other trainings have ended."
        ) from error
