"""Who learns and who judges in the bench: the project's split, a random one beside it, or grouped folds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from soundatlas.errors import DataRefusedError, UsageError
from soundatlas.learning.folds import fold_sides
from soundatlas.learning.labels import MISSING, LabelSpace
from soundatlas.learning.split import assign_sides, side_of
from soundatlas.tables import SIDES

if TYPE_CHECKING:
    from benchmarks.quality.data import Collection
    from soundatlas.params import Params, SplitParams

RANDOM = "random"
GROUPED = ("work", "album")


@dataclass(frozen=True)
class Fold:
    """One division of the tracks; each side's rows are `tables.TRACKS` and their `group`.

    Attributes:
        split: name of the split.
        number: of the fold, from 0.
        train: who learns.
        validation: who decides when to stop.
        test: who judges.
        space: classes and scales of the training tracks, of the heads that can be judged.
    """

    split: str
    number: int
    train: pd.DataFrame
    validation: pd.DataFrame
    test: pd.DataFrame
    space: LabelSpace


def make_folds(collection: Collection, split: str, params: Params, folds: int) -> list[Fold]:
    """Divide a collection.

    Args:
        collection: analysed tracks.
        split: "work", "album" or "random" (each track alone: leaks, for comparison), or the collection's own.
        params: sections `split` and `train`.
        folds: 1 for one hashed split; otherwise every track is a test track once.

    Raises:
        UsageError: when the data cannot be divided so.
        DataRefusedError: when no head could be judged.
    """
    grouped = _groups(collection, split, params)
    if folds == 1:
        divided = [_hashed(grouped, collection, split, params)]
    else:
        divided = _folds(grouped, collection, split, params, folds)
    for sides in divided:
        if missing := [side for side in SIDES if side not in set(sides)]:
            raise DataRefusedError(
                f"split {split}: no track on the {missing[0]} side: give more tracks, another split.salt, or --folds 5"
            )
    parts = [{side: grouped[sides == side].reset_index(drop=True) for side in SIDES} for sides in divided]
    classes, attributes = _judged(parts, params)
    if not classes:
        raise DataRefusedError(
            f"split {split}: no label of train.classes has two classes to learn and a test track of one of them"
        )
    return [
        Fold(
            split,
            number,
            part["train"],
            part["validation"],
            part["test"],
            LabelSpace.of(part["train"], classes, attributes),
        )
        for number, part in enumerate(parts)
    ]


def untested_classes(folds: list[Fold]) -> dict[str, dict[str, list[str]]]:
    """Return head -> classes that no fold tests, and classes with test tracks that some fold's training lacks."""
    report = {}
    for head in folds[0].space.classes:
        learnt = [set(fold.space.classes[head]) for fold in folds]
        tested = [set(fold.test[head].dropna()) for fold in folds]
        untested = set().union(*learnt) - set().union(*tested)
        unseen = set().union(*(there - known for there, known in zip(tested, learnt, strict=True)))
        if untested or unseen:
            report[head] = {"without_test_tracks": sorted(untested), "without_training_tracks": sorted(unseen)}
    return report


def divided_pairs(folds: list[Fold], duplicates: pd.DataFrame) -> int:
    """Return how many pairs of near-duplicates some fold has on two sides."""
    apart = pd.Series(data=False, index=duplicates.index)
    for fold in folds:
        side = {track: name for name in SIDES for track in getattr(fold, name)["track_id"]}
        apart |= duplicates["track_id"].map(side) != duplicates["other_track_id"].map(side)
    return int(apart.sum())


def with_groups(tracks: pd.DataFrame, params: SplitParams, duplicates: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return tracks with their `group`, as stage `split` makes it of names, bytes and pairs, by order of `track_id`."""
    return _joined(tracks, assign_sides(tracks, params.model_copy(update={"sides": "hash"}), duplicates))


def _groups(collection: Collection, split: str, params: Params) -> pd.DataFrame:
    """Return the tracks with their group, by which intervals are drawn too, in the order of `track_id`."""
    if split == collection.sides_name and collection.sides is not None:
        return _joined(collection.tracks, collection.sides)
    grouping = params.split.model_copy(update={"group": split}) if split in GROUPED else params.split
    return with_groups(collection.tracks, grouping, collection.duplicates)


def _joined(tracks: pd.DataFrame, sides: pd.DataFrame) -> pd.DataFrame:
    groups = sides[["track_id", "group"]]
    return tracks.merge(groups, on="track_id", validate="one_to_one").sort_values("track_id", ignore_index=True)


def _hashed(tracks: pd.DataFrame, collection: Collection, split: str, params: Params) -> pd.Series[str]:
    if split == collection.sides_name and collection.sides is not None:
        return tracks["track_id"].map(collection.sides.set_index("track_id")["side"])
    keys = "sha256:" + tracks["audio_sha256"] if split == RANDOM else tracks["group"]
    return keys.map(lambda key: side_of(key, params.split))


def _folds(
    tracks: pd.DataFrame, collection: Collection, split: str, params: Params, folds: int
) -> list[pd.Series[str]]:
    """Divide by stratified, grouped folds; validation is one fold of a second division of each training part."""
    if split == collection.sides_name and split not in GROUPED:
        raise UsageError(f"--folds does not go with the {split} split: give --split work, album or random")
    keys = tracks["audio_sha256"] if split == RANDOM else tracks["group"]
    strata = tracks[params.train.classes[0]].fillna("")
    try:
        divided = fold_sides(keys.tolist(), strata.tolist(), folds, params.split.validation)
    except ValueError as error:
        raise UsageError(f"{error}: give fewer with --folds") from None
    return [pd.Series(sides, index=tracks.index) for sides in divided]


def _judged(parts: list[dict[str, pd.DataFrame]], params: Params) -> tuple[list[str], list[str]]:
    """Return the heads and attributes that every fold can learn and some fold can judge."""

    def learnable(name: str, least: int) -> bool:
        return all(name in part["train"] and part["train"][name].nunique() >= least for part in parts)

    def judged(head: str) -> bool:
        return any(part["test"][head].isin(part["train"][head].dropna().unique()).any() for part in parts)

    classes = [head for head in params.train.classes if learnable(head, 2) and judged(head)]
    attributes = [
        name
        for name in params.train.attributes
        if learnable(name, 1) and any(part["test"][name].notna().any() for part in parts)
    ]
    return classes, attributes


def known_targets(fold: Fold, tracks: pd.DataFrame) -> dict[str, Any]:
    """Return head -> mask of the tracks whose class the training tracks have."""
    return {head: truth != MISSING for head, truth in fold.space.class_targets(tracks).items()}
