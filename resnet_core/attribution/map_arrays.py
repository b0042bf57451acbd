"""Attribution maps as a file of arrays, signed and unscaled. No torch."""

import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from resnet_core.attribution.explain_result import Attribution


def maps_as_npz(picture: np.ndarray, maps: Mapping[str, Mapping[str, Attribution]]) -> bytes:
    """The picture and every map as an .npz, with what made them.

    Its members: ``picture`` uint8 (H, W, 3); "<network>.<method>" float32 (H, W) each; ``about``, JSON with target,
    logit and params by the same names.

    Args:
        maps: network -> method -> map.
    """
    named = {f"{net}.{method}": each for net, row in maps.items() for method, each in row.items()}
    about = {name: {"target": each.target, "logit": each.logit, "params": each.params} for name, each in named.items()}
    arrays: dict[str, Any] = {name: each.map for name, each in named.items()}
    data = io.BytesIO()
    np.savez(data, picture=picture, about=json.dumps(about), **arrays)
    return data.getvalue()
