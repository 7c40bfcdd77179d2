"""Stage `catalog`: which tracks are there, with which labels, from whom, under which licence?

A pure function of the listings that `soundatlas ingest` and stage `ingest` wrote, and of the demo's parameters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from soundatlas.errors import NotReadyError, TooManyFailuresError
from soundatlas.files import registry_root, replacing_folder
from soundatlas.source_params import DemoSourceParams
from soundatlas.sources import demo
from soundatlas.sources.deny_list import leave_out_denied, read_export
from soundatlas.sources.identity import Part, unite
from soundatlas.sources.listing_files import SOURCES, read_listing, source_key
from soundatlas.stages._run import run_stage
from soundatlas.tables import FAILURES, INBOX, conform, empty, write_table

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.params import Params
    from soundatlas.source_params import SourceParams
    from soundatlas.sources.base import Collected
    from soundatlas.sources.deny_list import DenyList

OF_SPOTIFY = {"spotify", "deezer"}  # of Deezer's rows, only those that were found by rows of Spotify are restricted
# What is no fault of a file: a service has no such thing or does not give it, or it is left out on purpose.
HARMLESS = {
    "duplicate",
    "linked_folder",
    "no_preview",
    "not_a_track",
    "not_found",
    "not_granted",
    "not_permitted",
}


def run(root: Path, params: Params) -> None:
    """Unite every source's tracks in `data/catalog/`; the demo's audio is rendered into `data/audio/`.

    `tracks.parquet` and `labels.parquet` hold what can be learnt from; tracks without audio stand in files of their
    own. What is on the deny-list is left out, and its audio removed.

    Raises:
        NotReadyError: when a source was not ingested.
        TooManyFailuresError: when more tracks failed than `catalog.max_failure_rate` allows.
    """
    denied = read_export(root)
    (root / "data/audio").mkdir(parents=True, exist_ok=True)  # an out, also where no source renders
    permitted = params.catalog.i_have_permission_to_train_on_spotify_content
    parts, failures, inboxes = [], [empty(FAILURES)], [empty(INBOX)]
    for source in params.catalog.sources:
        if isinstance(source, DemoSourceParams):
            collected = _collect_demo(root, source, denied)
            parts.append(Part(collected.tracks, collected.labels))
            failures.append(collected.failures.assign(source=source.source))
            inboxes.append(collected.inbox)
        else:
            part, failed = _read_source(root, source, denied)
            parts.append(_permit(part) if source.source in OF_SPOTIFY and permitted else part)
            failures.append(failed)
    united = unite(parts)
    heard = united.tracks["path"].notna()
    tracks, failed = united.tracks[heard].reset_index(drop=True), conform(pd.concat(failures), FAILURES, extra=True)
    is_heard = united.labels["track_id"].isin(tracks["track_id"])
    with replacing_folder(root / "data/catalog") as folder:
        write_table(tracks, folder / "tracks.parquet")
        write_table(united.labels[is_heard].reset_index(drop=True), folder / "labels.parquet")
        write_table(united.tracks[~heard].reset_index(drop=True), folder / "without_audio.parquet")
        write_table(united.labels[~is_heard].reset_index(drop=True), folder / "labels_without_audio.parquet")
        write_table(united.identities, folder / "identities.parquet")
        write_table(united.conflicts, folder / "conflicts.parquet")
        write_table(failed, folder / "failures.parquet")
        write_table(conform(pd.concat(inboxes), INBOX, extra=True), folder / "inbox.parquet")
    _report(tracks, failed, without_audio=int((~heard).sum()), conflicts=len(united.conflicts))
    _refuse_too_many(failed, len(united.tracks), params.catalog.max_failure_rate)


def _collect_demo(root: Path, source: DemoSourceParams, denied: DenyList) -> Collected:
    audio = root / "data/audio"
    return leave_out_denied(demo.collect(source, root, audio), denied, root, audio)


def _read_source(root: Path, source: SourceParams, denied: DenyList) -> tuple[Part, pd.DataFrame]:
    """Return what a source's listing holds, without what is denied, and its failures."""
    project = registry_root(root).resolve()
    key = source_key(source, project)
    listing = read_listing(project / SOURCES / key)
    if listing is None:
        raise NotReadyError(f"there is no listing of {source.source}: run `soundatlas ingest {source.source}`")
    kept = listing.tracks[~denied.denies(listing.tracks)]
    labels = listing.labels[listing.labels["track_id"].isin(kept["track_id"])]
    return Part(kept, labels), listing.failures.assign(source=key)


def _permit(part: Part) -> Part:
    """Return what a source brings as it is for somebody who holds its owner's permission."""

    def permitted(table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(ml_use=table["ml_use"].replace("restricted", "allowed"))

    return Part(permitted(part.tracks), permitted(part.labels))


def _report(tracks: pd.DataFrame, failures: pd.DataFrame, *, without_audio: int, conflicts: int) -> None:
    hours = tracks["duration_seconds"].sum() / 3600
    told = f"; {without_audio} more without audio" if without_audio else ""
    told += f"; {conflicts} conflicting labels" if conflicts else ""
    print(  # noqa: T201 - the stage's report
        f"catalog: {len(tracks)} tracks by {tracks['artist'].nunique()} artists, {hours:.2f} hours; "
        f"{len(failures)} failed{told}"
    )


def _refuse_too_many(failures: pd.DataFrame, tracks: int, max_failure_rate: float) -> None:
    faults = failures[~failures["reason"].isin(HARMLESS)]
    if len(faults) > max_failure_rate * (tracks + len(faults)):
        raise TooManyFailuresError(
            f"{len(faults)} tracks failed, e.g. {faults['path'].iloc[0]} ({faults['message'].iloc[0]}): see "
            "data/catalog/failures.parquet, or raise catalog.max_failure_rate"
        )


if __name__ == "__main__":
    run_stage(run)
