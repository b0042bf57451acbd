import numpy as np

from resnet_core.figures.thumbnails import PER_ROW, thumbnails

PICTURES = np.random.default_rng(0).integers(0, 256, (PER_ROW + 1, 8, 8, 3), dtype=np.uint8)
NAMES = [f"picture {i}" for i in range(len(PICTURES))]


def test_each_point_lies_on_its_own_picture():
    sheet, points = thumbnails(PICTURES, NAMES, None, dark=False).data
    for (index,), x, y in zip(points.customdata, points.x, points.y, strict=True):
        corner = sheet.z[int(y - 3.5) : int(y + 4.5), int(x - 3.5) : int(x + 4.5)]
        np.testing.assert_array_equal(corner[..., :3], PICTURES[index])
        assert (corner[..., 3] == 255).all()


def test_only_the_chosen_one_is_framed():
    frames = thumbnails(PICTURES, NAMES, 2, dark=True).data[1].marker.line.color
    assert len(set(frames)) == 2 and frames.index(frames[2]) == 2
    assert frames.count(frames[2]) == 1


def test_names_of_classes_are_no_markup():
    assert thumbnails(PICTURES[:1], ["<b>1</b>"], None, dark=False).data[1].text[0] == "&lt;b>1&lt;/b>"


def test_nothing_to_choose_of_is_said():
    assert thumbnails(PICTURES[:0], [], None, dark=False).layout.annotations
