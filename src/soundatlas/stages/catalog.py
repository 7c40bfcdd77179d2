"""Stage `catalog`: which tracks are there, with which labels, from whom, under which licence?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from soundatlas.errors import TooManyFailuresError
from soundatlas.files import replacing_folder
from soundatlas.sources import demo
from soundatlas.sources.deny_list import leave_out_denied, read_export
from soundatlas.stages._run import run_stage
from soundatlas.tables import FAILURES, INBOX, LABELS, TRACKS, conform, write_table

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.params import Params


def run(root: Path, params: Params) -> None:
    """Collect every source's tracks into `data/catalog/`; rendered audio lands in `data/audio/`.

    What is on the deny-list is left out, and its audio removed.

    Raises:
        TooManyFailuresError: when more tracks failed than `catalog.max_failure_rate` allows.
    """
    denied, audio = read_export(root), root / "data/audio"
    collected = [
        leave_out_denied(demo.collect(source, root, audio), denied, root, audio) for source in params.catalog.sources
    ]
    tracks = conform(pd.concat([part.tracks for part in collected]), TRACKS, extra=True)
    failures = conform(pd.concat([part.failures for part in collected]), FAILURES)
    with replacing_folder(root / "data/catalog") as folder:
        write_table(tracks, folder / "tracks.parquet")
        write_table(conform(pd.concat([part.labels for part in collected]), LABELS), folder / "labels.parquet")
        write_table(failures, folder / "failures.parquet")
        write_table(conform(pd.concat([part.inbox for part in collected]), INBOX, extra=True), folder / "inbox.parquet")
    hours = tracks["duration_seconds"].sum() / 3600
    print(  # noqa: T201 - the stage's report
        f"catalog: {len(tracks)} tracks by {tracks['artist'].nunique()} artists, {hours:.2f} hours; "
        f"{len(failures)} failed"
    )
    if len(failures) > params.catalog.max_failure_rate * (len(tracks) + len(failures)):
        raise TooManyFailuresError(
            f"{len(failures)} tracks failed, e.g. {failures['path'].iloc[0]} ({failures['message'].iloc[0]}): see "
            "data/catalog/failures.parquet, or raise catalog.max_failure_rate"
        )


if __name__ == "__main__":
    run_stage(run)
