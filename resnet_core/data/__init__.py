"""Datasets: CIFAR-10, generated shapes, and people's own pictures."""
