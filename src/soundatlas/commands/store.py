"""`soundatlas spectrograms` and `soundatlas store verify`: a store of loose audio; is a store what was written?"""

from __future__ import annotations

from itertools import zip_longest
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from soundatlas.commands.terminal import printable, wide_console
from soundatlas.errors import NotReadyError, StoreError, TooManyFailuresError, UsageError
from soundatlas.files import project_root
from soundatlas.progress import progress

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.profiling import Profile

KNOWN_SETTINGS = "data/.known-settings.json"  # in the project
MOST_FAILURES = 10  # that are shown
LISTING = "ingest"  # what a table of failures calls the stage that lists


def verify(folder: Path | None, *, repair: bool) -> None:
    """Check a store and print what is wrong; with `repair`, remove that for the next run to compute.

    Args:
        folder: of the store; by default the project's.
        repair: whether damaged shards are removed.

    Raises:
        NotReadyError: when there is no store, or what is there is none.
        StoreError: when something is damaged and stays, or another run is at work in the store.
    """
    from rich.markup import escape

    from soundatlas.dag import holding_data
    from soundatlas.store.belonging import STORE, filling, owner_of, repairing
    from soundatlas.store.locking import holding_store
    from soundatlas.store.recognition import is_store
    from soundatlas.store.shards import list_shards
    from soundatlas.store.verification import remove_damaged, verify_store

    place = folder or project_root() / STORE
    shards = list_shards(place)
    if not shards and not is_store(place):
        raise NotReadyError(f"{printable(str(place))} is no store of spectrograms: {filling(place)} makes one")
    with progress("verifying shards", len(shards)) as advance:
        found = verify_store(place, advance=advance)
    console = wide_console()
    for problem in found.damaged.values():
        console.print(escape(printable(problem)), soft_wrap=True, highlight=False)
    sound = f"{found.tracks} spectrograms in {found.shards} shards"
    if not found.damaged:
        console.print(f"{sound}, each as it was written", highlight=False)
    elif repair:
        owner = owner_of(place)
        with holding_data(owner, "soundatlas store verify --repair") if owner else holding_store(place):
            remove_damaged(place, found)
        told = f"removed {', '.join(sorted(found.damaged))}: {filling(place)} computes what they held, and nothing else"
        console.print(escape(printable(told)), soft_wrap=True, highlight=False)
    else:
        damaged = ", ".join(sorted(found.damaged))
        raise StoreError(f"damaged: {damaged}; {repairing(place)} removes it, for {filling(place)} to compute")


def compute_folder(folder: Path, store: Path, workers: int | None, profile: Profile | None = None) -> None:
    """Bring a store up to date with a folder of audio, by the project's front end, and print what was done.

    Args:
        folder: of audio; read, never written.
        store: the folder of the store; made where it is not there.
        workers: number of processes; by default one per processor.
        profile: takes down where the time went.

    Raises:
        UsageError: when `folder` is none or holds nothing while the store does, or the store would lie in it, is a
            project's own, or is a folder of other things.
        TooManyFailuresError: when there are files and none can be used.
        StoreError: when another run is at work in the store.
    """
    if not folder.is_dir():
        raise UsageError(f"{printable(str(folder))} is no folder")
    if store.exists() and not store.is_dir():
        raise UsageError(f"the store {printable(str(store))} is a file: name a folder")
    if store.resolve().is_relative_to(folder.resolve()):
        raise UsageError(f"the store {printable(str(store))} would lie within the audio: choose another place")
    from soundatlas.store.belonging import owner_of

    if owner_of(store) is not None:
        raise UsageError(
            f"the store {printable(str(store))} is a project's, which `dvc repro` fills: name another folder"
        )
    from soundatlas.store.rows import NEEDED_FOR_COMPUTING
    from soundatlas.workers import early_workers

    with early_workers(*NEEDED_FOR_COMPUTING, workers=workers):
        _bring_up_to_date(folder.resolve(), store, workers, profile)


