"""The one shape of every source of tracks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from soundatlas.sources.deny_list import DenyList
from soundatlas.tables import FAILURES, LABELS, TRACKS, empty

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import pandas as pd

    from soundatlas.params import IngestParams
    from soundatlas.sources.audio_store import AudioStore

AUDIO = "audio"
SAME_AS = "same_as"  # a further column of a listing's tracks: the track_id, of another source, of what this row is too


@dataclass(frozen=True)
class Offer:
    """What a source has to offer, for the table of `soundatlas sources`.

    Attributes:
        name: as in `catalog.sources`.
        about: one line.
        gives: "audio" and columns of `tables.TRACKS`.
        licence: of what it gives, in a few words.
        ml_use: one of `tables.ML_USES`.
        needs: environment variables, files or accounts; empty where it needs nothing.
        listed_by_stage: it is local and cheap to list, so that stage `ingest` lists it anew at every `dvc repro`.
        enriches: it lists nothing by itself, but adds to the tracks of the sources listed before it.
    """

    name: str
    about: str
    gives: tuple[str, ...]
    licence: str
    ml_use: str
    needs: tuple[str, ...] = ()
    listed_by_stage: bool = False
    enriches: bool = False


@dataclass(frozen=True)
class Ready:
    """Whether a source could be asked now, and if not, what is missing and how to get it."""

    ready: bool
    message: str = ""


@dataclass
class Listing:
    """What a source knows at one moment; it is written whole or not at all.

    Attributes:
        tracks: as `tables.TRACKS`, further label columns after them. `track_id` is "<source>:<source_id>" and unique.
            `path` and `audio_sha256` are missing where the source has no audio of the track. An enriching source
            gives rows of its own, with the track that each belongs to in the column `same_as`.
        labels: a row per label that is present, as `tables.LABELS`; the values of `tracks` as text.
        failures: a row per input that is no row of `tracks`, as `tables.FAILURES` with stage "ingest"; `path` is a
            file, or an id such as "spotify:4uLU6hMCjMI75M1A2tKUQC".
        capabilities: what was probed, in words: "audio features" -> "not granted to this app (403)".
        counts: numbers worth telling, such as requests made.
        notes: lines for the person who runs it.
        resume_after: when the source wants no more requests before that moment (UTC); the listing is then what was
            found until now, and the command ends with exit code 4.
    """

    tracks: pd.DataFrame = field(default_factory=lambda: empty(TRACKS))
    labels: pd.DataFrame = field(default_factory=lambda: empty(LABELS))
    failures: pd.DataFrame = field(default_factory=lambda: empty(FAILURES))
    capabilities: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    resume_after: dt.datetime | None = None


@dataclass(frozen=True)
class IngestContext:
    """What a source has at hand while it lists.

    Attributes:
        root: the project; paths inside it are written relative to it.
        environ: the only place for credentials, contacts and base URLs.
        store: where fetched audio goes.
        memory: a folder of the source's own for what it remembers between runs, so that nothing is asked or computed
            twice; not there before the source makes it. All listings of one source share it. No secrets.
        limits: section `ingest` of `params.yaml`.
        previous: the last listing of this source with this configuration, also one that ended at a quota.
        known_tracks: the tracks that the sources listed before this one have, as in `Listing.tracks`.
        save: writes an unfinished listing, so that a kill costs little; the returned listing is saved anyway.
        denied: what is to be left out before anything is read or fetched; it is left out of the listing anyway.
    """

    root: Path
    environ: Mapping[str, str]
    store: AudioStore
    memory: Path
    limits: IngestParams
    previous: Listing | None
    known_tracks: pd.DataFrame
    save: Callable[[Listing], None]
    denied: DenyList = field(default_factory=DenyList)


class Source(Protocol):
    """A module of this package that lists tracks: what `soundatlas sources` and `soundatlas ingest` know of it."""

    OFFER: Offer

    def readiness(self, config: Any, environ: Mapping[str, str]) -> Ready:
        """Say whether it could be asked now; offline, quick, and without raising.

        Args:
            config: its model in `soundatlas.source_params`, or None where it is not configured.
            environ: of the process.
        """
        ...

    def ingest(self, config: Any, context: IngestContext) -> Listing:
        """List the tracks, and fetch their audio.

        Raises:
            NotReadyError: when a configuration, a login or a permission is missing.
            QuotaError: when `context.previous.resume_after` is still to come; nothing was asked.
        """
        ...


@dataclass(frozen=True)
class Collected:
    """What a source brings into the catalogue.

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
