import numpy as np
import pytest
import torch

from resnet_core.data.batches import EvalBatches, TrainBatches, derive_seed
from resnet_core.data.dataset import Dataset

CPU = torch.device("cpu")


def make(n=20, n_test=7, size=32):
    """Random pictures; the label is the number of the picture, so that a batch says what it holds."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (n, size, size, 3), dtype=np.uint8)
    x_test = rng.integers(0, 256, (n_test, size, size, 3), dtype=np.uint8)
    names = tuple(str(i) for i in range(max(n, n_test)))
    y, y_test = np.arange(n), np.arange(n_test)
    return Dataset("toy", "Toy", names, x, y, x_test, y_test, "made up", "toy")


def batches(dataset, batch_size=8, seed=0, augment=True, image_size=32):
    return TrainBatches(dataset, batch_size, seed, augment, CPU, image_size)


def as_pixels(dataset, x):
    """Normalised pictures (N, 3, H, W) back to bytes (N, H, W, 3)."""
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (dataset.mean, dataset.std))
    return ((x * std + mean) * 255).round().to(torch.int64).permute(0, 2, 3, 1).numpy()


def test_every_epoch_shows_every_picture_once_across_batches():
    ours = batches(make())
    seen = torch.cat([ours(step)[1] for step in range(10)])  # 80 draws: four epochs of 20
    for epoch in range(4):
        assert sorted(seen[epoch * 20 : epoch * 20 + 20].tolist()) == list(range(20))
    assert seen[:20].tolist() != seen[20:40].tolist()


@pytest.mark.parametrize("batch_size", [1, 7, 20])
def test_all_batches_have_one_shape(batch_size):
    ours = batches(make(), batch_size)
    for step in range(12):
        x, y = ours(step)
        assert x.shape == (batch_size, 3, 32, 32)
        assert y.shape == (batch_size,)
        assert x.dtype == torch.float32
        assert x.is_contiguous(memory_format=torch.channels_last)


def test_a_batch_depends_on_seed_and_step_only():
    dataset = make()
    first, second = batches(dataset), batches(dataset)
    for step in range(9):
        first(step)
    for step in (8, 2, 5):  # in another order, from another object
        for ours, theirs in zip(first(step), second(step), strict=True):
            assert torch.equal(ours, theirs)
    assert not torch.equal(batches(dataset, seed=1)(0)[1], first(0)[1])


def test_without_augmentation_the_pixels_are_the_pictures():
    dataset = make()
    x, y = batches(dataset, augment=False)(0)
    assert np.array_equal(as_pixels(dataset, x), dataset.x_train[y.numpy()])


def test_each_picture_gets_its_own_crop_of_the_zero_padded_picture_and_its_own_flip():
    dataset = make(n=200)
    x, y = batches(dataset, batch_size=200)(0)
    padded = np.pad(dataset.x_train, ((0, 0), (4, 4), (4, 4), (0, 0)))
    found = []
    for picture, label in zip(as_pixels(dataset, x), y.tolist(), strict=True):
        fits = [
            (dy, dx, flip)
            for dy in range(9)
            for dx in range(9)
            for flip in (False, True)
            if np.array_equal(padded[label, dy : dy + 32, dx : dx + 32][:, :: -1 if flip else 1], picture)
        ]
        assert len(fits) == 1
        found += fits
    rows, columns, _flips = (set(values) for values in zip(*found, strict=True))
    assert rows == columns == set(range(9))
    assert 60 < sum(flip for _, _, flip in found) < 140
    assert len({(dy, dx) for dy, dx, _ in found}) > 50


def test_black_padding_is_black_before_normalising():
    dataset = make(n=1)
    x, _ = batches(dataset, batch_size=1)(0)
    black = -np.array(dataset.mean) / np.array(dataset.std)
    corners = x[0, :, [0, 0, -1, -1], [0, -1, 0, -1]].T.numpy()
    # Unless the crop is the middle, some corner is padding.
    assert any(np.allclose(corner, black, atol=1e-5) for corner in corners)


def test_training_pictures_are_normalised():
    x, _ = batches(make(n=500), batch_size=500, augment=False)(0)
    assert x.mean((0, 2, 3)).abs().max() < 1e-3
    assert (x.std((0, 2, 3)) - 1).abs().max() < 1e-2


def test_a_network_for_larger_pictures_sees_them_enlarged():
    x, _ = batches(make(), batch_size=2, image_size=64)(0)
    assert x.shape == (2, 3, 64, 64)


def test_a_dataset_that_cannot_be_written_to_is_fine():
    dataset = make()
    dataset.x_train.flags.writeable = False
    ours = batches(dataset)
    ours.images.zero_()
    assert dataset.x_train.any()


def test_evaluation_shows_everything_once_in_order():
    dataset = make(n_test=2500)
    ours = EvalBatches(dataset, CPU)
    parts = list(ours)
    assert [len(y) for _, y in parts] == [1000, 1000, 500]
    assert torch.cat([y for _, y in parts]).tolist() == list(range(2500))
    assert len(ours) == 2500
    assert np.array_equal(as_pixels(dataset, parts[2][0]), dataset.x_test[2000:])


def test_seeds_of_different_things_differ():
    seeds = {derive_seed(a, b, c) for a in range(10) for b in ("batches", "forward") for c in range(10)}
    assert len(seeds) == 200
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert derive_seed(1, "x", 23) == derive_seed(1, "x", 23)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_a_gpu_makes_the_same_batches():
    dataset = make()
    gpu = TrainBatches(dataset, 8, 0, True, torch.device("cuda"))
    for step in range(6):
        (x, y), (x_gpu, y_gpu) = batches(dataset)(step), gpu(step)
        assert torch.equal(y, y_gpu.cpu())
        assert torch.allclose(x, x_gpu.cpu(), atol=1e-6)
