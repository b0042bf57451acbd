"""What a training will cost, as numbers; estimate.py measures them. No torch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """Measured on the machine that will train, with random pictures, for a training that has the machine, or its share
    of the cores, to itself.
    """

    seconds_per_step: float  # of a whole batch
    seconds_per_test_image: float
    images_per_s: float
    memory_bytes: int  # what a step keeps, weights and data included; without the process itself
    batch_size: int
    measured_images: int  # in a measured step; fewer than batch_size where a whole batch takes too long
    device: str  # as torch names it
    device_name: str
    precision: str  # "fp32" or "bf16"
    free_bytes: int | None  # memory that was free on the device; None where that cannot be known

    @property
    def fits(self) -> bool:
        """Whether there would have been enough memory; True where that cannot be known."""
        return self.free_bytes is None or self.memory_bytes <= self.free_bytes

    def seconds(self, steps: int, test_images: int = 0) -> float:
        """Of a training of so many steps that evaluates so many test images, all its epochs together."""
        return steps * self.seconds_per_step + test_images * self.seconds_per_test_image
