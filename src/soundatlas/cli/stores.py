"""Commands about stores of spectrograms."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

store_app = typer.Typer(help="Look after a store of spectrograms.", no_args_is_help=True)


def spectrograms(
    folder: Annotated[Path, typer.Argument(help="A folder of audio; it is only read.", show_default=False)],
    *,
    store: Annotated[Path, typer.Option(help="The folder of the store; made where it is not there.")],
    workers: Annotated[int | None, typer.Option(min=1, help="Processes. [default: one per processor]")] = None,
    profile: Annotated[bool, typer.Option("--profile", help="Print where time and memory went.")] = False,
    profile_json: Annotated[Path | None, typer.Option(help="Write that to this file.")] = None,
) -> None:
    """Compute the log-mel spectrograms of loose audio, by the settings of params.yaml; only what is missing or new.

    The catalogue's own are stage `spectrograms`. Example: soundatlas spectrograms ~/Music --store /tmp/store
    """
    from soundatlas.commands.store import compute_folder

    if not profile and profile_json is None:
        compute_folder(folder, store, workers)
        return
    from soundatlas.profiling import Profile

    measured = Profile()
    compute_folder(folder, store, workers, measured)
    measured.report(profile_json)


@store_app.command()
def verify(
    *,
    store: Annotated[Path | None, typer.Option(help="Its folder. [default: data/spectrograms]")] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Remove what is damaged, for the next run.")] = False,
) -> None:
    """Check every spectrogram against its checksum. Exit code 1 when one is damaged and stays."""
    from soundatlas.commands.store import verify as verify_store

    verify_store(store, repair=repair)