def _bring_up_to_date(folder: Path, store: Path, workers: int | None, profile: Profile | None) -> None:
    from soundatlas.commands.store_settings import read_settings
    from soundatlas.sources.inbox import walk_music
    from soundatlas.store.contents import write_failures
    from soundatlas.store.locking import holding_store
    from soundatlas.store.reading import FAILURES_NAME
    from soundatlas.store.recognition import KNOWN_SHARDS_NAME, holds_tracks, refuse_foreign
    from soundatlas.store.writing import update_store
    from soundatlas.workers import retrying

    refuse_foreign(store)
    project = project_root()
    settings = read_settings(project / "params.yaml", project / KNOWN_SETTINGS)
    map_jobs = retrying(settings.retries)
    if profile is not None:
        from soundatlas.profiling import profiled

        map_jobs = profiled(profile, map_jobs)
    with holding_store(store):
        if next(walk_music(folder), None) is None:  # asked before the hashes of what lay there are forgotten
            _refuse_to_empty(store, folder)
        wanted, unlisted = _list(folder, store, settings.max_file_megabytes)
        if unlisted and not wanted and holds_tracks(store):
            write_failures(unlisted, store / FAILURES_NAME)
            _print_failures(store / FAILURES_NAME)
            _refuse_to_empty(store, folder)
        with progress("computing spectrograms", len(wanted)) as advance:
            update = update_store(
                store,
                wanted,
                settings.front_end,
                root=folder,
                timeout_seconds=settings.timeout_seconds,
                workers=workers,
                map_jobs=map_jobs,
                advance=advance,
                unlisted=unlisted,
                known=store / KNOWN_SHARDS_NAME,
            )
        failed = update.failed + len(unlisted)
        if failed:
            _print_failures(store / FAILURES_NAME)
    print(  # noqa: T201 - the command's output
        f"{update.computed} computed, {update.kept} kept, {update.removed} removed, {failed} failed"
    )
    if failed and not update.computed + update.kept:
        raise TooManyFailuresError(f"none of {failed} files can be used: see {printable(str(store / FAILURES_NAME))}")


def _refuse_to_empty(store: Path, folder: Path) -> None:
    """See to it that a folder without audio, such as a disk that is not mounted, takes nothing out of a store."""
    from soundatlas.store.recognition import holds_tracks

    if holds_tracks(store):
        raise UsageError(
            f"{printable(str(folder))} holds no audio that can be read, and the store {printable(str(store))} would "
            "lose all of its tracks: see to it that it is the right folder, and there; or delete the store"
        )


def _list(folder: Path, store: Path, max_file_megabytes: int) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """Return audio SHA-256 -> path, and a row of `tables.FAILURES` for each file that cannot even be listed."""
    from soundatlas.sources.inbox import folder_rows
    from soundatlas.store.recognition import KNOWN_NAME

    wanted: dict[str, str] = {}
    unlisted = []
    for row in folder_rows(folder, folder, max_file_megabytes=max_file_megabytes, known=store / KNOWN_NAME):
        if row["reason"] is not None:
            unlisted.append({**row, "stage": LISTING})
        else:  # of several files with the same bytes, one whose choice does not depend on the others' order
            sha, path = row["audio_sha256"], row["path"]
            wanted[sha] = min(wanted.get(sha, path), path)
    return wanted, unlisted


def _print_failures(table: Path) -> None:
    """Print what could not be used, of what was listed and what was not as many, and where all of it stands."""
    from rich.markup import escape

    from soundatlas.tables import FAILURES, read_columns

    rows = sorted(read_columns(table, [*FAILURES]), key=itemgetter("path"))
    kinds = [[row for row in rows if (row["stage"] == LISTING) == early] for early in (True, False)]
    mixed = [row for pair in zip_longest(*kinds) for row in pair if row is not None]
    told = [f"{row['path']}: {row['reason']}: {row['message']}" for row in mixed[:MOST_FAILURES]]
    if more := len(mixed) - len(told):
        told.append(f"and {more} more, all of which {table} names")
    console = wide_console()
    for line in told:
        console.print(escape(printable(line)), soft_wrap=True, highlight=False)
