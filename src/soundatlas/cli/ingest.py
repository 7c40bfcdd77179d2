"""`soundatlas ingest` and its sources on the command line. Nothing heavy is imported before it is needed."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated, Any

import typer

from soundatlas.errors import UsageError
from soundatlas.files import expand_home

app = typer.Typer(
    help="Bring tracks into the catalogue: a folder, FMA, Spotify; previews and labels from Deezer, MusicBrainz.\n\n"
    "Without a source: everything that catalog.sources in params.yaml lists. Your own files are only read. "
    "Exit codes: 0 done, 1 something went wrong, such as a service that is down, 2 wrong use, 3 something is missing, "
    "4 a service wants no more requests for now.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
)

Inbox = Annotated[bool, typer.Option("--inbox", help="To be classified, not to be learnt from.")]
Refresh = Annotated[bool, typer.Option("--refresh", help="Ask anew, also for what was told in the last 24 hours.")]
Add = Annotated[bool, typer.Option("--add", help="List the source in params.yaml too, so that `dvc repro` uses it.")]


@app.callback()
def ingest(context: typer.Context) -> None:
    """Bring in everything that params.yaml lists."""
    if context.invoked_subcommand is None:
        from soundatlas.commands.ingest import ingest_listed

        ingest_listed(None)


@app.command()
def folder(
    path: Annotated[
        Path | None, typer.Argument(help="A folder of music. [default: those in params.yaml]", show_default=False)
    ] = None,
    *,
    name: Annotated[str | None, typer.Option(help="What its tracks are called after. [default: its own name]")] = None,
    inbox: Inbox = False,
    add: Add = False,
) -> None:
    """List a folder of your own music: tags, an optional tracks.csv, and what is wrong with which file.

    Example: soundatlas ingest folder ~/Music --add
    """
    asked = None if path is None else {"path": str(expand_home(path).absolute()), "name": name}
    _ingest("folder", asked, inbox=inbox, add=add)


@app.command()
def fma(
    path: Annotated[
        Path | None,
        typer.Argument(
            help="The folder with fma_metadata and fma_SUBSET, unpacked or zipped. [default: that in params.yaml]",
            show_default=False,
        ),
    ] = None,
    *,
    subset: Annotated[str, typer.Option(help="small, medium, large, or full.")] = "small",
    inbox: Inbox = False,
    add: Add = False,
) -> None:
    """List the Free Music Archive's data set.

    Example: soundatlas ingest fma ~/fma --subset medium
    """
    asked = None if path is None else {"path": str(expand_home(path).absolute()), "subset": subset}
    _ingest("fma", asked, inbox=inbox, add=add)


@app.command()
def spotify(
    *,
    playlist: Annotated[list[str] | None, typer.Option(help="A playlist of yours: its id, URI or link.")] = None,
    saved: Annotated[bool, typer.Option("--saved", help="The tracks that you saved.")] = False,
    track: Annotated[list[str] | None, typer.Option(help="A track: its id, URI or link.")] = None,
    search: Annotated[list[str] | None, typer.Option(help="What this text finds.")] = None,
    inbox: Inbox = False,
    add: Add = False,
    refresh: Refresh = False,
) -> None:
    """List tracks of Spotify: playlists, saved tracks, single tracks, searches. Without options: those in params.yaml.

    Example: soundatlas ingest spotify --saved --playlist 37i9dQZF1DX4sWSpwq3LiO
    """
    asked = {"playlists": playlist, "saved": saved, "tracks": track, "search": search}
    if refresh:
        from soundatlas.commands.refresh import want_anew

        want_anew("spotify")
    _ingest("spotify", asked if any(asked.values()) else None, inbox=inbox, add=add)


@app.command()
def deezer(
    *,
    non_commercial: Annotated[
        bool, typer.Option("--non-commercial", help="You use it for no commercial purpose, as Deezer's terms ask.")
    ] = False,
    add: Add = False,
) -> None:
    """Fetch previews of 30 s for the tracks that the sources in params.yaml list without audio."""
    _ingest("deezer", {"non_commercial": True} if non_commercial else None, add=add)


@app.command()
def musicbrainz(*, add: Add = False) -> None:
    """Look up year and genres of the tracks that the sources in params.yaml list."""
    _ingest("musicbrainz", {} if add else None, add=add)


def _ingest(source: str, asked: dict[str, Any] | None, *, add: bool, inbox: bool = False) -> None:
    """Ask a source for something, or for what `params.yaml` lists of it."""
    from soundatlas.commands.ingest import ingest_asked, ingest_listed

    if asked is None:
        if inbox or add:
            raise UsageError(f"--inbox and --add need to know what to bring: see `soundatlas ingest {source} --help`")
        ingest_listed(source)
    else:
        given = {key: value for key, value in asked.items() if value not in (None, [], False)}
        ingest_asked({"source": source, **given}, inbox=inbox, add=add)
