"""Which excerpts of which pieces become clips, and on which instruments: a matter of stable hashes alone.

The first n candidates of an artist are taken, in an order that no count changes: a higher count only adds. Pieces
without an excerpt drop out, and the next candidate moves up.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from soundatlas.errors import ParamsError
from soundatlas.sources.demo_piece import stable_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from soundatlas.sources.demo_piece import Piece

INBOX_PART = 8  # one work in eight, and at least one, is kept for the inbox and never enters the catalogue
TUNE_BOOKS = ("aird", "ryan")  # they share tunes: a tune that is kept for the inbox is kept in both
INBOX_ONLY = ("oneill",)


@dataclass(frozen=True)
class Ensemble:
    """General MIDI programs, counted from 0, from the highest part to the lowest."""

    programs: tuple[int, ...]
    acousticness: float  # 1 acoustic instruments, 0 a synthesiser


ENSEMBLES = {
    "accordion": Ensemble((21,), 1.0),
    "brass": Ensemble((56, 56, 60, 57), 1.0),  # trumpets, horn, trombone
    "choir": Ensemble((52,), 1.0),
    "guitar": Ensemble((24,), 1.0),
    "harpsichord": Ensemble((6,), 1.0),
    "organ": Ensemble((19,), 1.0),
    "piano": Ensemble((0,), 1.0),
    "strings": Ensemble((40, 40, 41, 42), 1.0),  # violins, viola, cello
    "synthesiser": Ensemble((80, 81), 0.0),  # square and saw leads
    "woodwinds": Ensemble((73, 68, 71, 70), 1.0),  # flute, oboe, clarinet, bassoon
}


@dataclass(frozen=True)
class Clip:
    """One clip to render: the `excerpt`-th excerpt of a piece, played by an ensemble."""

    piece: Piece
    excerpt: int
    ensemble: str

    @property
    def source_id(self) -> str:
        """What the source calls the clip: corpus path and excerpt."""
        return f"{self.piece.piece_id}#{self.excerpt}"


@dataclass(frozen=True)
class Choice:
    """The clips of one artist on one side, and what still has to be parsed before the choice is final."""

    clips: list[Clip]
    unparsed: list[Piece]
    looked_at: list[Piece]  # pieces whose excerpts took part, in the order of candidates


def candidates(pieces: Iterable[Piece], side: str) -> dict[str, list[Piece]]:
    """Return the pieces of each artist in the order in which they are taken.

    Different works come before second pieces of a work, and genres take turns.

    Args:
        pieces: of all artists.
        side: "clips" or "inbox_clips": they never share a work.
    """
    pieces = list(pieces)
    kept = reserved_works(pieces)
    found: dict[str, list[Piece]] = {}
    for piece in pieces:
        for_inbox = piece.artist in INBOX_ONLY or (_pool(piece.artist), piece.work) in kept
        if for_inbox == (side == "inbox_clips"):
            found.setdefault(piece.artist, []).append(piece)
    return {artist: _in_turn(found[artist]) for artist in sorted(found)}


def reserved_works(pieces: Iterable[Piece]) -> set[tuple[str, str]]:
    """Return (pool of artists, work) of the works that are kept for the inbox: whatever the counts, the same ones."""
    works: dict[str, set[str]] = {}
    for piece in pieces:
        works.setdefault(_pool(piece.artist), set()).add(piece.work)
    return {
        (pool, work)
        for pool, names in works.items()
        for work in sorted(names, key=lambda name: stable_hash("inbox", name))[: max(1, len(names) // INBOX_PART)]
    }


def _pool(artist: str) -> str:
    """Return the group of artists that can have works in common."""
    return "tunes" if artist in TUNE_BOOKS else artist


def _in_turn(pieces: list[Piece]) -> list[Piece]:
    """Order pieces by (how many of their work came before, how many of their genre did, hash)."""
    pieces = sorted(pieces, key=lambda piece: stable_hash("order", piece.piece_id))
    of_work: Counter[str] = Counter()
    of_genre: Counter[tuple[int, str]] = Counter()
    keys = {}
    for piece in pieces:
        earlier = of_work[piece.work]
        keys[piece.piece_id] = (earlier, of_genre[earlier, piece.genre], stable_hash("turn", piece.piece_id))
        of_work[piece.work] += 1
        of_genre[earlier, piece.genre] += 1
    return sorted(pieces, key=lambda piece: keys[piece.piece_id])


def choose(
    order: list[Piece], excerpts: Callable[[Piece], int | None], wanted: int, *, parameter: str, seconds: float
) -> Choice:
    """Take the first `wanted` excerpts: one of each piece in order, then the second ones, and so on.

    Args:
        order: candidates of one artist.
        excerpts: gives a piece's number of excerpts, or nothing while it is not parsed: it then counts as enough.
        wanted: number of clips.
        parameter: that asks for them, such as "clips.bach".
        seconds: length of a clip, for the message.

    Raises:
        ParamsError: when there are fewer; it names the parameter and the most there are.
    """
    chosen: list[tuple[Piece, int]] = []
    known: dict[str, int | None] = {}
    looked_at: list[Piece] = []
    excerpt, left = 0, order
    while len(chosen) < wanted and left:
        more = []
        for piece in left:
            if len(chosen) == wanted:
                break
            if excerpt == 0:
                looked_at.append(piece)
                known[piece.piece_id] = excerpts(piece)
            count = known[piece.piece_id]
            if count is None or count > excerpt:
                chosen.append((piece, excerpt))
                more.append(piece)
        excerpt, left = excerpt + 1, more
    if len(chosen) < wanted:
        raise ParamsError(
            f"catalog.sources.{parameter} is {wanted}: there are at most {len(chosen)} clips of {seconds:g} s"
        )
    ensembles = spread_ensembles([piece for piece, _ in chosen], parameter)
    clips = [Clip(piece, excerpt, ensemble) for (piece, excerpt), ensemble in zip(chosen, ensembles, strict=True)]
    return Choice(clips, [piece for piece in looked_at if known[piece.piece_id] is None], looked_at)


def spread_ensembles(pieces: list[Piece], seed: str) -> list[str]:
    """Return who plays each clip, so that the instruments say nothing about artist, genre or album.

    Each ten clips of an artist are played by the ten ensembles, once each. Among those that are left in the ten, a
    clip gets the one that its genre, then its album, had least often; a hash decides ties. What a clip gets depends
    on the clips before it only, so a higher count changes none.

    Args:
        pieces: one per clip of an artist, in the order of the clips.
        seed: of the ties.
    """
    heard: Counter[tuple[str, str]] = Counter()
    spread = []
    left: list[str] = []
    for rank, piece in enumerate(pieces):
        left = left or list(ENSEMBLES)
        ties = {name: stable_hash("ensemble", seed, rank, name) for name in left}
        best = min(left, key=lambda name: (heard[piece.genre, name], heard[piece.album, name], ties[name]))
        left.remove(best)
        heard.update([(piece.genre, best), (piece.album, best)])
        spread.append(best)
    return spread
