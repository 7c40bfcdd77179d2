"""The tables that the bench prints, from `bench.json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from benchmarks.quality.scores import LEAST_GROUPS
from soundatlas.commands.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

MOST_FAILURES = 10
MOST_CLASSES = 5  # that are named where some cannot be judged


def print_report(console: Console, result: dict[str, Any]) -> None:
    """Print what was measured: scores, pairs, published figures, and what could not be used or judged."""
    data = result["data"]
    console.print(
        f"\n[bold]Data[/]  {escape(printable(data['name']))}: {data['tracks']} tracks by {data['artists']} artists, "
        f"{data['hours']:.1f} hours, {data['failures']} failures"
    )
    for split, about in result["splits"].items():
        _print_split(console, split, about, result)
    if result["paired"]:
        console.print(paired_table(result["paired"], result["settings"]))
    if result["published"]:
        console.print(published_table(result["published"]))
    if result["failures"]:
        first = f", the first {MOST_FAILURES}; all in bench.json" if len(result["failures"]) > MOST_FAILURES else ""
        console.print(f"Could not be used: {len(result['failures'])}{first}")
        console.print(failure_table(result["failures"]))


def _print_split(console: Console, split: str, about: dict[str, Any], result: dict[str, Any]) -> None:
    settings = result["settings"]
    rows = [row for row in result["rows"] if row["split"] == split]
    there = [row for row in rows if row["available"]]
    console.print(score_table(rows, split, about, settings))
    for row in rows:
        if line := "; ".join(row["notes"]) if row["available"] else f"not available: {row['reason']}":
            console.print(f"  {escape(row['title'])}: {escape(line)}")
    if about["attributes"]:
        console.print(attribute_table(there, split, about["attributes"], settings))
    if any(row["retrieval"] for row in there):
        console.print(retrieval_table(there, split, about["heads"], settings))
    if any(row["open_set"] for row in there):
        console.print(open_set_table(there, split, settings))
    if pairs := about["near_duplicates_on_two_sides"]:
        every = result["data"]["near_duplicates"]
        console.print(
            f"{split} split: {pairs} of {every} pairs of near-duplicates lie on two sides, which flatters scores"
        )
    for line in gaps(split, about, folds=settings["folds"]):
        console.print(escape(printable(line)))


def score_table(rows: Sequence[dict[str, Any]], split: str, about: dict[str, Any], settings: dict[str, Any]) -> Table:
    """Return one split's figures: a block per head, a row per peer."""
    tested = sum(sides["test"] for sides in about["tracks"])
    table = Table(
        title=f"{split} split: {tested} test tracks, {_seeds(settings)}; "
        f"{settings['confidence']:.0%} interval by grouped bootstrap",
        caption="train s and processor s (of all threads): one training, features and spectrograms left out; "
        "ms/clip: from the audio file, all included",
        title_justify="left",
        caption_justify="left",
    )
    for column in ("label", "peer"):
        table.add_column(column)
    for column in ("macro F1", "seeds", "weighted F1", "accuracy", "top 3", "ECE", "train s", "processor s", "ms/clip"):
        table.add_column(column, justify="right", no_wrap=True)
    for head in about["heads"]:
        for row in rows:
            table.add_row(head, escape(row["title"]), *_cells(row, head))
        table.add_section()
    return table


def _seeds(settings: dict[str, Any]) -> str:
    count = len(settings["seeds"])
    return "1 seed" if count == 1 else f"mean of {count} seeds"


def _cells(row: dict[str, Any], head: str) -> list[str]:
    if not row["available"]:
        return ["not available", *[""] * 8]
    figures = row["heads"][head]
    per_seed = figures["macro_f1_per_seed"]
    return [
        escape(f"{figures['macro_f1']:.2f} [{figures['macro_f1_low']:.2f}, {figures['macro_f1_high']:.2f}]"),
        f"{min(per_seed):.2f}-{max(per_seed):.2f}" if row["seeded"] else "no seed",
        *(f"{figures[name]:.2f}" for name in ("weighted_f1", "accuracy", "top_3_accuracy", "ece")),
        f"{row['train_seconds']:.1f}",
        f"{row['train_processor_seconds']:.1f}",
        f"{row['ms_per_clip']:.0f}",
    ]


def attribute_table(
    rows: Sequence[dict[str, Any]], split: str, attributes: Sequence[str], settings: dict[str, Any]
) -> Table:
    """Return R2 and rank correlation of every attribute, for the peers that give any."""
    title = f"{split} split: R2 of the attributes, {_seeds(settings)}; 0 is the training mean"
    table = Table(
        title=title, caption="below R2: Spearman's rank correlation", title_justify="left", caption_justify="left"
    )
    table.add_column("peer")
    for name in attributes:
        table.add_column(name, justify="right")
    for row in rows:
        if row["attributes"]:
            table.add_row(escape(row["title"]), *(_attribute(row["attributes"].get(name)) for name in attributes))
    return table


