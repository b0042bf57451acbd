"""Why something in a worker went wrong, in one sentence for the person. No torch."""

import errno
import traceback
from dataclasses import dataclass

from resnet_core.errors import LabError


@dataclass(frozen=True)
class Failure:
    """What a worker sends in place of an exception, which may need torch merely to be unpickled."""

    sentence: str
    details: str  # the traceback when the mistake is ours; "" when it is not


def describe_failure(error: BaseException) -> Failure:
    """The failure that an exception means for the person."""
    if isinstance(error, LabError):
        return Failure(str(error), "")
    details = "".join(traceback.format_exception(error))
    return Failure(_sentence(error), details)


def _sentence(error: BaseException) -> str:
    kind = type(error).__name__
    if isinstance(error, MemoryError) or kind == "OutOfMemoryError":  # torch's has this name
        return "Memory ran out: choose a smaller batch or network, or wait until other trainings have ended."
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "The disk is full: free some space and try again."
    return (
        f"The lab made a mistake ({kind}: {str(error)[:200] or 'no details'}). "
        "The full report is in error.log in the run's folder; please tell whoever looks after the lab."
    )
