"""Stage `classify`: what is this new music? What the history of predictions holds already is not computed again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from soundatlas.files import replacing_folder, write_json
from soundatlas.progress import progress
from soundatlas.stages._run import run_profiled_stage
from soundatlas.tables import INBOX, read_table

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.params import Params
    from soundatlas.profiling import Profile
    from soundatlas.registry.pin import Champion

HIDDEN_IN_CSV = ("_probabilities", "embedding")


def run(root: Path, params: Params, profile: Profile | None = None) -> None:
    """Classify the inbox, and the new music that sources bring along, into `data/predictions/`."""
    from soundatlas.registry.classification import unclassified
    from soundatlas.registry.pin import read_champion

    parts = [root / "data/ingest/inbox.parquet", root / "data/catalog/inbox.parquet"]
    listing = pd.concat([read_table(path, INBOX)[[*INBOX]] for path in parts], ignore_index=True)
    pinned = read_champion(root)
    if pinned is None:
        table, computed = unclassified(listing), 0
    else:
        table, computed = _project(root, params, listing, *pinned, profile)
    statuses = table["status"].value_counts()
    with replacing_folder(root / "data/predictions") as beside:
        table.to_parquet(beside / "predictions.parquet", index=False, compression="zstd")
        shown = [column for column in table.columns if not column.endswith(HIDDEN_IN_CSV)]
        table[shown].to_csv(beside / "predictions.csv", index=False, lineterminator="\n", float_format="%.4g")
        write_json(beside / "summary.json", {str(status): int(count) for status, count in statuses.items()})
    _report(table, computed, params)


def _project(
    root: Path,
    params: Params,
    listing: pd.DataFrame,
    champion: Champion,
    folder: Path,
    profile: Profile | None,
) -> tuple[pd.DataFrame, int]:
    """Hear what the history lacks, keep each answer there as it comes, and return the champion's table.

    Returns:
        the table, and how many different audio files were heard for it.
    """
    from soundatlas.history.audit import PREDICTION, Step, open_audit
    from soundatlas.history.store import open_history
    from soundatlas.registry.classification import prediction_table
    from soundatlas.registry.contract import read_contract
    from soundatlas.registry.prediction_key import model_key
    from soundatlas.scale.delegation import hearing

    contract = read_contract(folder, champion.content_sha256)
    key, shas = model_key(contract), listing["audio_sha256"].dropna()
    step = Step(PREDICTION, key.contract_sha256, key.model_sha256)
    with open_history(root) as history, open_audit(root, "classify") as trail:
        known = history.read(key, shas)
        missing = listing[listing["reason"].isna() & ~listing["audio_sha256"].isin(list(known))]
        count = missing["audio_sha256"].nunique()
        with progress("classifying new music", count) as advance:
            failed = hearing(params, trail, step, profile)(
                folder,
                champion,
                missing,
                root,
                timeout_seconds=params.spectrograms.timeout_seconds,
                keep=lambda answers: history.keep(key, answers),
                advance=advance,
            )
        answers = history.read(key, shas)  # also what was heard now: one way, so that both give the same bytes
        history.note_projection(champion.content_sha256)
    return prediction_table(contract, champion, listing, answers, failed), count


def _report(table: pd.DataFrame, computed: int, params: Params) -> None:
    """Print the one summary line, and the first files that could not be classified."""
    from soundatlas.history.answers import CLASSIFIED

    failed = table[table["status"] != CLASSIFIED]
    others = "".join(f", {count} {status}" for status, count in failed["status"].value_counts().items())
    most = params.classify.max_failures_shown
    for path, status, message in failed[["path", "status", "message"]].head(most).itertuples(index=False):
        print(f"classify: {path!r}: {status}: {message}")  # noqa: T201 - the stage's report
    if table.empty:
        print(f"classify: nothing to classify: the inbox {params.classify.inbox} is empty")  # noqa: T201
    print(  # noqa: T201
        f"classify: {len(table)} files: {len(table) - len(failed)} classified{others}; {computed} computed"
    )


if __name__ == "__main__":
    run_profiled_stage(run)
