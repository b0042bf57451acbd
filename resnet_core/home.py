"""Where the lab keeps what it writes: datasets, runs and the database, all in one folder that may be
deleted. No torch.
"""

import os
from pathlib import Path


def default_home() -> Path:
    """The folder named by ``SKIP_EXPLORER_HOME``, else ``workspace/`` beside ``app.py``.

    The app and the command line use the same folder, so a run started in one shows up in the other.
    """
    named = os.environ.get("SKIP_EXPLORER_HOME")
    return Path(named).expanduser() if named else Path(__file__).resolve().parent.parent / "workspace"
