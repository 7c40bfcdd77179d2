"""`soundatlas summary`: what the last run of the pipeline made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from rich.markup import escape
from rich.table import Table

from soundatlas.commands.classify import prediction_table
from soundatlas.commands.terminal import wide_console
from soundatlas.errors import SoundatlasError
from soundatlas.files import project_root, read_json
from soundatlas.learning.repeats import FOLDS, GROUPED, RANDOM
from soundatlas.params import load_params
from soundatlas.tables import INBOX, TRACKS, read_table

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.params import Params

MOST_PREDICTIONS = 30
RARE = 10  # test tracks: with fewer, a class's score is luck


def print_summary() -> None:
    """Print catalogue, scores with intervals against the baselines, champion, predictions, and what to open next.

    Raises:
        SoundatlasError: when the pipeline has not run.
    """
    from soundatlas.registry.pin import read_champion

    root = project_root()
    params = load_params(root / "params.yaml")
    if not (root / "data/evaluation/metrics.json").is_file():
        raise SoundatlasError("nothing to show yet: run `make demo`, or `dvc repro`")
    console = wide_console()
    tracks = read_table(root / "data/catalog/tracks.parquet", TRACKS)
    console.print(
        f"\n[bold]Catalogue[/]  {len(tracks)} tracks by {tracks['artist'].nunique()} artists, "
        f"{tracks['duration_seconds'].sum() / 3600:.1f} hours"
    )
    metrics = read_json(root / "data/evaluation/metrics.json")
    console.print(score_table(metrics))
    lines = [*further_lines(metrics), *rare_lines(metrics, pd.read_csv(root / "data/evaluation/per_class.csv"))]
    console.print("\n".join(lines), highlight=False)
    pinned = read_champion(root)
    if pinned is None:
        console.print("[bold]Champion[/]   none yet: no model has passed the gate")
    else:
        champion, _ = pinned
        console.print(
            f"[bold]Champion[/]   {champion.name} version {champion.version} ({champion.content_sha256[:12]})\n"
        )
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


def score_table(metrics: dict[str, Any]) -> Table:
    """Return the scores of every head beside the baselines, with their intervals."""
    about, repeats = metrics["about"], metrics.get("repeats", {})
    seeds = max((figures[GROUPED]["seeds"] for figures in repeats.values() if GROUPED in figures), default=1)
    table = Table(
        title=f"Macro F1 on {about['tracks']} tracks ({about['split']}), {about['confidence']:.0%} interval by "
        f"{about['interval']}",
        title_justify="left",
    )
    random = any(RANDOM in figures for figures in repeats.values())
    several = [f"soundatlas, {seeds} seeds"] if seeds > 1 else []
    own = "this model" if several else "soundatlas, 1 seed"
    apart = ["on a random split"] if random else []
    for name in ("label", *several, own, *apart, "MFCC + log. regr.", "majority", "accuracy"):
        table.add_column(name, justify="left" if name == "label" else "right", no_wrap=True)
    for head, figures in metrics["classes"].items():
        peers = {name: by_head[head] for name, by_head in metrics["baselines"].items()}
        found = repeats.get(head, {})
        table.add_row(
            head,
            *([f"[bold]{_with_interval(found[GROUPED])}[/]"] if several else []),
            _with_interval(figures),
            *([_with_interval(found[RANDOM]) if RANDOM in found else ""] if random else []),
            _with_interval(peers["mfcc_logistic_regression"]),
            f"{peers['majority']['macro_f1']:.2f}",
            f"{figures['accuracy']:.2f}",
        )
    return table


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


def _inbox(root: Path, params: Params) -> Table:
    """Return the predictions for new music; where a source knows the true name, it stands beside."""
    table = pd.read_parquet(root / "data/predictions/predictions.parquet")
    truth = read_table(root / "data/catalog/inbox.parquet", INBOX)
    names = dict(zip(truth["path"], truth["artist"] + ": " + truth["title"], strict=True)) if "artist" in truth else {}
    shown = table.assign(path=[names.get(path, path) for path in table["path"]])
    title = f"New music: {len(table)} files"
    if len(table) > MOST_PREDICTIONS:
        title += f", the first {MOST_PREDICTIONS} of them; all in data/predictions/predictions.csv"
    return prediction_table(shown.head(MOST_PREDICTIONS), params.train.classes, title)
