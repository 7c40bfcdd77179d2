"""Which pieces of the music21 corpus the demo catalogue may take, with their titles, years and credits.

Rights, part by part, as the corpus' files state them. All compositions are in the public domain. Used: chorales, most
of whose files credit Margaret Greentree "used by permission" (`demo_notice` reads each file's words), quartets,
Ciconia's works in the trecento part, Monteverdi's third and fourth book, and the tune books, whose transcribers are
credited. Left out: Palestrina ("rights to all derivative electronic formats reserved"), the Essen folk songs
(non-commercial), Bach's three .krn files, the lead sheets, and the whole of Monteverdi's fifth book, whose eight files
all carry the notice "Ut Orpheus Edizioni".
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from soundatlas.errors import NotReadyError
from soundatlas.sources.demo_piece import Piece, Tempo
from soundatlas.sources.demo_quartets import CREDIT, HALF, QUARTER, list_quartet_movements
from soundatlas.sources.demo_tunes import list_tunes

INSTALL = "run `make setup` or `pip install 'soundatlas[demo]'`"

ARTISTS = {
    "aird": "James Aird",
    "bach": "Johann Sebastian Bach",
    "beethoven": "Ludwig van Beethoven",
    "ciconia": "Johannes Ciconia",
    "haydn": "Joseph Haydn",
    "monteverdi": "Claudio Monteverdi",
    "mozart": "Wolfgang Amadeus Mozart",
    "oneill": "Francis O'Neill",
    "ryan": "William Bradbury Ryan",
}

# Bach's four-part chorales, edited by Kirnberger and C. P. E. Bach for Breitkopf: last number and year of each part.
BREITKOPF_PARTS = ((96, "I", 1784), (194, "II", 1785), (283, "III", 1786), (371, "IV", 1787))
CHORALE_TEMPO = Tempo(76, QUARTER)

MADRIGAL_BOOKS = {
    3: ("Il terzo libro de madrigali a cinque voci", 1592),
    4: ("Il quarto libro de madrigali a cinque voci", 1603),
}
MADRIGAL_TITLES = {(3, 8): "Vattene pur, crudel"}  # the corpus' analysis gives it the title of IV, 9
MADRIGAL_TEMPO = Tempo(60, HALF)

CICONIA_ALBUM = "Polyphonic Music of the Fourteenth Century XXIV: The Works of Johannes Ciconia"
CICONIA_DOUBTFUL = {20, 21}  # "opus dubium" in the edition itself
CICONIA_YEAR = 1405  # the middle of his years in Padua, 1401-1412, where most of the dated works were written
CICONIA_TEMPO = Tempo(112, QUARTER)


def corpus_folder() -> Path:
    """Return the folder of the scores that music21 brings along, without importing music21.

    Raises:
        NotReadyError: when music21 is not installed, or was installed without its corpus.
    """
    spec = find_spec("music21")
    if spec is None or spec.origin is None:
        raise NotReadyError(f"the demo catalogue needs the package music21: {INSTALL}")
    folder = Path(spec.origin).parent / "corpus"
    if not (folder / "bach").is_dir():
        raise NotReadyError(f"this music21 has no corpus in {folder}: {INSTALL}")
    return folder


def list_pieces(corpus: Path) -> list[Piece]:
    """Return every piece that the demo catalogue may take, of all artists; nothing is parsed."""
    return [
        *list_quartet_movements(),
        *_chorales(corpus),
        *_madrigals(corpus),
        *_ciconia(corpus),
        *list_tunes(corpus),
    ]


def _chorales(corpus: Path) -> list[Piece]:
    """List Bach's chorales. Settings of one hymn are one work, so that a tune never lies on two sides of a split."""
    hymns = _breitkopf_numbers(corpus)
    found = []
    for path in sorted((corpus / "bach").glob("bwv*.mxl"), key=lambda path: path.name):
        bwv = path.stem.removeprefix("bwv")
        if bwv == "846" or bwv.endswith("-inst"):  # a keyboard prelude; a chorale that is there without instruments
            continue
        number, hymn = hymns.get(bwv, (None, None))
        part = next((part for part in BREITKOPF_PARTS if number is not None and number <= part[0]), None)
        found.append(
            Piece(
                artist="bach",
                path=f"bach/{path.name}",
                album=f"Vierstimmige Choralgesänge, part {part[1]}" if part else "Chorales outside the 1784 edition",
                work=f"Chorale: {hymn}" if hymn else f"Chorale BWV {re.split('[-]', bwv)[0]}",
                title=f"{hymn} (BWV {bwv})" if hymn else f"Chorale BWV {bwv}",
                genre="chorale",
                genre_provenance="corpus",
                year=part[2] if part else None,
                year_provenance="collection date",
                tempo=CHORALE_TEMPO,
                credit=CREDIT,
            )
        )
    return found


def _breitkopf_numbers(corpus: Path) -> dict[str, tuple[int, str]]:
    """Read BWV -> (number in Breitkopf's edition, hymn) from the list in the corpus' `chorales.py`.

    The list is text inside a module: reading it takes a millisecond, importing the module takes a second.
    """
    text = (corpus / "chorales.py").read_text(encoding="utf-8")
    lines = re.findall(r"^\s*'*(\d+)---\|\|---(\S+?)---\|\|---(.+?)---\|\|---", text, re.MULTILINE)
    hymns = {bwv: hymn.replace("’", "'") for _, bwv, hymn in lines}  # noqa: RUF001 - both apostrophes occur
    return {bwv: (int(number), hymns[bwv]) for number, bwv, _ in reversed(lines)}  # a repeated chorale: its first


def _madrigals(corpus: Path) -> list[Piece]:
    """List Monteverdi's madrigals; titles are those of the corpus' analyses."""
    found = []
    for book, (album, year) in MADRIGAL_BOOKS.items():
        for number in range(1, 21):
            stem = f"monteverdi/madrigal.{book}.{number}"
            analysis = (corpus / f"{stem}.rntxt").read_text(encoding="utf-8")
            heading = re.search(r"^Title:\s*(.+?)\s*$", analysis, re.MULTILINE)
            title = MADRIGAL_TITLES.get((book, number)) or (heading[1] if heading else f"no. {number}")
            found.append(
                Piece(
                    artist="monteverdi",
                    path=f"{stem}.mxl",
                    album=album,
                    work=f"{album}: {number}",
                    title=title,
                    genre="madrigal",
                    genre_provenance="corpus",
                    year=year,
                    year_provenance="collection date",
                    tempo=MADRIGAL_TEMPO,
                    credit=CREDIT,
                )
            )
    return found


def _ciconia(corpus: Path) -> list[Piece]:
    """List Ciconia's works in the trecento part; titles are those of the files' names."""
    found = []
    for path in sorted((corpus / "trecento").glob("PMFC_24_*.xml"), key=lambda path: path.name):
        number, _, name = path.stem.removeprefix("PMFC_24_").partition("-")
        if int(number) in CICONIA_DOUBTFUL:
            continue
        title = re.sub(r" Ciconia \d+$", "", name.replace("_", " ")).replace("- ", " / ").replace("-", " / ")
        found.append(
            Piece(
                artist="ciconia",
                path=f"trecento/{path.name}",
                album=CICONIA_ALBUM,
                work=f"Ciconia: PMFC XXIV, {number}",
                title=f"{title} (PMFC XXIV, {number})",
                genre="medieval polyphony",
                genre_provenance="corpus",
                year=CICONIA_YEAR,
                year_provenance="estimate",
                tempo=CICONIA_TEMPO,
                credit=CREDIT,
            )
        )
    return found
