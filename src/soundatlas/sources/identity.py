"""One track from several sources is one row, each of its labels with where it comes from."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from soundatlas.sources.base import SAME_AS
from soundatlas.sources.clusters import find_clusters
from soundatlas.sources.label_choice import RESTRICTED, Value, choose_labels
from soundatlas.tables import CONFLICTS, IDENTITIES, LABELS, TRACKS, conform

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from soundatlas.sources.clusters import Cluster

Key = tuple[int, str]  # position of a source, and track_id as that source lists it


@dataclass(frozen=True)
class Part:
    """What one configured source brings: tracks as in `sources.base.Listing`, and their labels."""

    tracks: pd.DataFrame
    labels: pd.DataFrame


@dataclass(frozen=True)
class United:
    """What all sources together know.

    Attributes:
        tracks: as `tables.TRACKS`, a row per track, with further label columns; without audio, `path` is missing.
        labels: as `tables.LABELS`, the values of `tracks`, each with where it comes from.
        identities: as `tables.IDENTITIES`, a row per listed track.
        conflicts: as `tables.CONFLICTS`, a row per value that was not believed.
    """

    tracks: pd.DataFrame
    labels: pd.DataFrame
    identities: pd.DataFrame
    conflicts: pd.DataFrame


def unite(parts: Sequence[Part]) -> United:
    """Join the tracks of several sources.

    A row is the same track as one before it, in this order of evidence, when it says so (`same_as`, or the same
    `track_id`), has the same bytes (`audio_sha256`), the same ISRC, or, from another source, the same artist and title
    in any spelling and a length within 2 s. The row of the first source with audio gives id, audio, licence and
    `ml_use`, which is `restricted` too where another row with the same bytes is, or, without audio, any row; the labels
    are chosen by `label_choice.choose_labels`.

    Args:
        parts: in the order of `catalog.sources`.
    """
    clusters = find_clusters([part.tracks for part in parts])
    joined = [cluster for cluster in clusters if len(cluster.members) > 1]
    keys = {(member.source, member.track_id) for cluster in joined for member in cluster.members}
    rows = _rows(parts, keys)
    values = _values(parts, keys)
    tracks, labels, conflicts = _joined(joined, rows, values)
    alone = [_of_tracks(part, source, keys, wanted=False) for source, part in enumerate(parts)]
    return United(
        tracks=_table([*(part.tracks for part in alone), tracks], TRACKS, ["track_id"], extra=True),
        labels=_table([*(part.labels for part in alone), labels], LABELS, ["track_id", "label"]),
        identities=_table([_identities(clusters)], IDENTITIES, ["listed_track_id", "track_id"]),
        conflicts=_table([conflicts], CONFLICTS, ["track_id", "label", "other_track_id"]),
    )


def _of_tracks(part: Part, source: int, keys: set[Key], *, wanted: bool) -> Part:
    """Return what a source knows of the tracks that are joined with others, or of all the rest."""
    ids = {track_id for position, track_id in keys if position == source}
    return Part(
        part.tracks[part.tracks["track_id"].isin(ids) == wanted].drop(columns=SAME_AS, errors="ignore"),
        part.labels[part.labels["track_id"].isin(ids) == wanted],
    )


def _rows(parts: Sequence[Part], keys: set[Key]) -> dict[Key, dict[str, Any]]:
    return {
        (source, row["track_id"]): {str(column): value for column, value in row.items()}
        for source, part in enumerate(parts)
        for row in _of_tracks(part, source, keys, wanted=True).tracks.to_dict("records")
    }


def _values(parts: Sequence[Part], keys: set[Key]) -> dict[Key, dict[str, Value]]:
    """Return what each row says of each label; the first of several."""
    found: dict[Key, dict[str, Value]] = defaultdict(dict)
    for source, part in enumerate(parts):
        labels = _of_tracks(part, source, keys, wanted=True).labels
        for track_id, label, *rest in labels[[*LABELS]].itertuples(index=False, name=None):
            found[source, track_id].setdefault(label, Value(source, track_id, *rest))
    return found


def _joined(
    clusters: Iterable[Cluster], rows: Mapping[Key, dict[str, Any]], values: Mapping[Key, dict[str, Value]]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return tracks, labels and conflicts of what is joined."""
    tracks, labels, conflicts = [], [], []
    for cluster in clusters:
        members = [(member.source, member.track_id) for member in cluster.members]
        lead = (cluster.lead.source, cluster.lead.track_id)
        chosen, overruled = choose_labels([values.get(key, {}) for key in members])
        track = dict(rows[lead])
        if _is_restricted(track, [rows[key] for key in members]):
            track["ml_use"] = RESTRICTED
        if pd.isna(track["duration_seconds"]):
            track["duration_seconds"] = rows[min(members, key=lambda key: pd.isna(rows[key]["duration_seconds"]))][
                "duration_seconds"
            ]
        for label, value in chosen.items():
            track[label] = rows[value.source, value.listed_track_id].get(label)
        tracks.append(track)
        labels += [{"track_id": lead[1], "label": label, **value.as_row()} for label, value in chosen.items()]
        conflicts += [{"track_id": lead[1], **row} for row in overruled]
    return pd.DataFrame(tracks), pd.DataFrame(labels), pd.DataFrame(conflicts)


def _is_restricted(lead: Mapping[str, Any], members: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether a joined track must not be learnt from, whichever of its rows is listed first.

    What one row says of some bytes holds for these bytes; audio that is fetched for a track inherits from all its rows.
    """
    heard = not pd.isna(lead["path"])
    same = [member for member in members if not heard or member["audio_sha256"] == lead["audio_sha256"]]
    return RESTRICTED in {row["ml_use"] for row in (lead, *same)}


def _identities(clusters: Iterable[Cluster]) -> pd.DataFrame:
    rows = [
        {"listed_track_id": member.track_id, "track_id": cluster.lead.track_id, "joined_by": why}
        for cluster in clusters
        for member, why in zip(cluster.members, cluster.joined_by, strict=True)
    ]
    return pd.DataFrame(rows)


def _table(
    tables: Sequence[pd.DataFrame], schema: Mapping[str, str], order: list[str], *, extra: bool = False
) -> pd.DataFrame:
    table = pd.concat([table for table in tables if len(table)] or [pd.DataFrame(columns=[*schema])])
    for column in set(table.columns) - set(schema):
        kinds = set(table[column].dropna().map(type))
        if len(kinds) > 1:  # a number in one source, text in another
            table[column] = table[column].map(str, na_action="ignore")
    return conform(table.sort_values(order, kind="stable"), schema, extra=extra)
