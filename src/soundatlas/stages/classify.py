"""Stage `classify`: what is this new music?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from soundatlas.files import replacing_folder, write_json
from soundatlas.progress import progress
from soundatlas.stages._run import run_stage
from soundatlas.tables import INBOX, read_table

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.params import Params

HIDDEN_IN_CSV = ("_probabilities", "embedding")


def run(root: Path, params: Params) -> None:
    """Classify the inbox, and the new music that sources bring along, into `data/predictions/`."""
    from soundatlas.registry.classification import CLASSIFIED, classify_listing, unclassified
    from soundatlas.registry.pin import read_champion

    parts = [root / "data/ingest/inbox.parquet", root / "data/catalog/inbox.parquet"]
    listing = pd.concat([read_table(path, INBOX)[[*INBOX]] for path in parts], ignore_index=True)
    pinned = read_champion(root)
    if pinned is None:
        table = unclassified(listing)
    else:
        champion, folder = pinned
        with progress("classifying new music", int(listing["reason"].isna().sum())) as advance:
            table = classify_listing(
                folder, champion, listing, root, timeout_seconds=params.spectrograms.timeout_seconds, advance=advance
            )
    statuses = table["status"].value_counts()
    with replacing_folder(root / "data/predictions") as beside:
        table.to_parquet(beside / "predictions.parquet", index=False, compression="zstd")
        shown = [column for column in table.columns if not column.endswith(HIDDEN_IN_CSV)]
        table[shown].to_csv(beside / "predictions.csv", index=False, lineterminator="\n", float_format="%.4g")
        write_json(beside / "summary.json", {str(status): int(count) for status, count in statuses.items()})
    _report(table, int(statuses.get(CLASSIFIED, 0)), params.classify.max_failures_shown)


def _report(table: pd.DataFrame, classified: int, most: int) -> None:
    """Print the one summary line, and the first files that could not be classified."""
    failed = table[table["status"] != "classified"]
    others = ", ".join(f"{count} {status}" for status, count in failed["status"].value_counts().items())
    for path, status, message in failed[["path", "status", "message"]].head(most).itertuples(index=False):
        print(f"classify: {path!r}: {status}: {message}")  # noqa: T201 - the stage's report
    print(f"classify: {len(table)} files: {classified} classified{', ' + others if others else ''}")  # noqa: T201


if __name__ == "__main__":
    run_stage(run)
