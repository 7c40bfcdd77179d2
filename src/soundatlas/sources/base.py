"""The one shape of every source of tracks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


@dataclass(frozen=True)
class Collected:
    """What a source knows.

    Attributes:
        tracks: the catalogue, as `tables.TRACKS`.
        labels: where each label of each track comes from, as `tables.LABELS`.
        inbox: files to classify, as `tables.INBOX`, and their true "artist" and "title": these two are for
            showing beside a prediction, never for making one.
        failures: what could not be used, as `tables.FAILURES` with stage "catalog".
    """

    tracks: pd.DataFrame
    labels: pd.DataFrame
    inbox: pd.DataFrame
    failures: pd.DataFrame


class Source(Protocol):
    """A module of this package that gives tracks."""

    def fingerprint(self, params: Any) -> dict[str, str]:
        """Return what the tracks depend on beyond the parameters, such as versions of packages."""
        ...

    def collect(self, params: Any, root: Path, audio_folder: Path) -> Collected:
        """Bring the audio under `audio_folder` up to date and return the tables; paths are relative to `root`."""
        ...
