"""Errors whose message is a sentence for the person: what is wrong, with the value, and
what to do about it. No torch.

Pages show the message as it is, the command line prints it and ends with exit code 2. Anything else that is raised
is a mistake of ours.
"""


class LabError(Exception):
    """Base of every error that is meant to be read by the person who caused it."""


class SpecError(LabError, ValueError):
    """A network or recipe that cannot exist: names the value, the field and what is allowed."""


class DataError(LabError, ValueError):
    """A picture or dataset that cannot be used, or is not there."""


class StoreError(LabError):
    """A run, bundle or store that cannot be read or written."""


class StoreBusyError(StoreError):
    """A store that another process is writing to: it will be free again, so whoever can wait waits."""


class TrainingError(LabError):
    """A training that cannot go on, for a reason that lies in the network, the recipe or the machine."""


class JobError(LabError):
    """A job that cannot be queued, stopped or taken up."""


class NewerWeightsError(JobError):
    """A question about weights that newer ones have replaced meanwhile: ask about those."""
