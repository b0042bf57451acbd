import io
import json

import numpy as np

from resnet_core.attribution.explain_result import Attribution
from resnet_core.attribution.map_arrays import maps_as_npz


def test_picture_maps_and_what_made_them_are_in_the_file():
    picture, values = np.full((32, 32, 3), 7, np.uint8), np.linspace(-1, 1, 1024, dtype=np.float32).reshape(32, 32)
    one = Attribution("grad_cam", 3, values, None, None, values[0], 1.25, None, None, 0.1, {"block": "layer3.0"})
    arrays = np.load(io.BytesIO(maps_as_npz(picture, {"run": {"grad_cam": one}})))
    assert sorted(arrays.files) == ["about", "picture", "run.grad_cam"]
    assert (arrays["picture"] == picture).all() and (arrays["run.grad_cam"] == values).all()
    about = json.loads(str(arrays["about"]))
    assert about == {"run.grad_cam": {"target": 3, "logit": 1.25, "params": {"block": "layer3.0"}}}
