"""One flat table of facts per suite, so that every rule is an expectation over plain columns.

A rule that spans tables (every track has a spectrogram, no group on two sides) is hard to state to Great
Expectations and easy to state over a joined row. So plain pandas joins and counts here, and the suite of the
same name in `gx/expectations/` says what the columns must hold.

Every table of facts has the columns of `WHO`, which say whom a row is about. A fact that does not apply to a row
is missing, and a missing fact offends no rule except one that forbids missing.
"""

from __future__ import annotations

import math
import unicodedata
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from soundatlas.tables import SIDES

if TYPE_CHECKING:
    from collections.abc import Callable

    from soundatlas.params import Params
    from soundatlas.quality.inputs import Tables

WHO = ("name", "track_id", "path", "title", "artist")
COMMON_CLASS_FACTOR = 3  # a class with this many times `min_tracks_per_class` tracks may be a common one
UNLIKELY = 0.001  # chance below which an empty side is no bad luck
NOT_RECORDED = "(no row)"
NO_VALUE = "(none)"


def collect_facts(tables: Tables, params: Params) -> dict[str, pd.DataFrame]:
    """Return the table of facts of every suite."""
    return {suite: describe(tables, params) for suite, describe in FACTS.items()}


def class_limits(params: Params) -> dict[str, int]:
    """Return from how many tracks, of how many groups, on a class is a common one.

    A group's side is a hash, so a class of few groups may well miss a side by chance: that is a warning. With so
    many groups that chance leaves the smaller of the judging sides empty once in 1 / `UNLIKELY` times, an empty
    side means that the split is not what its parameters say: that is an error.
    """
    share = min(params.split.validation, params.split.test)
    return {
        "common_tracks": COMMON_CLASS_FACTOR * params.validate_.min_tracks_per_class,
        "common_groups": math.ceil(math.log(UNLIKELY) / math.log(1 - share)),
    }


