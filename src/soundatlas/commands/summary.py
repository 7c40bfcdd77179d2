"""`soundatlas summary`: what the last run of the pipeline made."""

from __future__ import annotations

import contextlib
import errno
from textwrap import wrap
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd
from rich.markup import escape
from rich.table import Table

from soundatlas.commands.classify import prediction_table
from soundatlas.commands.terminal import wide_console
from soundatlas.errors import SoundatlasError
from soundatlas.files import project_root, read_json
from soundatlas.learning.repeats import FOLDS, GROUPED, RANDOM
from soundatlas.params import load_params
from soundatlas.registry.pin import PIN, read_champion
from soundatlas.tables import INBOX, TRACKS, read_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.console import Console

    from soundatlas.params import Params

MOST_PREDICTIONS = 30
RARE = 10  # test tracks: with fewer, a class's score is luck
THIS_MODEL, RANDOM_SPLIT, MAJORITY, ACCURACY = "this model", "on a random split", "majority", "accuracy"
LEAST = (MAJORITY, ACCURACY, RANDOM_SPLIT, THIS_MODEL)  # in this order they go where a terminal is narrow
FOLDED, MOST_WIDTH = 12, 1000  # characters: of a folded heading, as of an interval; and more than a terminal has


def print_summary() -> None:
    """Print catalogue, scores with intervals against the baselines, champion, predictions, and what to open next.

    Raises:
        SoundatlasError: when the pipeline has not run, or, the rest being shown, for files that are damaged.
    """
    root = project_root()
    params = load_params(root / "params.yaml")
    if not (root / "data/evaluation/metrics.json").is_file():
        raise SoundatlasError("nothing to show yet: run `make demo`, or `dvc repro`")
    console, faults = wide_console(), list[str]()
    with _gathering(faults, "data/catalog/tracks.parquet", "catalog"):
        tracks = read_table(root / "data/catalog/tracks.parquet", TRACKS)
        console.print(
            f"\n[bold]Catalogue[/]  {len(tracks)} tracks by {tracks['artist'].nunique()} artists, "
            f"{tracks['duration_seconds'].sum() / 3600:.1f} hours"
        )
    with _gathering(faults, "data/evaluation", "evaluate"):
        metrics = read_json(root / "data/evaluation/metrics.json")
        lines = [*further_lines(metrics), *rare_lines(metrics, pd.read_csv(root / "data/evaluation/per_class.csv"))]
        console.print(score_table(metrics, console))
        console.print("\n".join(lines), highlight=False)
    with _gathering(faults, str(PIN), "promote"):
        console.print(f"[bold]Champion[/]   {_champion(root)}\n")
    with _gathering(faults, "data/predictions/predictions.parquet", "classify"):
        console.print(_inbox(root, params))
    console.print(
        "\n[bold]Next[/]\n"
        "  data/data_docs/index.html           what was checked before training\n"
        "  data/evaluation/figures/            learning curves, confusion matrices, contact sheets\n"
        "  data/predictions/predictions.csv    the predictions, for a spreadsheet\n"
        "  data/atlas/index.html               the map: where everything sits, and what is next to it\n"
        "  make ui                             runs, schedules and model versions, in the browser\n"
        f"  {params.classify.inbox}/                         put your own music here and run `dvc repro`\n"
    )
    if faults:
        raise SoundatlasError("; ".join(faults))


@contextlib.contextmanager
def _gathering(faults: list[str], what: str, stage: str) -> Iterator[None]:
    """Keep what is wrong with the files of the block for the end, so that the rest is shown."""
    try:
        yield
    except SoundatlasError as error:
        faults.append(str(error))
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.ENOENT):
            raise  # not to be read; Arrow's own faults have no number
        cause = f"{type(error).__name__}: {error}"  # whoever wrote it may be at fault, and not the disk
        faults.append(f"{what} is damaged ({cause}): delete it, and `dvc repro {stage}` makes it anew")


def _champion(root: Path) -> str:
    pinned = read_champion(root) if (root / PIN).is_file() else None
    if pinned is None:
        return "none yet: no model has passed the gate"
    champion, _ = pinned
    return f"{champion.name} version {champion.version} ({champion.content_sha256[:12]})"


def score_table(metrics: dict[str, Any], console: Console) -> Table:
    """Return the scores of every head beside the baselines, with their intervals.

    No label and no interval is ever cut: where a narrow terminal has no room for the table, each interval stands below
    its score, and what says least goes, a column at a time.
    """
    columns = _columns(metrics)
    table = _drawn(metrics, columns, stacked=False)
    for dropped in range(len(columns)):
        if _width(table, console) <= console.width:
            break
        columns = [column for column in columns if column.name not in LEAST[:dropped]]
        table = _drawn(metrics, columns, stacked=True)
    return table


class _Column(NamedTuple):
    name: str
    cells: list[str]


