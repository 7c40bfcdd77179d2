"""What a file's own tags say, whichever of the tag formats it has, through mutagen."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import mutagen
from mutagen.id3 import ID3
from mutagen.mp4 import MP4Tags

from soundatlas.sources.mojibake import AS_IT_IS, DOUBTFUL, MENDED, mend_text
from soundatlas.sources.rows import TEMPI_BPM

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Column -> names of the tag, best first, in ID3 (as mutagen's keys), in MP4, and in Vorbis comments and APE.
NAMES: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "artist": (("TPE1", "TPE2"), ("\xa9ART", "aART"), ("artist", "albumartist")),
    "album": (("TALB",), ("\xa9alb",), ("album",)),
    "title": (("TIT2",), ("\xa9nam",), ("title",)),
    "work": (("TXXX:WORK",), ("\xa9wrk",), ("work",)),
    "genre": (("TCON",), ("\xa9gen",), ("genre",)),
    "year": (
        ("TDOR", "TORY", "TDRC", "TYER", "TDRL"),
        ("\xa9day",),
        ("originaldate", "originalyear", "date", "year"),
    ),
    "isrc": (("TSRC",), ("----:com.apple.iTunes:ISRC",), ("isrc",)),
    "tempo_bpm": (("TBPM",), ("tmpo",), ("bpm",)),
    "licence": (("WCOP", "TCOP"), ("cprt",), ("license", "licence", "copyright")),
}
YEAR = re.compile(r"(?<!\d)(1\d{3}|20\d{2})(?!\d)")
ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}\d{7}")
LARGEST_TAG_CHARACTERS = 10_000  # a longer one is no name


@dataclass
class Tags:
    """What a file's tags say.

    Attributes:
        values: column of `tables.TRACKS` -> text, or a number of years or beats; what is missing is absent.
        provenance: column -> "tag", "tag, encoding mended" or "tag, encoding doubtful".
    """

    values: dict[str, str | float] = field(default_factory=dict)
    provenance: dict[str, str] = field(default_factory=dict)


PROVENANCES = {AS_IT_IS: "tag", MENDED: "tag, encoding mended", DOUBTFUL: "tag, encoding doubtful"}


def read_tags(path: Path) -> Tags:
    """Read a file's tags; a file without any, or with broken ones, has none."""
    tags = Tags()
    try:
        found = mutagen.File(path)
    except Exception:  # noqa: BLE001 - mutagen meets untrusted bytes; a file whose tags cannot be read has no tags
        return tags
    for column in NAMES if found is not None and found.tags is not None else ():
        for text in _texts(found.tags, column):
            value, verdict = _parse(column, text)
            if value is not None:
                tags.values[column] = value
                tags.provenance[column] = PROVENANCES[verdict]
                break
    return tags


def parse_year(text: str) -> float | None:
    """Return the year in a date such as 1969-09-26, 26.9.1969 or ℗ 1969, or None where there is none."""
    found = YEAR.search(text)
    return float(found[1]) if found else None


def parse_isrc(text: str) -> str | None:
    """Return an ISRC in its plain form, or None where it is none."""
    plain = re.sub(r"[\s-]", "", text).upper().removeprefix("ISRC")
    return plain if ISRC.fullmatch(plain) else None


def _parse(column: str, text: str) -> tuple[str | float | None, str]:
    """Return a tag's value, or None where it is none, and what `mend_text` says of it."""
    match column:
        case "year":
            return parse_year(text), AS_IT_IS
        case "isrc":
            return parse_isrc(text), AS_IT_IS
        case "tempo_bpm":
            return _parse_tempo(text), AS_IT_IS
    mended, verdict = mend_text(text)
    return mended or None, verdict


def _parse_tempo(text: str) -> float | None:
    try:
        tempo = float(text)
    except ValueError:
        return None
    return tempo if TEMPI_BPM[0] <= tempo <= TEMPI_BPM[1] else None


def _texts(tags: Any, column: str) -> Iterator[str]:
    """Give what the tags say of a column, best name first; of several artists or genres, the first."""
    id3, mp4, comments = NAMES[column]
    kind = id3 if isinstance(tags, ID3) else mp4 if isinstance(tags, MP4Tags) else comments
    for name in kind:
        try:
            value = tags[name]
        except KeyError:
            continue
        yield from (text for text in _as_texts(value, column) if text and len(text) <= LARGEST_TAG_CHARACTERS)


def _as_texts(value: Any, column: str) -> Iterator[str]:
    if column == "genre" and hasattr(value, "genres"):
        yield from value.genres  # ID3's numbers in words
    elif hasattr(value, "url"):
        yield str(value.url)
    else:
        values = value if isinstance(value, list) else getattr(value, "text", None) or [value]
        for one in values:
            yield one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one)
