"""Commands of `soundatlas` about one track, artist or genre. Thin, as `cli` is, which registers them."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

from soundatlas.chain.wanted import Wanted
from soundatlas.errors import UsageError


def why(
    what: Annotated[str, typer.Argument(help="An audio file, or a track_id of the catalogue.", show_default=False)],
    *,
    out: Annotated[Path | None, typer.Option(help="Where the picture goes. [default: why-<name>.png, here]")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON, for another program.")] = False,
) -> None:
    """Show what the champion's prediction rests on: when, which sounds, and which training tracks it resembles.

    Example: soundatlas why song.mp3 --out song.png
    """
    from soundatlas.commands.why import explain_prediction

    explain_prediction(what, out=out, as_json=json)


def picture(
    track: Annotated[
        str,
        typer.Argument(
            help="A file, a track_id, the beginning of the audio's SHA-256, or a part of artist and title.",
            show_default=False,
        ),
    ],
    *,
    kind: Annotated[
        list[str] | None,
        typer.Option(help="log-mel, harmonic, percussive, foreground or background; may be repeated. [default: all]"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="A PNG file for all, or a folder for one file each. [default: picture-<name>.png, here]"),
    ] = None,
    start: Annotated[float, typer.Option("--from", min=0.0, help="Where to begin, in seconds.")] = 0.0,
    seconds: Annotated[float, typer.Option(min=0.1, max=600.0, help="How much to draw.")] = 60.0,
) -> None:
    """Draw a track's log-mel and what it is made of: harmonic, percussive, foreground, background.

    Example: soundatlas picture song.mp3 --kind foreground --kind background --from 10 --seconds 5
    """
    from soundatlas.commands.picture import draw_pictures

    draw_pictures(track, kinds=kind or (), out=out, start=start, seconds=seconds)


def similar(
    name: Annotated[
        str, typer.Argument(help="An artist, a genre, a track's title, or a track_id.", show_default=False)
    ],
    *,
    artist: Annotated[bool, typer.Option("--artist", help="An artist of this name is meant.")] = False,
    genre: Annotated[bool, typer.Option("--genre", help="A genre is meant.")] = False,
    track: Annotated[bool, typer.Option("--track", help="A track is meant, or a file of the inbox.")] = False,
    neighbours: Annotated[
        int | None, typer.Option("-k", "--neighbours", min=1, help="How many. [default: all that the map holds]")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print them as JSON, for another program.")] = False,
) -> None:
    """Show what sounds like an artist, a genre or a track: its neighbours on the map, how close, and why.

    Case and diacritics do not matter; an unknown name is answered with near spellings and exit code 2.
    Example: soundatlas similar "mozart" -k 3
    """
    from soundatlas.commands.similar import print_similar

    chosen = {"artist": artist, "genre": genre, "track": track, "file": track}
    print_similar(name, kinds=[kind for kind, meant in chosen.items() if meant], most=neighbours, as_json=json)


def explain(
    track: Annotated[
        str, typer.Argument(help="A track_id, a file or its path, or the SHA-256 of audio.", show_default=False)
    ],
    *,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON, for another program.")] = False,
) -> None:
    """Follow a prediction back: model version, MLflow run, git commit, data hashes, checks, catalogue row, licence.

    What in the sound it rests on is told by `soundatlas why`.
    """
    from soundatlas.commands.lineage import explain_track

    explain_track(track, as_json=json)


def impact(
    track: Annotated[
        str, typer.Argument(help="A track_id, a file or its path, or the SHA-256 of audio.", show_default=False)
    ],
    *,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON, for another program.")] = False,
) -> None:
    """List every model that was trained on a track, and every prediction that was ever made of it.

    What one needs to know when a rights holder withdraws a track; `soundatlas forget` removes it.
    """
    from soundatlas.commands.lineage import show_impact

    show_impact(track, as_json=json)


def forget(
    track: Annotated[
        str, typer.Argument(help="A track_id, a file or its path, or the SHA-256 of audio.", show_default=False)
    ],
    *,
    reason: Annotated[str, typer.Option(help="For the deny-list.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    remotes: Annotated[bool, typer.Option("--remotes", help="Purge the project's DVC remotes too.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON, for another program.")] = False,
) -> None:
    """Put a track on the deny-list and remove it from all that the pipeline made, DVC's cache included.

    Your own file is never removed. Models that were trained on it are named: only a new training is without it.
    """
    from soundatlas.commands.forget import forget_track

    forget_track(track, reason=reason, dry_run=dry_run, confirmed=yes, purge_remotes=remotes, as_json=json)


def make(
    track: Annotated[
        str | None,
        typer.Argument(
            help="A track_id, a file or its path, a part of title or artist, or the beginning of a SHA-256.",
            show_default=False,
        ),
    ] = None,
    *,
    to: Annotated[Wanted, typer.Option(help="What is wanted; what leads there is made where it is missing.")] = (
        Wanted.PREDICTION
    ),
    force: Annotated[bool, typer.Option("--force", help="Make every step again; say if it came out the same.")] = False,
    ping: Annotated[bool, typer.Option("--ping", help="Compute nothing: print what would run, and why.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON, for another program.")] = False,
) -> None:
    """Make what one track lacks, and nothing else: spectrogram, features, prediction; `dvc repro` keeps all of it.

    With --ping and no track, all are walked: how many have come how far, and which stages would run.
    Example: soundatlas make "BWV 11.6" --ping
    """
    from soundatlas.commands.make import make_track, ping_all, ping_track

    if track is None:
        if not ping or force:
            raise UsageError("name a track to make; without one, only --ping walks all of them")
        ping_all(as_json=json)
    elif ping:
        ping_track(track, wanted=to, force=force, as_json=json)
    else:
        make_track(track, wanted=to, force=force, as_json=json)


def trace(
    track: Annotated[
        str,
        typer.Argument(
            help="A track_id, a file or its path, a part of title or artist, or the beginning of a SHA-256.",
            show_default=False,
        ),
    ],
    *,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON, for another program.")] = False,
) -> None:
    """Tell what was done to one track, in order: each step, when, how long, from which bytes; trainings; champions.

    Example: soundatlas trace "BWV 11.6"
    """
    from soundatlas.commands.trace import trace_track

    trace_track(track, as_json=json)
