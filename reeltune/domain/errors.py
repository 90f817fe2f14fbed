"""Errors that a caller can handle, one class for each way to handle them."""


class ReelTuneError(Exception):
    """Base of all expected errors: one line that gives rule, value and next step."""


class InputError(ReelTuneError):
    """Wrong input: mend it and call again."""


class RejectedRowsError(InputError):
    """Too many rows of a file are no good, or all: mend the file, or allow more."""


class NotFoundError(ReelTuneError):
    """Unknown name: name something else, or make it first."""


class StorageError(ReelTuneError):
    """Database or artifact that cannot be trusted or used: restore or migrate it."""


class BusyError(ReelTuneError):
    """Database held by another run: wait for it."""


class GateError(ReelTuneError):
    """Candidate refused by a rule: it stays out of production."""


class InterruptedRunError(ReelTuneError):
    """Run that was asked to stop: resume it."""
