"""One piece of the corpus that excerpts can be taken from, and stable draws from its name."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

WHOLE_BAR = 4.0  # quarters in a whole note


@dataclass(frozen=True)
class Tempo:
    """Beats a minute, and the length of a beat in quarter notes."""

    bpm: float
    beat_quarters: float


@dataclass(frozen=True)
class Piece:
    """A movement, madrigal, chorale or tune: what is known of it without parsing its score.

    Attributes:
        artist: as in `catalog.sources.clips`.
        path: of the score's file within the corpus.
        number: of the tune within its file, where a file holds many.
        bars: first and last bar of the movement, counted from 1, where a file holds several movements.
        album: book, quartet or collection.
        work: the composition. Pieces of one work never lie on two sides of a split.
        title: the real title.
        genre: in the catalogue's vocabulary.
        genre_provenance: "score" where the file says it, "corpus" where the whole part of the corpus is of one genre.
        year: as `year_provenance` says; missing where nothing dates the piece.
        year_provenance: "collection date", "composition date" or "estimate".
        tempo: what it is played at, before the small seeded variation.
        credit: who made the edition or encoding, in the file's words.
        key: tonic as written in the file, such as "B-"; missing where the file gives none.
        mode: "major", "dorian" ..., as `key`.
    """

    artist: str
    path: str
    album: str
    work: str
    title: str
    genre: str
    genre_provenance: str
    year: int | None
    year_provenance: str
    tempo: Tempo
    credit: str
    number: int | None = None
    bars: tuple[int, int] | None = None
    key: str | None = None
    mode: str | None = None

    @property
    def piece_id(self) -> str:
        """The corpus path, and what it takes to find the piece within the file."""
        if self.number is not None:
            return f"{self.path}:{self.number}"
        if self.bars is not None:
            return f"{self.path}:bars{self.bars[0]}-{self.bars[1]}"
        return self.path

    @property
    def slug(self) -> str:
        """A name for files: artist and piece in plain ASCII letters, digits, dots and underscores."""
        name = re.sub(r"\.(mxl|xml|abc)\b", "", self.piece_id.partition("/")[2])
        plain = re.sub(r"[^A-Za-z0-9.]+", "_", name).strip("_.")
        return f"{self.artist}-{plain[:60]}"


def stable_hash(*parts: object) -> str:
    """Return a hexadecimal hash that is the same in every process, folder and Python version."""
    return hashlib.sha256("|".join(str(part) for part in parts).encode()).hexdigest()


def stable_share(*parts: object) -> float:
    """Return a number from 0 to below 1 that depends on nothing but the parts."""
    return int(stable_hash(*parts)[:13], 16) / 16**13