def _columns(metrics: dict[str, Any]) -> list[_Column]:
    """Return what is said of every head: that of the model and its repeats first, then what it is measured against."""
    heads, repeats, peers = metrics["classes"], metrics.get("repeats", {}), metrics["baselines"]
    seeds = max((figures[GROUPED]["seeds"] for figures in repeats.values() if GROUPED in figures), default=1)
    own = _Column("soundatlas, 1 seed", [_with_interval(figures) for figures in heads.values()])
    columns = [own]
    if seeds > 1:
        means = [f"[bold]{_with_interval(repeats[head][GROUPED])}[/]" for head in heads]
        columns = [_Column(f"soundatlas, {seeds} seeds", means), own._replace(name=THIS_MODEL)]
    if any(RANDOM in figures for figures in repeats.values()):
        apart = [repeats.get(head, {}).get(RANDOM) for head in heads]
        columns.append(_Column(RANDOM_SPLIT, [_with_interval(figures) if figures else "" for figures in apart]))
    return [
        *columns,
        _Column("MFCC + log. regr.", [_with_interval(peers["mfcc_logistic_regression"][head]) for head in heads]),
        _Column(MAJORITY, [f"{peers['majority'][head]['macro_f1']:.2f}" for head in heads]),
        _Column(ACCURACY, [f"{figures['accuracy']:.2f}" for figures in heads.values()]),
    ]


def _drawn(metrics: dict[str, Any], columns: list[_Column], *, stacked: bool) -> Table:
    """Return a table of these columns; `stacked` puts an interval below its score and folds the headings."""
    about = metrics["about"]
    table = Table(
        title=f"Macro F1 on {about['tracks']} tracks ({about['split']}), {about['confidence']:.0%} interval by "
        f"{about['interval']}",
        title_justify="left",
    )
    table.add_column("label", no_wrap=True)
    for name, _ in columns:
        table.add_column("\n".join(wrap(name, FOLDED)) if stacked else name, justify="right", no_wrap=True)
    for head, *cells in zip(metrics["classes"], *(cells for _, cells in columns), strict=True):
        table.add_row(escape(head), *(cell.replace(" ", "\n", 1) if stacked else cell for cell in cells))
    return table


def _width(table: Table, console: Console) -> int:
    """Return how wide a table is with nothing cut, be the console as narrow as it may."""
    return console.measure(table, options=console.options.update(width=MOST_WIDTH)).maximum


def further_lines(metrics: dict[str, Any]) -> list[str]:
    """Return what else was measured, a line each: folds, neighbours, attributes, and artists that were never heard."""
    lines = [
        f"{head}, every track tested once by folds: macro F1 {_interval(found[FOLDS], 'macro_f1')} "
        f"on {found[FOLDS]['tracks']} tracks, accuracy {found[FOLDS]['accuracy']:.2f}"
        for head, found in metrics.get("repeats", {}).items()
        if FOLDS in found
    ]
    for head, figures in metrics.get("embedding", {}).items():
        lines.append(
            f"neighbours of the same {head}, mAP@{figures['nearest']:.0f}: {_interval(figures, 'map_at_10')}, "
            f"MFCC statistics {_interval(figures, 'mfcc_map_at_10')}"
        )
    for name, figures in metrics.get("attributes", {}).items():
        parted = f", AUROC {_interval(figures, 'auroc')}" if "auroc" in figures else ""
        lines.append(f"{name}: R2 {_interval(figures, 'r2')}, mean error {figures['mae']:.3g}{parted}")
    if figures := metrics.get("beat"):
        lines.append(
            f"beat within 4 %: {_interval(figures, 'within_4_percent')} of {figures['tracks']:.0f} tracks, "
            f"or an octave off: {figures['within_4_percent_or_octave']:.2f}; librosa's beat tracker "
            f"{_interval(figures, 'librosa_within_4_percent')} and {figures['librosa_within_4_percent_or_octave']:.2f}"
        )
    for head, figures in metrics.get("open_set", {}).items():
        told = "too few" if figures["auroc"] is None else f"AUROC {_interval(figures, 'auroc')}"
        lines.append(
            f"an {head} never heard, told from known ones: {told} "
            f"({figures['unknown_tracks']:.0f} tracks in {figures['unknown_groups']:.0f} groups "
            f"against {figures['known_tracks']:.0f} tracks)"
        )
    return [escape(line) for line in lines]


def rare_lines(metrics: dict[str, Any], per_class: pd.DataFrame) -> list[str]:
    """Return a line that says what to do about classes with few test tracks, where nothing has been done."""
    if any(FOLDS in found for found in metrics.get("repeats", {}).values()):
        return []
    rare = int((per_class["tracks"] < RARE).sum())
    todo = "`dvc exp run --temp -S repeats.folds=5 evaluate` tests every track once"
    return [f"{rare} of {len(per_class)} classes have fewer than {RARE} test tracks: {todo}"] if rare else []


def _interval(figures: dict[str, float], name: str) -> str:
    return f"{figures[name]:.2f} [{figures[f'{name}_low']:.2f}, {figures[f'{name}_high']:.2f}]"


def _with_interval(figures: dict[str, float]) -> str:
    return escape(_interval(figures, "macro_f1"))


def _inbox(root: Path, params: Params) -> Table | str:
    """Return the predictions for new music; where a source knows the true name, it stands beside."""
    if not (root / "data/predictions").exists():
        return "[bold]New music[/]  not classified yet: `dvc repro` does"
    table = pd.read_parquet(root / "data/predictions/predictions.parquet")
    truth = read_table(root / "data/catalog/inbox.parquet", INBOX)
    names = dict(zip(truth["path"], truth["artist"] + ": " + truth["title"], strict=True)) if "artist" in truth else {}
    shown = table.assign(path=[names.get(path, path) for path in table["path"]])
    title = f"New music: {len(table)} files"
    if len(table) > MOST_PREDICTIONS:
        title += f", the first {MOST_PREDICTIONS} of them; all in data/predictions/predictions.csv"
    return prediction_table(shown.head(MOST_PREDICTIONS), params.train.classes, title)