def retrieval_table(
    rows: Sequence[dict[str, Any]], split: str, heads: Sequence[str], settings: dict[str, Any]
) -> Table:
    """Return how well test tracks find training tracks of their class, for the peers that have a space."""
    table = Table(
        title=f"{split} split: mAP@10 of test tracks among the training tracks, {_seeds(settings)}",
        caption=f"by cosine in the peer's own space; {settings['confidence']:.0%} interval by grouped bootstrap",
        title_justify="left",
        caption_justify="left",
    )
    table.add_column("peer")
    for head in heads:
        table.add_column(head, justify="right")
    for row in rows:
        if row["retrieval"]:
            table.add_row(escape(row["title"]), *(_map_at_10(row["retrieval"].get(head)) for head in heads))
    return table


def _map_at_10(figures: dict[str, Any] | None) -> str:
    if figures is None:
        return "-"
    return escape(f"{figures['map_at_10']:.2f} [{figures['map_at_10_low']:.2f}, {figures['map_at_10_high']:.2f}]")


def open_set_table(rows: Sequence[dict[str, Any]], split: str, settings: dict[str, Any]) -> Table:
    """Return how well each peer tells tracks of classes that it never heard from those of classes that it learnt."""
    table = Table(
        title=f"{split} split: AUROC of telling unknown classes, {_seeds(settings)}; 0.5 is a coin's",
        caption="by the highest probability, and for soundatlas by its knownness; too few: of fewer than "
        f"{LEAST_GROUPS} groups; {settings['confidence']:.0%} interval by grouped bootstrap",
        title_justify="left",
        caption_justify="left",
    )
    for column in ("label", "peer"):
        table.add_column(column)
    for column in ("AUROC", "known", "unknown"):
        table.add_column(column, justify="right")
    for row in rows:
        for head, figures in row["open_set"].items():
            counts = (f"{figures[name]:.0f}" for name in ("known_tracks", "unknown_tracks"))
            table.add_row(head, escape(row["title"]), _auroc(figures), *counts)
    return table


def _auroc(figures: dict[str, Any]) -> str:
    if figures["auroc"] is None:
        return "too few"
    return escape(f"{figures['auroc']:.2f} [{figures['auroc_low']:.2f}, {figures['auroc_high']:.2f}]")


def _attribute(figures: dict[str, Any] | None) -> str:
    if figures is None or figures["r2"] is None:
        return "-"
    ranks = "-" if figures["spearman"] is None else f"{figures['spearman']:.2f}"
    return escape(f"{figures['r2']:.2f} [{figures['r2_low']:.2f}, {figures['r2_high']:.2f}]\n{ranks}")


def paired_table(rows: Sequence[dict[str, Any]], settings: dict[str, Any]) -> Table:
    """Return how much better soundatlas is than each peer."""
    table = Table(
        title="soundatlas against each peer: difference of macro F1, averaged over seeds",
        caption=f"{settings['confidence']:.0%} interval by paired, grouped bootstrap, "
        f"{settings['bootstrap_resamples']} resamples; p: share of them in which soundatlas is not better",
        title_justify="left",
        caption_justify="left",
    )
    for column in ("split", "peer", "label"):
        table.add_column(column)
    for column in ("difference", "interval", "p"):
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(
            row["split"],
            escape(row["title"]),
            row["head"],
            f"{row['value']:+.3f}",
            escape(f"[{row['low']:+.3f}, {row['high']:+.3f}]"),
            f"{row['p']:.3f}",
        )
    return table


def published_table(rows: Sequence[dict[str, Any]]) -> Table:
    """Return what others published on this data set."""
    table = Table(title="Published on this data set; compare only like with like", title_justify="left")
    for column in ("method", "split", "label", "metric"):
        table.add_column(column)
    table.add_column("value", justify="right")
    for row in rows:
        table.add_row(row["who"], row["split"], row["head"], row["metric"], f"{row['value']:.3f}")
    return table


def failure_table(rows: Sequence[dict[str, Any]]) -> Table:
    """Return the first of what could not be used."""
    table = Table()
    for column in ("file", "reason", "message"):
        table.add_column(column)
    for row in rows[:MOST_FAILURES]:
        table.add_row(*(escape(printable(row[column])) for column in ("path", "reason", "message")))
    return table


def gaps(split: str, about: dict[str, Any], *, folds: int) -> list[str]:
    """Return lines on what the split leaves unjudged."""
    lines = [
        f"{split} split: {head} is left out: too few of its classes to learn, or none to test"
        for head in about["left_out"]
    ]
    for head, classes in about["classes_not_judged"].items():
        for kind, names in classes.items():
            if names:
                named = ", ".join(names[:MOST_CLASSES]) + (", ..." if len(names) > MOST_CLASSES else "")
                lines.append(f"{split} split: {len(names)} of {head} {kind.replace('_', ' ')}: {named}")
    if lines and folds == 1:
        lines.append("`--folds 5` makes every track a test track once")
    return lines
