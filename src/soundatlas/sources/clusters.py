"""Which listed tracks of several sources are the same track."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from soundatlas.sources.base import SAME_AS
from soundatlas.sources.tags import parse_isrc

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_SECONDS_APART = 2.0  # of two lengths of one recording
CREDITS = re.compile(r"\W*\b(feat|featuring|ft)\b.*", re.IGNORECASE)
SURE = ("same_as", "track_id", "audio_sha256")  # evidence that nothing speaks against


@dataclass(frozen=True)
class Listed:
    """A track as its source lists it: what may tell that it is another one's.

    Attributes:
        source: position of its source in `catalog.sources`.
        track_id: of the listing.
        evidence: (kind, value), strongest first.
        name: artist and title, folded; None where one of them, or the length, is not known.
        seconds: its length.
        heard: there is audio.
    """

    source: int
    track_id: str
    evidence: tuple[tuple[str, str], ...]
    name: tuple[str, str] | None
    seconds: float
    heard: bool


@dataclass
class Cluster:
    """Listed tracks that are one track, in the order of their sources, and by which evidence each joined."""

    members: list[Listed] = field(default_factory=list)
    joined_by: list[str] = field(default_factory=list)

    @property
    def lead(self) -> Listed:
        """Return the first member with audio, or else the first."""
        return next((member for member in self.members if member.heard), self.members[0])

    def takes(self, track: Listed, why: str) -> bool:
        """Whether a track may join: two recordings of one source stay two, whatever they have in common.

        Two excerpts of a piece share a name and a length, and two files may share an ISRC.
        """
        mine = [member for member in self.members if member.source == track.source]
        if not mine or why in SURE:
            return True
        return why == "isrc" and not any(track.heard and member.heard for member in mine)


def find_clusters(tables: Sequence[pd.DataFrame]) -> list[Cluster]:
    """Join the tracks of several sources; the strongest evidence of a track decides which one it joins.

    Args:
        tables: tracks of each source, as in `sources.base.Listing`.
    """
    index = _Index()
    for source, table in enumerate(tables):
        for track in _listed(source, table):
            index.add(track)
    return index.clusters


class _Index:
    """Clusters, found again by what their members have in common with others."""

    def __init__(self) -> None:
        self.clusters: list[Cluster] = []
        self._by_evidence: dict[tuple[str, str], list[Cluster]] = defaultdict(list)
        self._by_name: dict[tuple[str, str], list[tuple[float, Cluster]]] = defaultdict(list)

    def add(self, track: Listed) -> None:
        """Put a track into the cluster that it belongs to, or into one of its own."""
        why, cluster = next(
            ((why, cluster) for why, cluster in self._candidates(track) if cluster.takes(track, why)), ("", None)
        )
        if cluster is None:
            cluster = Cluster()
            self.clusters.append(cluster)
        cluster.members.append(track)
        cluster.joined_by.append(why)
        for key in track.evidence:
            if key[0] != "same_as" and not any(one is cluster for one in self._by_evidence[key]):
                self._by_evidence[key].append(cluster)
        if track.name:
            self._by_name[track.name].append((track.seconds, cluster))

    def _candidates(self, track: Listed) -> Iterator[tuple[str, Cluster]]:
        """Give the clusters that a track has something in common with, and what; strongest evidence first."""
        for kind, value in track.evidence:
            for cluster in self._by_evidence.get(("track_id" if kind == "same_as" else kind, value), ()):
                yield kind, cluster
        for seconds, cluster in self._by_name.get(track.name, ()) if track.name else ():
            if abs(seconds - track.seconds) <= MAX_SECONDS_APART:
                yield "name", cluster


def fold_name(text: str) -> str:
    """Fold case, accents, punctuation and guests, so that spellings of one artist or title meet."""
    plain = unicodedata.normalize("NFKD", CREDITS.sub("", text) or text)
    plain = "".join(character for character in plain if not unicodedata.combining(character))
    return re.sub(r"[\W_]+", " ", plain.casefold()).strip()


def _listed(source: int, table: pd.DataFrame) -> Iterator[Listed]:
    """Give a source's tracks in the order of their ids."""
    wanted = [SAME_AS, "track_id", "audio_sha256", "isrc", "artist", "title", "duration_seconds", "path"]
    ordered = table.reindex(columns=wanted).sort_values("track_id")
    for same_as, track_id, sha, isrc, artist, title, seconds, path in ordered.itertuples(index=False, name=None):
        known = (
            ("same_as", same_as),
            ("track_id", track_id),
            ("audio_sha256", sha),
            ("isrc", None if _missing(isrc) else parse_isrc(str(isrc))),
        )
        yield Listed(
            source=source,
            track_id=track_id,
            evidence=tuple((kind, str(value)) for kind, value in known if not _missing(value)),
            name=None if any(map(_missing, (artist, title, seconds))) else _name(artist, title),
            seconds=seconds,
            heard=not _missing(path),
        )


def _name(artist: str, title: str) -> tuple[str, str] | None:
    name = fold_name(artist), fold_name(title)
    return name if all(name) else None


def _missing(value: Any) -> bool:
    return value is None or bool(pd.isna(value))
