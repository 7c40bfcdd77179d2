"""What the finished cells come to: a row of figures per peer and split, and soundatlas against each peer in pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.quality.cells import all_classes
from benchmarks.quality.scores import (
    attribute_figures,
    class_figures,
    head_result,
    open_set_figures,
    open_set_result,
    paired_difference,
    retrieval_figures,
)
from soundatlas.progress import progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.quality.cells import Cell
    from benchmarks.quality.data import Dataset
    from benchmarks.quality.peer import Peer
    from benchmarks.quality.splits import Fold
    from soundatlas.params import Params

OURS = "soundatlas"
Absent = dict[tuple[str, str], str]  # peer and split -> why it has no figures there


def _of(cells: Sequence[Cell], peer: str, split: str) -> list[Cell]:
    return [cell for cell in cells if (cell.peer, cell.split) == (peer, split)]


def describe(
    peers: Sequence[Peer],
    absent: Absent,
    cells: Sequence[Cell],
    folds: dict[str, list[Fold]],
    dataset: Dataset,
    params: Params,
) -> list[dict[str, Any]]:
    """Return one row per split and peer."""
    count, confidence = params.evaluate.bootstrap_resamples, params.evaluate.confidence
    rows: list[dict[str, Any]] = []
    with progress("scoring", len(folds) * len(peers)) as advance:
        for split, parts in folds.items():
            classes = all_classes(dataset.collection.tracks, parts[0])
            for peer in peers:
                row: dict[str, Any] = {"peer": peer.name, "title": peer.title, "split": split}
                if reason := absent.get((peer.name, split)):
                    rows.append(row | {"available": False, "reason": reason})
                    advance()
                    continue
                mine = _of(cells, peer.name, split)
                heads = {
                    head: class_figures(head_result(mine, head, names), count, confidence)
                    for head, names in classes.items()
                }
                attributes = {
                    name: figures
                    for name in parts[0].space.attributes
                    if (figures := attribute_figures(mine, name, count, confidence)) is not None
                }
                rows.append(
                    row
                    | {
                        "available": True,
                        "seeds": sorted({cell.seed for cell in mine}),
                        "seeded": peer.seeded,
                        "folds": len(parts),
                        "heads": heads,
                        "attributes": attributes,
                        "retrieval": {
                            head: figures
                            for head in classes
                            if (figures := retrieval_figures(mine, head, count, confidence)) is not None
                        },
                        "open_set": {
                            head: open_set_figures(result, count, confidence)
                            for head in classes
                            if (result := open_set_result(mine, head)) is not None
                        },
                        "train_seconds": sum(cell.train_seconds for cell in mine) / len(mine),
                        "train_processor_seconds": sum(cell.train_processor_seconds for cell in mine) / len(mine),
                        "ms_per_clip": sum(cell.ms_per_clip for cell in mine) / len(mine),
                        "notes": sorted({note for cell in mine for note in cell.notes}),
                    }
                )
                advance()
    return rows


def compare(
    peers: Sequence[Peer],
    absent: Absent,
    cells: Sequence[Cell],
    folds: dict[str, list[Fold]],
    dataset: Dataset,
    params: Params,
) -> list[dict[str, Any]]:
    """Return one row per split, other peer and head: how much better soundatlas is, where both have figures."""
    there = {split: [peer for peer in peers if (peer.name, split) not in absent] for split in folds}
    others = {
        split: [peer for peer in present if peer.name != OURS]
        for split, present in there.items()
        if OURS in {peer.name for peer in present}
    }
    rows = []
    with progress("comparing in pairs", sum(map(len, others.values()))) as advance:
        for split, rivals in others.items():
            classes = all_classes(dataset.collection.tracks, folds[split][0])
            for peer in rivals:
                for head, names in classes.items():
                    gain = paired_difference(
                        head_result(_of(cells, OURS, split), head, names),
                        head_result(_of(cells, peer.name, split), head, names),
                        params.evaluate.bootstrap_resamples,
                        params.evaluate.confidence,
                    )
                    rows.append({"split": split, "peer": peer.name, "title": peer.title, "head": head, **gain.__dict__})
                advance()
    return rows
