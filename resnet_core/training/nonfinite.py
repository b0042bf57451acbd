"""Where in a network numbers stop being finite."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


def first_nonfinite(net: nn.Module, forward: Callable[[], object]) -> str | None:
    """Name, in words, the first place where ``forward``, a pass through ``net``, has an infinity or NaN.

    That is a parameter that already is not finite, else the first module, in the order in which they finish, whose
    output is not. None: there is no such place.
    """
    for name, parameter in net.named_parameters():
        if not _finite(parameter):
            layer, _, tensor = name.rpartition(".")
            return f"{tensor} of layer {layer}"
    found: list[str] = []

    def make_hook(name: str) -> Callable:
        def hook(_module: nn.Module, _inputs: object, output: object) -> None:
            if not found and isinstance(output, Tensor) and not _finite(output):
                found.append(f"output of layer {name}")

        return hook

    hooks = [module.register_forward_hook(make_hook(name)) for name, module in net.named_modules() if name]
    try:
        with torch.no_grad():
            forward()
    finally:
        for hook in hooks:
            hook.remove()
    return found[0] if found else None


def _finite(tensor: Tensor) -> bool:
    return bool(torch.isfinite(tensor).all())
