"""Text that was read in another encoding than it was written in: mended where that is sure, otherwise flagged."""

from __future__ import annotations

import re
import unicodedata

import ftfy
from ftfy.badness import is_bad

AS_IT_IS, MENDED, DOUBTFUL = "as it is", "mended", "doubtful"
CYRILLIC = ("cp1251", "koi8-r")  # what Windows and Unix wrote into tags that say Latin-1
MIN_LETTERS = 4  # a shorter word in capitals with accents could be anything
LONGEST = 500  # characters that are kept
CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


def mend_text(text: str) -> tuple[str, str]:
    """Return a tag's text, in one line, and whether it is `AS_IT_IS`, `MENDED` or `DOUBTFUL`.

    UTF-8 that was read as Latin-1 or Windows-1252 gives sequences that nobody writes, which ftfy undoes. Cyrillic that
    was read as Latin-1 gives words of accented letters alone, which no language has; it is undone when just one of the
    two Cyrillic code pages makes of it words in which capitals stand where they can.
    """
    found = ftfy.fix_encoding(text)
    verdict = AS_IT_IS if found == text else MENDED
    if (cyrillic := _as_cyrillic(found)) is not None:
        found, verdict = cyrillic, MENDED
    elif _is_doubtful(found):
        found, verdict = text, DOUBTFUL
    line = " ".join(CONTROLS.sub(" ", unicodedata.normalize("NFC", found)).split())
    return line[:LONGEST], verdict


def _as_cyrillic(text: str) -> str | None:
    """Return the Cyrillic text that was read as Latin-1, or None where there is no telling."""
    words = [word for word in re.findall(r"[^\W\d_]+", text) if not word.isascii()]
    if sum(map(len, words)) < MIN_LETTERS or not all(_is_accented(word) for word in words):
        return None
    try:
        written = text.encode("cp1252")
    except UnicodeEncodeError:
        try:
            written = text.encode("latin-1")
        except UnicodeEncodeError:
            return None
    readings = [reading for page in CYRILLIC if (reading := _read(written, page)) is not None]
    return readings[0] if len(readings) == 1 else None


def _is_accented(word: str) -> bool:
    """Whether a word is of letters of the upper half of Latin-1 alone."""
    return all("\xc0" <= letter <= "\xff" for letter in word)


def _read(written: bytes, page: str) -> str | None:
    try:
        text = written.decode(page)
    except UnicodeDecodeError:
        return None
    words = [word for word in re.findall(r"[^\W\d_]+", text) if not word.isascii()]
    fits = all(
        (word.islower() or word.isupper() or word.istitle()) and all("Ѐ" <= letter <= "ӿ" for letter in word)
        for word in words
    )
    return text if fits else None


def _is_doubtful(text: str) -> bool:
    """Whether a text holds what hardly anybody writes, and there is no telling what was meant."""
    odd = [word for word in re.findall(r"[^\W\d_]+", text) if len(word) >= MIN_LETTERS and _is_accented(word)]
    return bool(odd) or "\ufffd" in text or bool(re.search(r"[\x80-\x9f]", text)) or is_bad(text)
