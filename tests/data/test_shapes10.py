import hashlib

import numpy as np
import pytest

from resnet_core.data.shapes10 import CLASSES, SHAPES, VERSION, generate, small_dataset


@pytest.fixture(scope="module")
def drawn():
    return generate(1000, seed=5)


def test_same_seed_same_pictures(drawn):
    images, labels, masks = generate(1000, seed=5)
    np.testing.assert_array_equal(images, drawn[0])
    np.testing.assert_array_equal(labels, drawn[1])
    np.testing.assert_array_equal(masks, drawn[2])
    assert (generate(1000, seed=6)[0] != images).any()


def test_the_pictures_are_those_of_every_other_machine():
    """Runs name their data by its fingerprint. A change here makes every earlier run one on other data, and needs
    another VERSION, or copies that are on disks stay as they are."""
    digest = hashlib.sha256()
    for array in generate(200, seed=1):
        digest.update(array.tobytes())
    assert (VERSION, digest.hexdigest()[:16]) == (1, "36c429b8a61f603c")


def test_shapes_types_and_balance(drawn):
    images, labels, masks = drawn
    assert (images.shape, images.dtype) == ((1000, 32, 32, 3), np.uint8)
    assert labels.dtype == np.int64 and (np.bincount(labels) == 100).all()
    assert (masks.shape, masks.dtype) == ((1000, 32, 32), bool)
    assert not (np.diff(labels) >= 0).all()


def test_every_shape_is_there_and_not_too_small(drawn):
    _, labels, masks = drawn
    area = masks.sum(axis=(1, 2))
    assert area.min() >= 20  # pixels
    assert area.max() < 500
    for label in range(10):
        assert 50 < area[labels == label].mean() < 300


def test_mask_marks_what_is_lighter_than_its_surroundings(drawn):
    images, _, masks = drawn
    light = images.mean(axis=3)
    inside = np.array([image[mask].mean() for image, mask in zip(light, masks, strict=True)])
    outside = np.array([image[~mask].mean() for image, mask in zip(light, masks, strict=True)])
    assert (inside > outside + 10).mean() > 0.98


def test_colour_does_not_give_the_class_away(drawn):
    """The nearest class by mean and spread of the colours is right little more often than chance (10 %)."""
    images, labels, _ = drawn
    colours = np.concatenate([images.mean(axis=(1, 2)), images.std(axis=(1, 2))], axis=1)
    colours = (colours - colours.mean(axis=0)) / colours.std(axis=0)
    train, test = slice(0, 700), slice(700, 1000)
    centres = np.stack([colours[train][labels[train] == c].mean(axis=0) for c in range(10)])
    nearest = np.linalg.norm(colours[test][:, None] - centres, axis=2).argmin(axis=1)
    assert (nearest == labels[test]).mean() < 0.25


def test_outlines_of_the_classes_differ():
    """Of two shapes turned and scaled alike, a good part of the area belongs to only one."""
    at = np.linspace(-1.2, 1.2, 97)
    v, u = np.meshgrid(at, at, indexing="ij")
    inside = {name: shape(u, v) for name, shape in SHAPES.items()}
    for a, first in inside.items():
        for b, second in inside.items():
            if a < b:
                assert (first ^ second).sum() / (first | second).sum() > 0.15, (a, b)


def test_small_one_is_a_dataset():
    dataset = small_dataset(n_train=40, n_test=10)
    assert dataset.classes == CLASSES and len(dataset.x_train) == 40
    assert dataset.fingerprint == small_dataset(n_train=40, n_test=10).fingerprint
    assert dataset.fingerprint != small_dataset(n_train=40, n_test=10, seed=3).fingerprint
