"""``python -m resnet_core``. No torch."""

import sys

from resnet_core import cpu

# A command shares the machine with the app and its trainings: the same manners as its workers have, before anything
# imports torch.
cpu.let_threads_sleep()
cpu.lower_priority()

from resnet_core.cli import main  # noqa: E402

sys.exit(main())
