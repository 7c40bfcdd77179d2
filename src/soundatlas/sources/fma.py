"""The FMA data set (Defferrard et al., arXiv 1612.01840): openly licensed recordings with genres and a split.

The user fetches `fma_metadata.zip` and one of `fma_small.zip`, `fma_medium.zip`, `fma_large.zip` and `fma_full.zip`,
and unpacks them or not. Their folder is read and never written.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from soundatlas.errors import NotReadyError, TrackError
from soundatlas.files import expand_home
from soundatlas.progress import progress
from soundatlas.sources.base import AUDIO, Listing, Offer, Ready
from soundatlas.sources.fma_audio import hear_tracks
from soundatlas.sources.fma_licence import ml_use_of
from soundatlas.sources.fma_metadata import (
    ECHONEST_ATTRIBUTES,
    ECHONEST_COLUMNS,
    TRACK_COLUMNS,
    Table,
    describe_attributes,
    describe_tracks,
    read_table,
)
from soundatlas.sources.fma_place import find_place, open_table
from soundatlas.sources.fma_subset import in_subset, known_fault
from soundatlas.sources.fma_tables import (
    PROVENANCES,
    SOURCE,
    failures_table,
    labels_table,
    track_id,
    tracks_table,
)
from soundatlas.sources.listing_files import user_path
from soundatlas.tables import ML_USES

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from soundatlas.source_params import FmaSourceParams
    from soundatlas.sources.base import IngestContext
    from soundatlas.sources.fma_metadata import Faulty
    from soundatlas.sources.fma_tables import Heard

ROWS_OF_ALL = 106_574 + 13_129  # for the progress bar

OFFER = Offer(
    name=SOURCE,
    about="the FMA data set: openly licensed recordings, clips of 30 s or whole",
    gives=(AUDIO, *PROVENANCES),
    licence="Creative Commons, each recording its own; metadata CC BY 4.0",
    ml_use="unknown",
    needs=("a folder with fma_metadata and fma_small, unpacked or as zip files",),
)


def readiness(config: FmaSourceParams | None, environ: Mapping[str, str]) -> Ready:
    """Say whether metadata and audio are there; what they hold is looked at when they are read."""
    del environ
    if config is None:
        return Ready(ready=False, message="say where it lies: `soundatlas ingest fma PATH --subset small`")
    try:
        find_place(expand_home(Path(config.path)), config.subset)
    except NotReadyError as error:
        return Ready(ready=False, message=str(error))
    return Ready(ready=True)


def ingest(config: FmaSourceParams, context: IngestContext) -> Listing:
    """List the subset's tracks; audio that lies in a zip file goes into our store.

    Each row of the metadata that belongs to the subset becomes a track or a failure, unless it is denied. Of tracks
    with the same bytes, that of the lowest number stays.

    Raises:
        NotReadyError: when metadata or audio are missing.
        SoundatlasError: when an archive is refused, or the disk is full.
    """
    place = find_place(user_path(config.path, context.root), config.subset)
    rows, attributes, faulty = read_metadata(place.metadata)
    rows = in_subset(rows, config.subset)
    rows = rows[~rows.index.map(track_id).isin(context.denied.track_ids)]
    failures = find_unusable(rows, config.subset)
    wanted = [number for number in rows.index.tolist() if number not in failures]
    heard, unheard = hear_tracks(place.audio, wanted, config.subset, context)
    duplicates = find_duplicates(heard)
    failures |= unheard | duplicates
    tracks = tracks_table(rows, attributes, {number: heard[number] for number in heard if number not in duplicates})
    return Listing(
        tracks=tracks,
        labels=labels_table(tracks),
        failures=failures_table(faulty, failures),
        counts={"rows of the subset": len(rows), "rows that cannot be read": len(faulty)},
        notes=_notes(tracks),
    )


def read_metadata(metadata: Path) -> tuple[pd.DataFrame, pd.DataFrame, list[Faulty]]:
    """Read `tracks.csv` and, where it is there, `echonest.csv`.

    Args:
        metadata: the folder `fma_metadata`, or `fma_metadata.zip`.

    Returns:
        A row per track and its Echo Nest attributes, both by number, and what is wrong with other rows of `tracks.csv`.

    Raises:
        NotReadyError: when it is no metadata of FMA.
    """
    with progress("reading FMA's metadata", ROWS_OF_ALL) as advance:
        with open_table(metadata, "tracks.csv") as file:
            if file is None:
                raise NotReadyError(f"{metadata} holds no tracks.csv: it is not FMA's")
            table = read_table(file, "tracks.csv", TRACK_COLUMNS, advance)
        with open_table(metadata, "echonest.csv") as file:
            echonest = Table() if file is None else read_table(file, "echonest.csv", ECHONEST_COLUMNS, advance)
        return describe_tracks(table), describe_attributes(echonest), table.faulty


def find_unusable(rows: pd.DataFrame, subset: str) -> dict[int, TrackError]:
    """Return the tracks that need no listening to: known to be bad, or under a licence that forbids learning from them.

    Such tracks would have `train` refuse the whole catalogue.
    """
    found = {}
    for number, licence in zip(rows.index.tolist(), rows["licence"].tolist(), strict=True):
        if (fault := known_fault(number, subset)) is not None:
            found[number] = fault
        elif isinstance(licence, str) and ml_use_of(licence) == "restricted":
            found[number] = TrackError("not_permitted", f"its licence is {licence[:80]!r}")
    return found


def find_duplicates(heard: Mapping[int, Heard]) -> dict[int, TrackError]:
    """Return the tracks whose bytes are those of a track with a lower number."""
    first: dict[str, int] = {}
    found = {}
    for number in sorted(heard):
        other = first.setdefault(heard[number].audio_sha256, number)
        if other != number:
            found[number] = TrackError("duplicate", f"the same bytes as {track_id(other)}")
    return found


def _notes(tracks: pd.DataFrame) -> list[str]:
    """Tell what a user of the data set would want to know."""
    uses = ", ".join(f"{(tracks['ml_use'] == use).sum()} {use}" for use in ML_USES)
    echonest = tracks[[*ECHONEST_ATTRIBUTES]].notna().any(axis=1).sum()
    return [
        f"licences, for machine learning: {uses}",
        f"{echonest} tracks have Echo Nest attributes, the others have none",
    ]
