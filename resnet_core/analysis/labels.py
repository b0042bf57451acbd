"""Labels as a tensor, checked against the network that they are for."""

import numpy as np
import torch
from torch import Tensor

from resnet_core.errors import DataError
from resnet_core.networks.spec import NetSpec


def labels_to_tensor(labels: np.ndarray, count: int, spec: NetSpec) -> Tensor:
    """Labels of ``count`` pictures as an int64 tensor (count,).

    Raises:
        DataError: the number of labels is another, or the network has no such class.
    """
    labels = np.asarray(labels)
    if labels.shape != (count,) or labels.dtype.kind not in "iu":
        raise DataError(f"There must be {count} labels, whole numbers, not {labels.dtype} {labels.shape}.")
    if labels.min() < 0 or labels.max() >= spec.num_classes:
        label = labels.min() if labels.min() < 0 else labels.max()
        raise DataError(
            f"A picture has label {label}, but {spec.name} has {spec.num_classes} classes, 0 to "
            f"{spec.num_classes - 1}: give the network as many classes as the data has."
        )
    return torch.from_numpy(labels.astype(np.int64))
