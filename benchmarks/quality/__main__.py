"""`python -m benchmarks.quality`: soundatlas and its peers on the same data.

    python -m benchmarks.quality                                    the built-in catalogue, after `make demo`
    python -m benchmarks.quality --folder ~/Music/set --folds 5     a folder with tracks.csv
    python -m benchmarks.quality --fma ~/fma --subset small         FMA, by its official split
    python -m benchmarks.quality --split random                     a random split beside the grouped one
    python -m benchmarks.quality --peers soundatlas,mfcc_lr         some peers

Finished trainings are kept in --out and not repeated.
"""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import Annotated

import typer

from soundatlas.environment import quieten
from soundatlas.errors import DataRefusedError, SoundatlasError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def bench(
    *,
    folder: Annotated[
        Path | None, typer.Option(help="Audio with tracks.csv: path,artist,album,title,year,genre.")
    ] = None,
    fma: Annotated[Path | None, typer.Option(help="Holds fma_metadata/ and fma_<subset>/.")] = None,
    subset: Annotated[str, typer.Option(help="Of FMA: small or medium.")] = "small",
    split: Annotated[
        str | None, typer.Option(help="work, album, or random beside the default; by default the source's own.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings per peer, from train.seed upwards.")] = 3,
    folds: Annotated[int, typer.Option(min=1, help="More than 1: every track is a test track once.")] = 1,
    peers: Annotated[str, typer.Option(help="all, or names with commas.")] = "all",
    minutes: Annotated[float, typer.Option(min=0.01, help="Longest training of soundatlas.")] = 5.0,
    crnn_minutes: Annotated[
        float, typer.Option(min=0.01, help="Longest training of the artist CRNN, per label.")
    ] = 10.0,
    crnn_epochs: Annotated[int, typer.Option(min=1, help="Most epochs of the artist CRNN.")] = 200,
    project: Annotated[
        Path | None, typer.Option(help="Whose params.yaml and data/ are used; by default the one around here.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="For results; by default data/bench-quality/<data set>.")] = None,
) -> None:
    """Train soundatlas and its peers on the same data, split and seeds, and say who is better and how sure that is."""
    from benchmarks.quality.bench import Request, run_bench
    from benchmarks.quality.comparison import OURS
    from benchmarks.quality.report import print_report
    from soundatlas.commands.terminal import wide_console
    from soundatlas.files import project_root

    request = Request(
        project=project_root(project),
        folder=folder,
        fma=fma,
        subset=subset,
        split=split,
        seeds=seeds,
        folds=folds,
        peers=peers,
        minutes=minutes,
        crnn_minutes=crnn_minutes,
        crnn_epochs=crnn_epochs,
        out=out,
    )
    result = run_bench(request)
    print_report(wide_console(), result)
    if reasons := [row["reason"] for row in result["rows"] if row["peer"] == OURS and not row["available"]]:
        raise DataRefusedError(f"soundatlas has no figures: {reasons[0]}")


def main() -> None:
    """Run the bench; a known fault is one line and an exit code."""
    quieten()
    try:
        app()
    except SoundatlasError as error:
        print(f"soundatlas: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
