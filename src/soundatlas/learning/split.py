"""Who learns and who judges: a grouped split in which a group's side never changes as the catalogue grows."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from soundatlas.errors import ParamsError
from soundatlas.tables import SIDES, SPLIT, conform

if TYPE_CHECKING:
    from soundatlas.params import SplitParams

OFFICIAL = "official_split"  # the label column in which a source brings a split of its own
MIN_ALBUMS = 3  # an artist with fewer could not be on every side, so such an artist is grouped by work


def assign_sides(tracks: pd.DataFrame, params: SplitParams, duplicates: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return a row per track with its group and side.

    Tracks of one work (or album, after `params.group`), with the same bytes, with the same ISRC, or that are a pair of
    near-duplicates form one group.
    A group's side is a hash of its name, so that new tracks move no old ones; only a track that unites two groups
    moves the tracks of one of them, and in a split by album an artist's third album regroups that artist.
    With `params.sides` official, a group is on the side where its source has it; tracks of one group that the source
    has on several sides all learn, so that nothing is judged that was learnt from.

    Args:
        tracks: rows of `tables.TRACKS`.
        params: shares of groups, what a group is, and the salt of the hash.
        duplicates: rows of `tables.DUPLICATES`, of these tracks; None where none are known.

    Returns:
        `tables.SPLIT`, in the order of `track_id`.

    Raises:
        ParamsError: when the official sides are asked for, and no track has one.
    """
    keys = pd.DataFrame(
        {
            "group": _group_keys(tracks, params.group),
            "bytes": "sha256:" + tracks["audio_sha256"],
            "isrc": "isrc:" + tracks["isrc"].str.upper().str.replace("-", ""),
        }
    )
    if duplicates is not None:
        keys["recording"] = "recording:" + _recordings(tracks["track_id"], duplicates)
    group = _unite(keys)
    rows = pd.DataFrame({"track_id": tracks["track_id"], "audio_sha256": tracks["audio_sha256"], "group": group})
    rows["side"] = [side_of(name, params) for name in group]
    if params.sides == "official":
        rows["side"] = _official_sides(tracks, rows["group"]).fillna(rows["side"])
    return conform(rows.sort_values("track_id"), SPLIT)


def side_of(group: str, params: SplitParams) -> str:
    """Return a group's side: its hash as a number from 0 to 1, against the shares."""
    digest = hashlib.sha256(f"{params.salt}\n{group}".encode()).digest()
    position = int.from_bytes(digest[:8]) / 2**64
    if position < params.test:
        return "test"
    return "validation" if position < params.test + params.validation else "train"


def _official_sides(tracks: pd.DataFrame, group: pd.Series[str]) -> pd.Series[str]:
    """Return each track's side in its source's own split, the same for all of a group; missing where it has none."""
    if OFFICIAL not in tracks or tracks[OFFICIAL].isna().all():
        raise ParamsError("split.sides is official, but no track of the catalogue has an official split: make it hash")
    rank = tracks[OFFICIAL].map({side: number for number, side in enumerate(SIDES)}).astype("float64")
    return rank.groupby(group).transform("min").map(dict(enumerate(SIDES))).astype("str")


def _group_keys(tracks: pd.DataFrame, kind: str) -> pd.Series[str]:
    """Name each track's work, or its album where the artist has enough of them; a track with neither stands alone."""
    keys = work_keys(tracks["artist"], tracks["work"].fillna(tracks["title"]), "track:" + tracks["track_id"])
    if kind == "album":
        artist = _normalised(tracks["artist"]).fillna("")
        album = _normalised(tracks["album"])
        albums = album.groupby(artist).transform("nunique")
        keys = keys.mask(album.notna() & (albums >= MIN_ALBUMS), "album:" + artist + "/" + album)
    return keys


def work_keys(artist: pd.Series[str], work: pd.Series[str], alone: pd.Series[str]) -> pd.Series[str]:
    """Name each track's work by its artist and title; a track without one is `alone`."""
    title = _normalised(work)
    return ("work:" + _normalised(artist).fillna("") + "/" + title).where(title.notna() & (title != ""), alone)


def _recordings(track_ids: pd.Series[str], duplicates: pd.DataFrame) -> pd.Series[str]:
    """Name each track after the first of all the tracks that pairs of near-duplicates tie it to."""
    ends = pd.concat([duplicates["track_id"], duplicates["other_track_id"]]).to_numpy()
    position = pd.Index(track_ids).get_indexer(pd.Index(ends)).reshape(2, -1)
    links = coo_array((np.ones(position.shape[1], dtype=np.int8), tuple(position)), shape=(len(track_ids),) * 2)
    _, component = connected_components(links, directed=False)
    return track_ids.groupby(component).transform("min")


def _normalised(texts: pd.Series[str]) -> pd.Series[str]:
    """Normalise a column; of one without any text, `map` alone would make a column of numbers."""
    return texts.map(_normalise, na_action="ignore").astype("str")


def _normalise(text: str) -> str:
    """Fold case, accents and punctuation, so that spellings of one title meet."""
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(character for character in plain if not unicodedata.combining(character))
    return re.sub(r"\W+", " ", plain.casefold()).strip()


def _unite(keys: pd.DataFrame) -> list[str]:
    """Join tracks that share any key, and name each joined group after the smallest of its `group` keys."""
    long = keys.melt(ignore_index=False, value_name="key").dropna(subset="key")
    track = pd.Series(np.arange(len(keys)), index=keys.index).loc[long.index].to_numpy()
    key, names = pd.factorize(long["key"])
    size = len(keys) + len(names)
    links = coo_array((np.ones(len(long), dtype=np.int8), (track, key + len(keys))), shape=(size, size))
    _, component = connected_components(links, directed=False)
    mine = pd.Series(component[: len(keys)], index=keys.index)
    return keys["group"].groupby(mine).transform("min").tolist()
