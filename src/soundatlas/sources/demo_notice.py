"""The rights notice that a score's file carries."""

from __future__ import annotations

import codecs
import html
import re
import zipfile
from typing import TYPE_CHECKING

from soundatlas.errors import TrackError

if TYPE_CHECKING:
    from pathlib import Path

TEXT = re.compile(r"<(?:credit-words|rights|words)\b[^>]*>([^<]+)<")
SPEAKS_OF_RIGHTS = re.compile(
    r"©|copyright|licen[cs]e|permission|public domain|reserved|orpheus|edizioni", re.IGNORECASE
)
RESERVES_RIGHTS = re.compile(r"reserved|orpheus|edizioni", re.IGNORECASE)


def read_notice(file: Path) -> str:
    """Return what a MusicXML file prints about rights, in its words; nothing where it says nothing, and for ABC.

    Raises:
        TrackError: with reason "no_score" when the notice reserves the rights: the score is not used.
    """
    if file.suffix not in {".mxl", ".xml"}:
        return ""
    texts = (" ".join(html.unescape(text).split()) for text in TEXT.findall(_decode(_read(file))))
    notice = ", ".join(dict.fromkeys(text for text in texts if SPEAKS_OF_RIGHTS.search(text)))
    if RESERVES_RIGHTS.search(notice):
        raise TrackError("no_score", f"the edition's rights are reserved: {notice}")
    return notice


def _read(file: Path) -> bytes:
    """Return the score within a compressed file, or the file itself."""
    if not zipfile.is_zipfile(file):
        return file.read_bytes()
    with zipfile.ZipFile(file) as archive:
        names = [name for name in archive.namelist() if name.endswith(".xml") and not name.startswith("META-INF")]
        return archive.read(names[0]) if names else b""


def _decode(content: bytes) -> str:
    """Decode UTF-16, which some of the corpus' files are in, or UTF-8."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace")
    if content[1:2] == b"\0":
        return content.decode("utf-16-le", errors="replace")
    return content.decode("utf-8", errors="replace")
