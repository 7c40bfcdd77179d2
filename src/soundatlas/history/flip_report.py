"""The flip report of a project: its champion's projection against the predictions of the champion before.

It depends on the history, which DVC does not know: so it is no out of a stage, and lies in `data/flips/`, ignored.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import pandas as pd

from soundatlas.files import replacing_file, write_json
from soundatlas.history.flips import compare_predictions
from soundatlas.history.store import open_history

if TYPE_CHECKING:
    from pathlib import Path

FLIPS_FOLDER = PurePosixPath("data/flips")
REPORT_NAME, TABLE_NAME = "report.json", "flips.csv"
PREDICTIONS = "data/predictions/predictions.parquet"


def report_flips(root: Path, max_psi: float) -> dict[str, Any] | None:
    """Bring `data/flips/` up to date with the predictions and return the report.

    The champion before is the model whose predictions were shown before; a projection that DVC restored from its
    cache, without running `classify`, is noted here.

    Args:
        root: the project.
        max_psi: see `compare_predictions`.

    Returns:
        The report, with "number" (counts up with each change of the champion), "before" and "after" (the models'
        content hashes, "before" None where no other model was ever shown here) and "flips" (a row per file and head);
        None where there are no predictions of a champion.
    """
    path = root / PREDICTIONS
    table = pd.read_parquet(path) if path.is_file() else pd.DataFrame(columns=["model_sha256"])
    models = table["model_sha256"].dropna().unique().tolist()
    if not models:
        return None
    shas = table["audio_sha256"].dropna().unique().tolist()
    with open_history(root) as history:
        history.note_projection(models[0])
        shown = history.projections()
        earlier = shown[-2].model_sha256 if len(shown) > 1 else None
        answers = {} if earlier is None else history.of_model(earlier, shas)
    before = {sha: answer.row() for sha, answer in answers.items()}
    compared, flips = compare_predictions(before, table, max_psi)
    report = {"number": shown[-1].number, "before": earlier, "after": models[0], **compared}
    write_json(root / FLIPS_FOLDER / REPORT_NAME, report)
    with replacing_file(root / FLIPS_FOLDER / TABLE_NAME) as beside:
        flips.to_csv(beside, index=False, lineterminator="\n", float_format="%.4g")
    return {**report, "flips": flips.to_dict("records")}
