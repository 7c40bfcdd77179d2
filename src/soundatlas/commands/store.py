"""`soundatlas spectrograms` and `soundatlas store verify`: a store of loose audio; is a store what was written?"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

from soundatlas.commands.terminal import printable, wide_console
from soundatlas.errors import NotReadyError, StoreError, UsageError
from soundatlas.files import project_root
from soundatlas.progress import progress

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.profiling import Profile

KNOWN_SHARDS = "known-shards.json"  # what they look like, beside them
KNOWN_SETTINGS = "data/.known-settings.json"  # in the project
MOST_FAILURES = 10  # that are shown


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
        UsageError: when `folder` is none, or the store would lie in it.
        StoreError: when another run is at work in the store.
    """
    if not folder.is_dir():
        raise UsageError(f"{printable(str(folder))} is no folder")
    if store.exists() and not store.is_dir():
        raise UsageError(f"the store {printable(str(store))} is a file: name a folder")
    if store.resolve().is_relative_to(folder.resolve()):
        raise UsageError(f"the store {printable(str(store))} would lie within the audio: choose another place")
    from soundatlas.store.rows import NEEDED_FOR_COMPUTING
    from soundatlas.workers import early_workers

    with early_workers(*NEEDED_FOR_COMPUTING, workers=workers):
        _bring_up_to_date(folder.resolve(), store, workers, profile)


def _bring_up_to_date(folder: Path, store: Path, workers: int | None, profile: Profile | None) -> None:
    from soundatlas.commands.store_settings import read_settings
    from soundatlas.sources.inbox import folder_rows
    from soundatlas.store.locking import holding_store
    from soundatlas.store.reading import FAILURES_NAME
    from soundatlas.store.recognition import KNOWN_NAME
    from soundatlas.store.writing import update_store
    from soundatlas.tables import read_columns
    from soundatlas.workers import retrying

    project = project_root()
    settings = read_settings(project / "params.yaml", project / KNOWN_SETTINGS)
    map_jobs = retrying(settings.retries)
    if profile is not None:
        from soundatlas.profiling import profiled

        map_jobs = profiled(profile, map_jobs)
    with holding_store(store):
        wanted: dict[str, str] = {}
        failed = []
        known, limit = store / KNOWN_NAME, settings.max_file_megabytes
        for row in folder_rows(folder, folder, max_file_megabytes=limit, known=known):
            if row["reason"] is not None:
                failed.append(row)
            else:  # of several files with the same bytes, one whose choice does not depend on the others' order
                sha, path = row["audio_sha256"], row["path"]
                wanted[sha] = min(wanted.get(sha, path), path)
        failed.sort(key=itemgetter("path"))
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
                known=store / KNOWN_SHARDS,
            )
        if update.failed:
            failed += read_columns(store / FAILURES_NAME, ["path", "reason", "message"])
    _print_failures(failed)
    print(  # noqa: T201 - the command's output
        f"{update.computed} computed, {update.kept} kept, {update.removed} removed, {len(failed)} failed"
    )


def _print_failures(failed: list[dict[str, Any]]) -> None:
    if not failed:
        return
    from rich.markup import escape

    console = wide_console()
    for row in failed[:MOST_FAILURES]:
        told = f"{row['path']}: {row['reason']}: {row['message']}"
        console.print(escape(printable(told)), soft_wrap=True, highlight=False)
