"""Every fault that soundatlas names, as one tree.

    SoundatlasError              exit 1   something went wrong; the message says what to do
    |-- ParamsError              exit 2   params.yaml holds a key or value that cannot be
    |-- UsageError               exit 2   a command was called in a way that cannot be
    |-- NotReadyError            exit 3   a configuration, a package or a permission is missing
    |-- QuotaError               exit 4   a service wants no more requests before `resume_after`
    |-- BackboneUnavailableError exit 3   a pretrained network cannot be fetched or read
    |-- TooManyFailuresError     exit 1   more tracks failed than the stage allows
    |-- DataRefusedError         exit 1   validation found errors: the line stops before training
    |-- StoreError               exit 1   the spectrogram store is damaged or of another contract
    |-- HistoryError             exit 1   the history of predictions is damaged or cannot be used
    |-- BundleError              exit 1   a model bundle is damaged or computes something else here
    |   `-- OutdatedBundleError  exit 1   another version of soundatlas wrote it: train anew
    |-- LedgerError              exit 1   the history of champions is not as it was written
    |-- WebError                 exit 1   a service cannot be reached, or answers what cannot be used
    |   `-- RefusedError         exit 1   a service answers that it will not; carries its status and its words
    `-- TrackError               (a row)  one track cannot be used; carries a reason code

A `TrackError` never ends a stage: it becomes a row in a failures table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt


class SoundatlasError(Exception):
    """A fault with a message for the user; `exit_code` is what the process ends with."""

    exit_code = 1


class ParamsError(SoundatlasError):
    """`params.yaml` holds a key or a value that cannot be; the message names the key."""

    exit_code = 2


class UsageError(SoundatlasError):
    """A command was called with arguments that cannot be."""

    exit_code = 2


class NotReadyError(SoundatlasError):
    """A configuration, an optional package or a permission is missing; the message says how to get it."""

    exit_code = 3


class QuotaError(SoundatlasError):
    """A service wants no more requests for a while.

    Args:
        message: one line that names the service.
        resume_after: the moment from which on it may be asked again, in UTC.
    """

    exit_code = 4

    def __init__(self, message: str, resume_after: dt.datetime) -> None:
        super().__init__(message, resume_after)
        self.message = message
        self.resume_after = resume_after

    def __str__(self) -> str:
        return f"{self.message}: run it again after {self.resume_after:%Y-%m-%d %H:%M} UTC"


class BackboneUnavailableError(SoundatlasError):
    """The pretrained network cannot be fetched, or is not the one that we know; the message says how to do without."""

    exit_code = 3


class TooManyFailuresError(SoundatlasError):
    """More tracks failed than the stage's `max_failure_rate` allows."""


class DataRefusedError(SoundatlasError):
    """Validation found errors in the data."""


class StoreError(SoundatlasError):
    """The spectrogram store is damaged, or was computed by another front-end contract."""


class HistoryError(SoundatlasError):
    """The history of predictions is damaged, cannot be written, or was made by a later version."""


class BundleError(SoundatlasError):
    """A model bundle is incomplete, changed, or does not reproduce its golden array here."""


class OutdatedBundleError(BundleError):
    """A model bundle was written by a version of soundatlas that defines bundles or the front end otherwise."""


class LedgerError(SoundatlasError):
    """The history of champions, or an entry of it, is not as it was written."""


class WebError(SoundatlasError):
    """A service cannot be reached, or answers what cannot be used.

    Args:
        message: one sentence for a person; holds no secret and no query of a URL.
        reason: a code for tables and counts, such as "timeout".
    """

    def __init__(self, message: str, reason: str = "network") -> None:
        super().__init__(message)
        self.reason = reason


class RefusedError(WebError):
    """A service answers that it will not.

    Args:
        message: one sentence for a person.
        status: the HTTP status; of a service that says everything with 200, its own code.
        said: what the service says, shortened and printable.
        code: the service's word for the reason, such as "invalid_grant"; empty where it gives none.
    """

    def __init__(self, message: str, *, status: int, said: str, code: str = "") -> None:
        super().__init__(message, "refused")
        self.status, self.said, self.code = status, said, code


class TrackError(SoundatlasError):
    """One track cannot be used.

    Args:
        reason: a code from `tables.REASONS`, for tables and counts.
        message: one sentence for a person.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.message = message

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"


def describe_error(error: Exception) -> str:
    """Return the kind and the words of an error that is not ours, on one line."""
    return " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")
