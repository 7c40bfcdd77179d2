"""The tune books of the corpus: Aird's, Ryan's and O'Neill's, read from the headers of their ABC files.

Only headers are read here; the notes are parsed when a tune is chosen.
"""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING

from soundatlas.sources.demo_piece import WHOLE_BAR, Piece, Tempo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Printed dates of the six books: the corpus' own headers of books 1 and 4, and the National Library of Scotland.
AIRD_YEARS = {1: 1778, 2: 1782, 3: 1788, 4: 1794, 5: 1797, 6: 1803}
RYAN_YEAR = 1883  # Ryan's Mammoth Collection, Boston
ONEILL_YEAR = 1903  # O'Neill's Music of Ireland, Chicago

# The `R:` field, folded: clogs are played as hornpipes, flings as strathspeys; slip jigs and slides are jigs.
GENRES = {
    "air": "air",
    "clog": "hornpipe",
    "double jig": "jig",
    "fling": "strathspey",
    "highland fling": "strathspey",
    "hornpipe": "hornpipe",
    "jig": "jig",
    "reel": "reel",
    "slide": "jig",
    "slip jig": "jig",
    "slipjig": "jig",
    "strathspey": "strathspey",
}
USUAL_BPM = {"air": 84.0, "hornpipe": 92.0, "jig": 112.0, "reel": 108.0, "strathspey": 72.0}  # for dancing

MODES = {
    "": "major", "maj": "major", "ion": "major", "m": "minor", "min": "minor", "aeo": "minor",
    "dor": "dorian", "phr": "phrygian", "lyd": "lydian", "mix": "mixolydian", "loc": "locrian",
}  # fmt: skip


def list_tunes(corpus: Path) -> list[Piece]:
    """Return the tunes of the three collections.

    Ryan's and O'Neill's tunes without a dance in `GENRES` are left out, and so are O'Neill's that Aird or Ryan
    have as well: they are new music to a model that learned from the other two.
    """
    aird = [tune for book, year in AIRD_YEARS.items() for tune in _aird(corpus / f"airdsAirs/book{book}.abc", year)]
    ryan = _dances(corpus / "ryansMammoth", "ryan", "Ryan's Mammoth Collection (collected by W. B. Ryan)", RYAN_YEAR)
    known = {tune.work for tune in (*aird, *ryan)}
    oneill = _dances(
        corpus / "oneills1850", "oneill", "O'Neill's Music of Ireland (collected by F. O'Neill)", ONEILL_YEAR
    )
    return _first_of_each([*aird, *ryan, *(tune for tune in oneill if tune.work not in known)])


def _aird(path: Path, year: int) -> Iterator[Piece]:
    """Read one of Aird's books: a mixed collection without dances' names, whose tempi the transcriber gives."""
    volume = path.stem.removeprefix("book")
    for header in _headers(path):
        key, mode = read_key(header.get("K", ""))
        yield Piece(
            artist="aird",
            path=f"airdsAirs/{path.name}",
            number=int(header["X"]),
            album=f"Aird's Selection of Scotch, English, Irish and Foreign Airs, vol. {volume} (collected by J. Aird)",
            work=tune_key(header["T"]),
            title=tune_title(header["T"]),
            genre="air",
            genre_provenance="corpus",
            year=year,
            year_provenance="collection date",
            tempo=read_tempo(header.get("Q", ""), header.get("M", ""), "air"),
            key=key,
            mode=mode,
            credit=f"transcription: {header.get('Z', 'music21 corpus')}",
        )


def _dances(folder: Path, artist: str, album: str, year: int) -> list[Piece]:
    """Read a collection whose files name the dance of each tune."""
    found = []
    for path in sorted(folder.glob("*.abc"), key=lambda path: path.name):
        for header in _headers(path):
            genre = GENRES.get(" ".join(header.get("R", "").casefold().split()))
            if genre is None:
                continue
            key, mode = read_key(header.get("K", ""))
            tune = Piece(
                artist=artist,
                path=f"{folder.name}/{path.name}",
                number=int(header["X"]),
                album=album,
                work=tune_key(header["T"]),
                title=tune_title(header["T"]),
                genre=genre,
                genre_provenance="score",
                year=year,
                year_provenance="collection date",
                tempo=read_tempo("", header.get("M", ""), genre),
                key=key,
                mode=mode,
                credit=f"transcription: {header.get('Z', 'music21 corpus')}",
            )
            found.append(tune)
    return found


def _headers(path: Path) -> Iterator[dict[str, str]]:
    """Read the first field of each letter of every tune in a file, from `X:` to `K:`."""
    content = path.read_bytes()
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    for block in re.split(r"^(?=X:)", text, flags=re.MULTILINE)[1:]:
        header: dict[str, str] = {}
        for line in block.splitlines():
            if field := re.match(r"([A-Za-z]):\s*([^%]*)", line):
                header.setdefault(field[1], field[2].strip().strip('"'))
                if field[1] == "K":
                    break
        if header["X"].isdecimal() and header.get("T"):
            yield header


def _first_of_each(tunes: list[Piece]) -> list[Piece]:
    """Drop a tune whose number occurs twice in its file: only the first can be asked for."""
    return list({tune.piece_id: tune for tune in reversed(tunes)}.values())[::-1]


def tune_title(text: str) -> str:
    """Return a tune's title without the dance that Ryan's transcribers append, and in running order and letters."""
    title = " ".join(re.split(r"\s+--\s+", text)[0].split()).rstrip(" .")
    title = re.sub(r"^(.+), (The|A)$", r"\2 \1", title, flags=re.IGNORECASE)
    return string.capwords(title) if title.isupper() else title


def tune_key(text: str) -> str:
    """Return what two settings of one tune have in common: the title in plain words, without its article."""
    words = re.sub(r"[^\w ]", "", tune_title(text).casefold().replace("-", " ")).split()
    return " ".join(word for word in words if word not in {"the", "a"})


def read_key(text: str) -> tuple[str | None, str | None]:
    """Read an ABC `K:` field, such as "Bb", "Edor", "E Minor": the tonic with "-" for flats, and the mode."""
    match = re.match(r"([A-G])([#b]?)\s*([A-Za-z]*)", text)
    if match is None:
        return None, None
    letters = match[3][:3] if match[3] in {"m", "M"} else match[3][:3].lower()
    mode = MODES.get("" if letters == "M" else letters)
    return (f"{match[1]}{match[2].replace('b', '-')}", mode) if mode else (None, None)


def read_tempo(mark: str, metre: str, genre: str) -> Tempo:
    """Read an ABC `Q:` field, such as "1/2=112"; without one, take the dance's usual speed.

    Dances are counted two to a bar, in threes to the beat where the metre is compound.
    """
    if found := re.match(r"(\d+)/(\d+)\s*=\s*(\d+)", mark):
        return Tempo(float(found[3]), WHOLE_BAR * int(found[1]) / int(found[2]))
    fraction = re.match(r"(\d+)/(\d+)", {"C": "4/4", "C|": "2/2"}.get(metre, metre))
    top, bottom = (int(fraction[1]), int(fraction[2])) if fraction else (4, 4)
    if top % 3 == 0:
        beat_quarters = WHOLE_BAR * (3 if top > 3 or bottom > 4 else 1) / bottom  # noqa: PLR2004 - 3/4 is counted in quarters
    else:
        beat_quarters = WHOLE_BAR * top / bottom / 2
    return Tempo(USUAL_BPM[genre], beat_quarters)