def describe_tracks(tables: Tables, _params: Params) -> pd.DataFrame:
    """Return a row per catalogue track: its columns, what its decade should be, and which cells are blank text."""
    facts = _named(tables.tracks)
    year = facts["year"].where(np.isfinite(facts["year"]))
    decade = (year // 10 * 10).astype("Int64").astype("str") + "s"
    facts["decade_of_year"] = decade.where(year.notna()).astype("str")
    texts = [column for column in tables.tracks.columns if facts[column].dtype == "str"]
    blank = pd.DataFrame({column: facts[column].str.strip().eq("") for column in texts})
    facts["blank_columns"] = _joined_names(blank)
    return facts


def describe_labels(tables: Tables, params: Params) -> pd.DataFrame:
    """Return a row per row of `labels.parquet`, and one per trained label of a track that has no such row."""
    trained = _trained_columns(tables, params)
    cells = tables.tracks.melt(id_vars="track_id", value_vars=trained, var_name="label", value_name="cell")
    present = cells.loc[cells["cell"].notna(), ["track_id", "label"]].drop_duplicates()
    rows = tables.labels.merge(present, on=["track_id", "label"], how="outer", indicator="found_in")
    recorded = rows["found_in"] != "right_only"
    facts = _with_track(rows.drop(columns="found_in"), tables)
    facts["name"] = facts["label"].fillna(NO_VALUE) + " of " + facts["track_id"].fillna("(no track)")
    facts["recorded"] = _yes(recorded)
    facts["track_in_catalogue"] = _yes(facts["track_id"].isin(tables.tracks["track_id"]))
    facts["provenance"] = facts["provenance"].where(recorded, NOT_RECORDED)
    facts["trained_ml_use"] = facts["ml_use"].where(
        facts["label"].isin([*params.train.classes, *params.train.attributes])
    )
    return facts


def describe_trained_labels(tables: Tables, params: Params) -> pd.DataFrame:
    """Return a row per label that `train` asks for: is it there, for how many tracks, and is it of the right kind?

    An attribute that no track has at all is left out of the training, so its coverage is not judged.
    """
    rows: list[dict[str, Any]] = []
    for kind, labels in (("class", params.train.classes), ("attribute", params.train.attributes)):
        for label in labels:
            row: dict[str, Any] = {"name": label, "kind": kind, "is_a_column": "no"}
            if label in tables.tracks.columns:
                values = tables.tracks[label]
                row |= {"is_a_column": "yes", "coverage": values.notna().mean()}
                if kind == "class":
                    row["distinct_values"] = values.nunique()
                elif values.notna().any():
                    row |= {
                        "has_values": "yes",
                        "is_a_number": "yes" if pd.api.types.is_numeric_dtype(values) else "no",
                    }
                else:
                    row |= {"has_values": "no", "coverage": None}
            rows.append(row)
    columns = {"coverage": "float64", "distinct_values": "float64", "is_a_number": "str", "has_values": "str"}
    return _without_track(rows, columns)


CLASS_REMARKS = ("common_but_absent_from", "rare_and_absent_from", "also_spelt")


def describe_classes(tables: Tables, params: Params) -> pd.DataFrame:
    """Return a row per class of each trained head: how many of its tracks can be used, on which side.

    A class counts as common from `common_tracks` tracks of `common_groups` groups on.
    """
    limits = class_limits(params)
    usable = tables.tracks.drop_duplicates("track_id").merge(
        tables.split.drop_duplicates("track_id")[["track_id", "group", "side"]], on="track_id"
    )
    usable = usable[usable["audio_sha256"].isin(tables.manifest["audio_sha256"])]
    rows: list[dict[str, Any]] = []
    for head in params.train.classes:
        if head not in usable.columns:
            continue
        spellings: dict[str, set[str]] = {}
        for name in map(str, usable[head].dropna().unique()):
            spellings.setdefault(_bare(name), set()).add(name)
        for value, members in usable.groupby(head, sort=True):
            per_side = {side: int((members["side"] == side).sum()) for side in SIDES}
            absent = ", ".join(side for side, count in per_side.items() if not count) or None
            groups = members["group"].nunique()
            common = len(members) >= limits["common_tracks"] and groups >= limits["common_groups"]
            rows.append(
                {
                    "name": f"{head}: {value}",
                    **per_side,
                    "tracks": len(members),
                    "groups": groups,
                    "common_but_absent_from": absent if common else None,
                    "rare_and_absent_from": None if common else absent,
                    "also_spelt": ", ".join(sorted(spellings[_bare(str(value))] - {str(value)})) or None,
                }
            )
    counts = dict.fromkeys([*SIDES, "tracks", "groups"], "int64")
    return _without_track(rows, counts | dict.fromkeys(CLASS_REMARKS, "str"))


def _bare(name: str) -> str:
    """Return a name without what spellings of one class differ in; one of signs alone, such as "!!!", as it is."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(filter(str.isalnum, folded)) or folded


def describe_spectrograms(tables: Tables, params: Params) -> pd.DataFrame:
    """Return a row per catalogue track with what the manifest, or the failures table, says about its audio."""
    tracks = _named(tables.tracks)[[*WHO, "audio_sha256", "duration_seconds"]]
    tracks = tracks.rename(columns={"duration_seconds": "catalogue_seconds"})
    facts = tracks.merge(tables.manifest.drop_duplicates("audio_sha256"), on="audio_sha256", how="left")
    computed = facts["audio_sha256"].isin(tables.manifest["audio_sha256"])
    failures = tables.spectrogram_failures.merge(tables.tracks[["path", "audio_sha256"]], on="path")
    failures = failures.drop_duplicates("audio_sha256").set_index("audio_sha256")  # twins of a failed file fail too
    failed = facts["audio_sha256"].isin(failures.index) & ~computed
    facts["spectrogram"] = np.select([computed, failed], ["computed", "failed"], "missing")
    facts["failure"] = facts["audio_sha256"].map(failures["reason"]).where(failed).astype("str")
    facts["failure_message"] = facts["audio_sha256"].map(failures["message"]).where(failed).astype("str")
    facts["all_finite"] = _yes(facts["finite"].eq(True)).where(computed)
    expected = facts["catalogue_seconds"].clip(upper=params.spectrograms.max_seconds)
    facts["duration_gap_seconds"] = (facts["duration_seconds"] - expected).abs()
    return facts


def describe_split(tables: Tables, _params: Params) -> pd.DataFrame:
    """Return a row per row of the split, and one per catalogue track that the split forgot."""
    tracks = tables.tracks.drop_duplicates("track_id")[["track_id", "audio_sha256", "isrc"]]
    tracks = tracks.rename(columns={"audio_sha256": "catalogue_sha256"})
    rows = tables.split.merge(tracks, on="track_id", how="outer", indicator="found_in")
    assigned = rows["found_in"] != "right_only"
    facts = _with_track(rows, tables)
    facts["name"] = facts["track_id"].fillna(NO_VALUE)
    facts["track_in_catalogue"] = _yes(rows["found_in"] != "left_only")
    facts["assignments"] = assigned.groupby(facts["track_id"], dropna=False).transform("sum")
    for column in ("group", "side"):
        facts[column] = facts[column].where(facts[column].notna() | ~assigned, NO_VALUE)
    facts["audio"] = facts["catalogue_sha256"].fillna(facts["audio_sha256"])
    facts["isrc"] = facts["isrc"].str.upper().str.replace("-", "")
    for key in ("group", "audio", "isrc"):
        sides = facts.groupby(key)["side"]
        facts[f"{key}_side_count"] = sides.transform("nunique").where(assigned)
        facts[f"sides_of_{key}"] = facts[key].map(sides.agg(_joined_sides)).astype("str")
    facts["near_duplicate_elsewhere"] = facts["track_id"].map(_twins_elsewhere(tables)).astype("str")
    return facts.drop(columns="found_in")


def _twins_elsewhere(tables: Tables) -> pd.Series[str]:
    """Return track -> its near-duplicates on another side, with that side; tracks without any are left out."""
    side = tables.split.drop_duplicates("track_id").set_index("track_id")["side"]
    pairs = tables.duplicates[["track_id", "other_track_id"]]
    both_ways = pd.concat([pairs, pairs.set_axis(["other_track_id", "track_id"], axis="columns")], ignore_index=True)
    mine, theirs = both_ways["track_id"].map(side), both_ways["other_track_id"].map(side)
    apart = both_ways[mine.notna() & theirs.notna() & (mine != theirs)]
    told = apart["other_track_id"] + " on " + theirs.loc[apart.index].astype("str")
    return told.groupby(apart["track_id"]).agg(lambda twins: ", ".join(sorted(twins)))


FACTS: dict[str, Callable[[Tables, Params], pd.DataFrame]] = {
    "catalog": describe_tracks,
    "labels": describe_labels,
    "trained_labels": describe_trained_labels,
    "spectrograms": describe_spectrograms,
    "split": describe_split,
    "classes": describe_classes,
}


def _trained_columns(tables: Tables, params: Params) -> list[str]:
    """Return the trained labels that the catalogue has as columns."""
    return [label for label in (*params.train.classes, *params.train.attributes) if label in tables.tracks.columns]


def _named(tracks: pd.DataFrame) -> pd.DataFrame:
    """Return the tracks with a name that says which is meant, even where the id is missing."""
    number = "row " + pd.Series(np.arange(1, len(tracks) + 1), index=tracks.index).astype("str")
    return tracks.assign(name=tracks["track_id"].fillna(tracks["path"]).fillna(number)).reset_index(drop=True)


def _with_track(rows: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """Return rows that have a `track_id` with the track's path, title and artist."""
    who = tables.tracks.drop_duplicates("track_id")[["track_id", "path", "title", "artist"]]
    return rows.merge(who, on="track_id", how="left")


def _without_track(rows: list[dict[str, Any]], dtypes: dict[str, str]) -> pd.DataFrame:
    """Return rows that are about no single track, with the columns of `WHO` and of `dtypes` even if there are none."""
    texts = dict.fromkeys([*WHO, "kind", "is_a_column"], "str")
    columns = list(dict.fromkeys([*WHO, *dtypes, *(key for row in rows for key in row)]))
    facts = pd.DataFrame(rows, columns=columns)
    return facts.astype({column: dtype for column, dtype in {**texts, **dtypes}.items() if column in facts})


def _yes(condition: pd.Series[bool]) -> pd.Series[Any]:
    """Return a condition as the words `yes` and `no`, which read well in Data Docs."""
    return condition.map({True: "yes", False: "no"}).astype("str")


def _joined_sides(sides: pd.Series[Any]) -> str:
    return ", ".join(sorted(sides.dropna().unique()))


def _joined_names(flags: pd.DataFrame) -> pd.Series[Any]:
    """Return per row the names of the columns that are true, or missing where none is."""
    joined = [", ".join(flags.columns[row]) or None for row in flags.to_numpy(dtype=bool)]
    return pd.Series(joined, index=flags.index, dtype="str")
