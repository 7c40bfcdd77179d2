"""Stage `validate`: may we train on this? Errors stop the line, warnings are shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from soundatlas.errors import DataRefusedError
from soundatlas.files import replacing_folder
from soundatlas.quality.inputs import read_tables
from soundatlas.quality.report import check
from soundatlas.quality.screen import print_report, summarise
from soundatlas.stages._run import run_stage

if TYPE_CHECKING:
    from soundatlas.params import Params

VALIDATION = Path("data/validation")
DATA_DOCS = Path("data/data_docs")


def run(root: Path, params: Params) -> None:
    """Check the catalogue, the spectrograms and the split; write the report and Data Docs even when they fail.

    Raises:
        DataRefusedError: when a rule of severity `error` does not hold.
    """
    tables = read_tables(root)
    with replacing_folder(root / DATA_DOCS) as docs:
        report = check(tables, params, root, docs)
    with replacing_folder(root / VALIDATION) as folder:
        report.write(folder)
    print_report(report, Console())
    if not report.passed:
        raise DataRefusedError(f"validation: {summarise(report)}; see {DATA_DOCS.as_posix()}/index.html")


if __name__ == "__main__":
    run_stage(run)
