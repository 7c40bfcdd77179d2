"""`soundatlas spectrograms` and `soundatlas store verify`: a store of loose audio; is a store what was written?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape

from soundatlas.commands.terminal import printable, wide_console
from soundatlas.errors import NotReadyError, StoreError, UsageError
from soundatlas.files import project_root
from soundatlas.progress import progress

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.profiling import Profile

STORE = "data/spectrograms"
STORES = (STORE, "data/stems")  # of a project
KNOWN = "known-files.json"  # the hashes of what was listed, beside the shards
MOST_FAILURES = 10  # that are shown


def verify(folder: Path | None, *, repair: bool) -> None:
    """Check a store and print what is wrong; with `repair`, remove that for the next run to compute.

    Args:
        folder: of the store; by default the project's.
        repair: whether damaged shards are removed.

    Raises:
        NotReadyError: when there is no store.
        StoreError: when something is damaged and stays, or another run is at work in the store.
    """
    from soundatlas.dag import holding_data
    from soundatlas.store.locking import holding_store
    from soundatlas.store.verification import list_shards, remove_damaged, verify_store

    place = folder or project_root() / STORE
    if not place.is_dir():
        raise NotReadyError(f"{printable(str(place))} is no folder of spectrograms: run `dvc repro spectrograms`")
    with progress("verifying shards", len(list_shards(place))) as advance:
        found = verify_store(place, advance=advance)
    console = wide_console()
    for problem in found.damaged.values():
        console.print(escape(printable(problem)), soft_wrap=True, highlight=False)
    sound = f"{found.tracks} spectrograms in {found.shards} shards"
    if not found.damaged:
        console.print(f"{sound}, each as it was written", highlight=False)
    elif repair:
        own = is_projects(place)
        with holding_data(project_root(), "soundatlas store verify --repair") if own else holding_store(place):
            remove_damaged(place, found)
        removed = ", ".join(sorted(found.damaged))
        console.print(f"removed {removed}: `dvc repro` computes what they held, and nothing else", highlight=False)
    else:
        raise StoreError(
            f"damaged: {', '.join(sorted(found.damaged))}; --repair removes it, for `dvc repro` to compute"
        )


def is_projects(store: Path) -> bool:
    """Return whether a folder is a store of the project that this is run in: an out of DVC, with locks of its own."""
    try:
        return store.resolve() in {project_root() / name for name in STORES}
    except UsageError:
        return False


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
    import pandas as pd

    from soundatlas.audio.spectrogram import FrontEnd
    from soundatlas.params import load_params
    from soundatlas.profiling import profiled
    from soundatlas.sources.inbox import list_folder
    from soundatlas.store.locking import holding_store
    from soundatlas.store.reading import FAILURES_NAME
    from soundatlas.store.writing import update_store
    from soundatlas.tables import FAILURES, read_table
    from soundatlas.workers import retrying

    if not folder.is_dir():
        raise UsageError(f"{printable(str(folder))} is no folder")
    if store.exists() and not store.is_dir():
        raise UsageError(f"the store {printable(str(store))} is a file: name a folder")
    if store.resolve().is_relative_to(folder.resolve()):
        raise UsageError(f"the store {printable(str(store))} would lie within the audio: choose another place")
    params, root = load_params(project_root() / "params.yaml"), folder.resolve()
    with holding_store(store):
        listing = list_folder(root, root, max_file_megabytes=params.ingest.max_file_megabytes, known=store / KNOWN)
        readable = listing[listing["reason"].isna()]
        wanted = dict(zip(readable["audio_sha256"], readable["path"], strict=True))
        with progress("computing spectrograms", len(wanted)) as advance:
            update = update_store(
                store,
                wanted,
                FrontEnd.of(params.spectrograms),
                root=root,
                timeout_seconds=params.spectrograms.timeout_seconds,
                workers=workers,
                map_jobs=profiled(profile, retrying(params.spectrograms.retries)),
                advance=advance,
            )
        failures = read_table(store / FAILURES_NAME, FAILURES)
    failed = pd.concat([listing[listing["reason"].notna()], failures])
    console = wide_console()
    for path, reason, message in failed[["path", "reason", "message"]].head(MOST_FAILURES).itertuples(index=False):
        console.print(escape(printable(f"{path}: {reason}: {message}")), soft_wrap=True, highlight=False)
    print(  # noqa: T201 - the command's output
        f"{update.computed} computed, {update.kept} kept, {update.removed} removed, {len(failed)} failed"
    )
