"""The string quartets of the corpus, movement by movement.

Titles and years are those of the composers' work catalogues (Hoboken, Köchel, Kinsky/Halm). Five Beethoven files
hold a whole quartet: their movements are told apart by bars, counted in the file as the corpus has it. The tempo is
a usual one for the movement's heading: the corpus notates metronome marks for almost none of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from soundatlas.sources.demo_piece import Piece, Tempo

CREDIT = "encoding of the music21 corpus, distributed with the encoder's permission"

EIGHTH, QUARTER, DOTTED, HALF, BAR_OF_THREE = 0.5, 1.0, 1.5, 2.0, 3.0  # beats, in quarter notes


@dataclass(frozen=True)
class Quartet:
    """A quartet: its movements are (file within `folder`, bars, heading, beats a minute, beat in quarters)."""

    artist: str
    folder: str
    name: str
    year: int
    year_provenance: str
    movements: tuple[tuple[str, tuple[int, int] | None, str, float, float], ...]


def _files(*headings: tuple[str, float, float]) -> tuple[tuple[str, None, str, float, float], ...]:
    """Name the files of a quartet that has one file per movement."""
    return tuple((f"/movement{number}.mxl", None, *heading) for number, heading in enumerate(headings, 1))


def _bars(*headings: tuple[int, int, str, float, float]) -> tuple[tuple[str, tuple[int, int], str, float, float], ...]:
    """Give the bars of a quartet that is one file."""
    return tuple((".mxl", (first, last), name, bpm, beat) for first, last, name, bpm, beat in headings)


MADE = "composition date"
PRINTED = "collection date"

QUARTETS = (
    Quartet("haydn", "opus1no1", "String Quartet in B-flat major, Op. 1 No. 1", 1764, PRINTED, _files(
        ("Presto", 112, DOTTED),
        ("Menuetto", 126, QUARTER),
        ("Adagio", 52, QUARTER),
        ("Menuetto (second)", 126, QUARTER),
        ("Finale. Presto", 132, QUARTER),
    )),
    Quartet("haydn", "opus74no1", "String Quartet in C major, Op. 74 No. 1", 1793, MADE, _files(
        ("Allegro moderato", 112, QUARTER),
        ("Andantino grazioso", 92, EIGHTH),
        ("Menuetto. Allegretto", 132, QUARTER),
        ("Finale. Vivace", 120, QUARTER),
    )),
    Quartet("mozart", "k80", "String Quartet in G major, K. 80", 1770, MADE, _files(
        ("Adagio", 50, QUARTER),
        ("Allegro", 132, QUARTER),
        ("Menuetto", 126, QUARTER),
        ("Rondeau", 92, HALF),
    )),
    Quartet("mozart", "k155", "String Quartet in D major, K. 155", 1772, MADE, _files(
        ("Allegro", 132, QUARTER),
        ("Andante", 66, QUARTER),
        ("Molto allegro", 132, QUARTER),
    )),
    Quartet("mozart", "k156", "String Quartet in G major, K. 156", 1772, MADE, _files(
        ("Presto", 76, DOTTED),
        ("Adagio", 50, QUARTER),
        ("Tempo di Menuetto", 120, QUARTER),
        ("Adagio (first version of II)", 52, QUARTER),
    )),
    Quartet("mozart", "k458", "String Quartet in B-flat major, K. 458 (The Hunt)", 1784, MADE, _files(
        ("Allegro vivace assai", 104, DOTTED),
        ("Menuetto. Moderato", 112, QUARTER),
        ("Adagio", 50, QUARTER),
        ("Allegro assai", 132, QUARTER),
    )),
    Quartet("beethoven", "opus18no1", "String Quartet in F major, Op. 18 No. 1", 1799, MADE, _files(
        ("Allegro con brio", 144, QUARTER),
        ("Adagio affettuoso ed appassionato", 44, DOTTED),
        ("Scherzo. Allegro molto", 92, BAR_OF_THREE),
        ("Allegro", 116, QUARTER),
    )),
    Quartet("beethoven", "opus18no3", "String Quartet in D major, Op. 18 No. 3", 1799, MADE, _bars(
        (1, 271, "Allegro", 100, HALF),
        (272, 422, "Andante con moto", 92, EIGHTH),
        (423, 594, "Allegro", 80, BAR_OF_THREE),
        (595, 966, "Presto", 132, DOTTED),
    )),
    Quartet("beethoven", "opus18no4", "String Quartet in C minor, Op. 18 No. 4", 1799, MADE, _bars(
        (1, 221, "Allegro ma non tanto", 132, QUARTER),
        (222, 482, "Andante scherzoso quasi Allegretto", 56, DOTTED),
        (483, 583, "Menuetto. Allegretto", 66, BAR_OF_THREE),
        (584, 809, "Allegro", 112, HALF),
    )),
    Quartet("beethoven", "opus18no5", "String Quartet in A major, Op. 18 No. 5", 1799, MADE, _bars(
        (1, 228, "Allegro", 104, DOTTED),
        (229, 337, "Menuetto", 132, QUARTER),
        (338, 489, "Andante cantabile", 100, EIGHTH),
        (490, 793, "Allegro", 112, HALF),
    )),
    Quartet("beethoven", "opus59no1", "String Quartet in F major, Op. 59 No. 1", 1806, MADE, _files(
        ("Allegro", 138, QUARTER),
        ("Allegretto vivace e sempre scherzando", 56, DOTTED),
        ("Adagio molto e mesto", 80, EIGHTH),
        ("Thème russe. Allegro", 116, QUARTER),
    )),
    Quartet("beethoven", "opus59no2", "String Quartet in E minor, Op. 59 No. 2", 1806, MADE, _files(
        ("Allegro", 84, DOTTED),
        ("Molto adagio", 54, QUARTER),
        ("Allegretto", 60, BAR_OF_THREE),
        ("Finale. Presto", 120, HALF),
    )),
    Quartet("beethoven", "opus59no3", "String Quartet in C major, Op. 59 No. 3", 1806, MADE, _files(
        ("Andante con moto. Allegro vivace", 132, QUARTER),
        ("Andante con moto quasi Allegretto", 56, DOTTED),
        ("Menuetto. Grazioso", 116, QUARTER),
        ("Allegro molto", 132, HALF),
    )),
    Quartet("beethoven", "opus74", "String Quartet in E-flat major, Op. 74", 1809, MADE, _bars(
        (1, 262, "Poco Adagio. Allegro", 126, QUARTER),
        (263, 431, "Adagio ma non troppo", 72, EIGHTH),
        (432, 904, "Presto", 100, BAR_OF_THREE),
        (905, 1114, "Allegretto con Variazioni", 84, QUARTER),
    )),
    Quartet("beethoven", "opus132", "String Quartet in A minor, Op. 132", 1825, MADE, _bars(
        (1, 264, "Assai sostenuto. Allegro", 112, QUARTER),
        (265, 510, "Allegro ma non tanto", 138, QUARTER),
        (511, 722, "Heiliger Dankgesang. Molto Adagio", 54, QUARTER),
        (723, 768, "Alla Marcia, assai vivace", 126, QUARTER),
        (769, 1124, "Allegro appassionato", 66, BAR_OF_THREE),
    )),
    Quartet("beethoven", "opus133", "Große Fuge in B-flat major, Op. 133", 1825, MADE, (
        (".mxl", None, "Overtura. Allegro. Fuga", 120, QUARTER),
    )),
)  # fmt: skip
NUMERALS = ("I", "II", "III", "IV", "V")


def list_quartet_movements() -> list[Piece]:
    """Return every movement as a piece and a work of its own; the quartet is its album."""
    return [
        Piece(
            artist=quartet.artist,
            path=f"{quartet.artist}/{quartet.folder}{file}",
            bars=bars,
            album=quartet.name,
            work=f"{quartet.name}: {numeral}",
            title=f"{quartet.name}: {numeral}. {heading}",
            genre="string quartet",
            genre_provenance="corpus",
            year=quartet.year,
            year_provenance=quartet.year_provenance,
            tempo=Tempo(bpm, beat_quarters),
            credit=CREDIT,
        )
        for quartet in QUARTETS
        for numeral, (file, bars, heading, bpm, beat_quarters) in zip(NUMERALS, quartet.movements, strict=False)
    ]
