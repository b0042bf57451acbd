import numpy as np
import pytest

from resnet_core.attribution.methods import METHODS
from resnet_core.figures.attribution_maps import attribution_grid, attribution_map, grid_height

RNG = np.random.default_rng(0)
PICTURE = RNG.integers(0, 256, (32, 32, 3), dtype=np.uint8)
SIGNED, UNSIGNED = METHODS["integrated_gradients"], METHODS["saliency"]
CHOSEN = {method.name: method for method in (UNSIGNED, SIGNED)}


def toy_maps(factors):
    """run -> method -> map, the second network's ten times the first's."""
    signed = RNG.normal(size=(32, 32)).astype(np.float32)
    return {
        run: {SIGNED.name: factor * signed, UNSIGNED.name: factor * np.abs(signed)} for run, factor in factors.items()
    }


@pytest.fixture
def grid(styles):
    return attribution_grid(PICTURE, toy_maps({"a": 0.1, "b": 1.0}), CHOSEN, styles, False, strength=0.6)


def columns(figure):
    """The heat map of each method, without the scales below."""
    return [trace for trace in figure.data if trace.type == "heatmap" and trace.z.shape[0] > 1]


def test_a_column_has_one_scale_and_weak_maps_stay_weak(grid):
    for trace in columns(grid):
        side = trace.z.shape[1]
        weak, strong = trace.z[:side], trace.z[-side:]
        assert np.abs(weak).max() < 0.2 * trace.zmax
        assert np.abs(strong).max() == pytest.approx(trace.zmax, rel=1e-5)


def test_signed_maps_diverge_around_zero_and_others_start_there(grid):
    unsigned, signed = columns(grid)
    assert signed.zmin == -signed.zmax
    assert signed.colorscale[1][0] == 0.5 and len(signed.colorscale) == 3
    assert unsigned.zmin == 0


def test_the_scale_below_a_column_is_that_of_its_maps(grid):
    ramps = [trace for trace in grid.data if trace.type == "heatmap" and trace.z.shape[0] == 1]
    for cells, ramp in zip(columns(grid), ramps, strict=True):
        assert (ramp.zmin, ramp.zmax, ramp.colorscale) == (cells.zmin, cells.zmax, cells.colorscale)
        assert ramp.z[0, 0] == pytest.approx(cells.zmin) and ramp.z[0, -1] == pytest.approx(cells.zmax)
        assert ramp.opacity is None and cells.opacity == 0.6


def test_every_cell_can_be_opened(grid):
    points = next(trace for trace in grid.data if trace.customdata is not None)
    assert [tuple(entry) for entry in points.customdata] == [
        (run, method) for run in "ab" for method in ("saliency", "integrated_gradients")
    ]


def test_the_picture_is_in_colour_once_and_grey_under_the_maps(grid):
    sheet = grid.data[0].z
    assert np.array_equal(sheet[:32, :32, :3], PICTURE)
    under = sheet[:32, -32:, :3]
    assert np.array_equal(under[..., 0], under[..., 1]) and under.std() > 0
    assert sheet[0, 33, 3] == 0  # nothing between the cells


def test_a_missing_map_leaves_its_cell_without_colours(styles):
    maps = toy_maps({"a": 1.0, "b": 1.0})
    del maps["b"][SIGNED.name]
    trace = columns(attribution_grid(PICTURE, maps, CHOSEN, styles, False))[1]
    assert np.isnan(trace.z[-32:]).all() and np.isfinite(trace.z[:32]).all()


def test_answers_stand_beside_their_rows(styles):
    answers = {"a": np.array([0.7, 0.2, 0.1]), "b": np.array([0.0, 0.1, 0.9])}
    figure = attribution_grid(
        PICTURE,
        toy_maps({"a": 1.0, "b": 1.0}),
        CHOSEN,
        styles,
        False,
        probabilities=answers,
        classes=["cat", "dog", "frog"],
    )
    first, second = (trace for trace in figure.data if trace.type == "bar")
    assert list(first.x) == pytest.approx([70, 20, 10])
    assert max(first.y) < 1 < min(second.y) < 2.1


def test_large_pictures_are_averaged_down_for_the_grid(styles):
    picture = np.zeros((224, 224, 3), np.uint8)
    maps = {"a": {SIGNED.name: np.ones((224, 224), np.float32)}}
    figure = attribution_grid(picture, maps, {SIGNED.name: SIGNED}, styles, False)
    assert max(columns(figure)[0].z.shape) <= 64
    assert len(figure.to_json()) < 200_000


def test_a_grid_with_many_methods_is_not_higher_than_its_cells_can_use():
    assert grid_height(3, 6) < grid_height(3, 2)
    assert grid_height(4, 3) > grid_height(3, 3)


def test_one_map_has_its_own_scale():
    values = RNG.normal(size=(32, 32)).astype(np.float32)
    figure = attribution_map(PICTURE, values, SIGNED, False)
    heat = next(trace for trace in figure.data if trace.type == "heatmap")
    limit = np.percentile(np.abs(values), 99)
    np.testing.assert_allclose((heat.zmin, heat.zmax), (-limit, limit), rtol=1e-6)
    assert list(heat.colorbar.tickvals) == [heat.zmin, 0.0, heat.zmax]


def test_nothing_chosen_is_a_calm_sentence(styles):
    assert attribution_grid(PICTURE, {}, CHOSEN, styles, False).layout.annotations
