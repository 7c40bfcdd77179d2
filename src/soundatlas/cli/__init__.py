"""The `soundatlas` command. Thin, and nothing heavy is imported before it is needed."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

from soundatlas.cli.ingest import app as ingest_app
from soundatlas.cli.login import app as login_app
from soundatlas.cli.stores import spectrograms, store_app
from soundatlas.cli.tracks import explain, forget, impact, make, picture, similar, trace, why
from soundatlas.cli.watching import watch
from soundatlas.errors import UsageError
from soundatlas.reporting import reporting_faults

app = typer.Typer(
    name="soundatlas",
    help="Learn the sound of a music catalogue, and classify new music with the champion.\n\n"
    "The pipeline itself runs with `dvc repro`; see `dvc dag` for its stages.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


app.add_typer(ingest_app, name="ingest")
app.add_typer(login_app, name="login")


@app.command()
def sources() -> None:
    """Show what can be ingested: what each source gives, its licence and terms, what it needs, whether it is ready."""
    from soundatlas.commands.sources import print_sources

    print_sources()


@app.command()
def classify(
    paths: Annotated[list[Path], typer.Argument(help="Audio files, or folders of them.", show_default=False)],
    *,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON, for another program.")] = False,
) -> None:
    """Say what the champion hears in some files: genre, artist, decade and attributes.

    Every file gets a row with a status, music or not, and in a folder those that cannot be read as well.

    Example: soundatlas classify ~/Music/new --json
    """
    from soundatlas.commands.classify import classify_paths

    classify_paths(paths, as_json=json)


app.command()(watch)
app.command()(why)
app.command()(picture)
app.command()(similar)


@app.command()
def atlas(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="On 127.0.0.1; 0 takes any free one.")] = 8090,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the map in the browser.")] = True,
) -> None:
    """Show the map of the catalogue and of your music in the browser, served to this machine alone, until Ctrl-C.

    The folder data/atlas also opens by itself: double-click its index.html.
    """
    from soundatlas.commands.atlas import serve_atlas

    serve_atlas(port, browse=browser)


@app.command()
def summary() -> None:
    """Show what the last run of the pipeline made: catalogue, scores, champion, predictions, and what to open."""
    from soundatlas.commands.summary import print_summary

    print_summary()


@app.command()
def models(
    *,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON, for another program.")] = False,
) -> None:
    """Show all versions of the model side by side: scores with intervals, time, size, data, and what the gate said."""
    from soundatlas.commands.models import print_models

    print_models(as_json=json)


@app.command()
def champion(
    *,
    at: Annotated[
        str | None,
        typer.Option(help="A moment: 2026-11-01 (its end), or 2026-11-01T12:30+01:00; UTC without a zone."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON, for another program.")] = False,
) -> None:
    """Say who is champion, or who was at a moment; since when, by whom, and why. Exit code 3 when nobody was.

    Example: soundatlas champion --at 2026-11-01
    """
    from soundatlas.commands.history import print_champion

    print_champion(at, as_json=json)


@app.command()
def history(
    file: Annotated[
        Path | None, typer.Argument(help="An exported history, instead of the project's.", show_default=False)
    ] = None,
    *,
    verify: Annotated[bool, typer.Option("--verify", help="Check that every entry is as it was written.")] = False,
    export: Annotated[
        Path | None, typer.Option(help="Write it to this file, which `history --verify FILE` checks alone.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON, for another program.")] = False,
) -> None:
    """Show who was champion when, and why: promotions, refusals, rollbacks, and what was done by hand in MLflow.

    Each entry carries the hash of the one before. Exit code 1 when --verify finds one that was changed or removed.
    Example: soundatlas history --export history.jsonl, and elsewhere: soundatlas history --verify history.jsonl
    """
    from soundatlas.commands.history import export_history, print_history, verify_history

    if export is not None and (file is not None or verify or json):
        raise UsageError("--export writes the project's own history, and goes with nothing else")
    if verify and json:
        raise UsageError("--verify and --json do not go together")
    if export is not None:
        export_history(export)
    elif verify:
        verify_history(file)
    else:
        print_history(file, as_json=json)


@app.command()
def rollback(
    *,
    to: Annotated[
        str | None, typer.Option(help="A version that once was champion. [default: the champion before this one]")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why, for the history.")] = None,
) -> None:
    """Make a former champion champion again. Its predictions come back with the next `dvc repro`, from the cache.

    The gate does not undo it: a model is judged once. Waits for a run that is at work in the project.
    Example: soundatlas rollback --reason "calls every reel a jig"
    """
    from soundatlas.commands.succession import roll_back

    roll_back(to, reason)


@app.command()
def promote(
    version: Annotated[str, typer.Argument(help="Its number in the registry; see `soundatlas models`.")],
    *,
    reason: Annotated[str, typer.Option(help="Why, for the history.")],
) -> None:
    """Make a version champion whatever the gate said; the history says so, with your reason.

    Example: soundatlas promote 2 --reason "the test side lacks what it is good at"
    """
    from soundatlas.commands.succession import promote as promote_version

    promote_version(version, reason)


@app.command()
def backup(
    file: Annotated[
        Path | None, typer.Argument(help="A tar file to write. [default: backups/mlruns-<time>.tar]")
    ] = None,
) -> None:
    """Save the registry in one file: runs, versions, champion, history, artifacts. Others may work meanwhile."""
    from soundatlas.commands.backup import make_backup

    make_backup(file)


@app.command()
def restore(file: Annotated[Path, typer.Argument(help="That `soundatlas backup` wrote.")]) -> None:
    """Put a backup in the place of mlruns/, once every file of it was found whole; what was there is kept beside."""
    from soundatlas.commands.backup import restore_backup

    restore_backup(file)


@app.command()
def flips(
    *,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON, for another program.")] = False,
) -> None:
    """Show which files the champion calls otherwise than the champion before, and how far the labels have drifted.

    The table of all flips lies in data/flips/.
    """
    from soundatlas.commands.flips import print_flips

    print_flips(as_json=json)


app.command()(make)
app.command()(trace)
app.command()(explain)
app.command()(impact)
app.command()(forget)


app.command()(spectrograms)
app.add_typer(store_app, name="store")


@app.command()
def tune(
    *,
    trials: Annotated[int, typer.Option(min=1, help="How many more trials.")] = 20,
    minutes: Annotated[float, typer.Option(min=0.0, help="After how long no new trial begins.")] = 60.0,
) -> None:
    """Search for better training parameters, on the validation tracks alone; promotes nothing, edits nothing.

    Killed, it goes on when it is called again. Each trial is a run in MLflow.
    """
    from soundatlas.tuning.report import tune as run_and_report

    run_and_report(trials=trials, minutes=minutes)


@app.command()
def doctor(
    *,
    json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON, for another program.")] = False,
) -> None:
    """Check machine, packages, codecs, project and services; say what to do. Exit code 1 when a repair is needed.

    A project folder that was moved is repaired on the way; everything else is only looked at.
    """
    from soundatlas.commands.doctor import print_findings

    if not print_findings(as_json=json):
        raise typer.Exit(1)


def main() -> None:
    """Run the command; a known fault is one line and an exit code, never a traceback."""
    with reporting_faults():
        app()
