"""``python -m resnet_core``. No torch."""

import sys

from resnet_core.cli import main

sys.exit(main())
