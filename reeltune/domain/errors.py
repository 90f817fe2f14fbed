"""The errors a caller can do something about, one class per thing to do."""


class ReelTuneError(Exception):
    """Base of all expected errors: its text is one line that gives rule, value and next step."""


class InputError(ReelTuneError):
    """Something handed in is wrong: mend the input and call again."""


class RejectedRowsError(InputError):
    """Too many rows of a file are no good, or all: mend the file, or allow more."""


class NotFoundError(ReelTuneError):
    """What was named does not exist: name something else, or make it first."""


class StorageError(ReelTuneError):
    """The database or an artifact cannot be trusted or used: restore or migrate it."""


class BusyError(ReelTuneError):
    """Another run holds the database: wait for it."""


class GateError(ReelTuneError):
    """A rule refused the candidate: it stays out of production."""


class InterruptedRunError(ReelTuneError):
    """A run was asked to stop: resume it."""
