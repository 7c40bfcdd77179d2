"""A copy of the FMA data set in miniature, laid out and written as its authors do, unpacked or as zip files."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

# The columns of the real `tracks.csv`, in their order.
COLUMNS = {
    "album": "comments date_created date_released engineer favorites id information listens producer tags title tracks "
    "type",
    "artist": "active_year_begin active_year_end associated_labels bio comments date_created favorites id latitude "
    "location longitude members name related_projects tags website wikipedia_page",
    "set": "split subset",
    "track": "bit_rate comments composer date_created date_recorded duration favorites genre_top genres genres_all "
    "information interest language_code license listens lyricist number publisher tags title",
}
HEADER = [(group, name) for group, names in COLUMNS.items() for name in names.split()]
ATTRIBUTES = "acousticness danceability energy instrumentalness liveness speechiness tempo valence"
ECHONEST_HEADER = [
    *[("echonest", "audio_features", name) for name in ATTRIBUTES.split()],
    ("echonest", "metadata", "album_date"),
    ("echonest", "temporal_features", "000"),
]
# What every row has unless it says otherwise: biographies of several lines, lists, numbers.
USUAL = {
    ("album", "date_released"): "2009-01-05 00:00:00",
    ("album", "title"): "AWOL - A Way Of Life",
    ("album", "tags"): "[]",
    ("artist", "bio"): '<p>A biography, with "quotes",\nand several lines</p>',
    ("artist", "name"): "AWOL",
    ("set", "split"): "training",
    ("set", "subset"): "small",
    ("track", "duration"): "168",
    ("track", "genre_top"): "Hip-Hop",
    ("track", "genres"): "[21]",
    ("track", "genres_all"): "[21, 4]",
    ("track", "license"): "Attribution-NonCommercial-ShareAlike 3.0 International",
    ("track", "title"): "Food",
}
CELLS = {
    "artist": ("artist", "name"),
    "album": ("album", "title"),
    "date": ("album", "date_released"),
    "title": ("track", "title"),
    "genre": ("track", "genre_top"),
    "licence": ("track", "license"),
    "split": ("set", "split"),
    "subset": ("set", "subset"),
}


def tracks_csv(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return `tracks.csv`: each row names its `number` and the `CELLS` that are not usual; `cells` cuts it short."""
    lines: list[Sequence[str]] = [
        ["", *[group for group, _ in HEADER]],
        ["", *[name for _, name in HEADER]],
        ["track_id", *[""] * len(HEADER)],
    ]
    for row in rows:
        values = USUAL | {CELLS[name]: value for name, value in row.items() if name in CELLS}
        line = [str(row["number"]), *[values.get(column, "") for column in HEADER]]
        lines.append(line[: row.get("cells", len(line))])
    return _csv(lines)


def echonest_csv(rows: Mapping[int, Sequence[Any]]) -> str:
    """Return `echonest.csv` of some tracks' eight attributes."""
    header = [["", *names] for names in zip(*ECHONEST_HEADER, strict=True)]
    body = [[str(number), *map(str, values), "2009", "0.5"] for number, values in rows.items()]
    return _csv([*header, ["track_id", *[""] * len(ECHONEST_HEADER)], *body])


def _csv(lines: Iterable[Sequence[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()


def mp3(seconds: float, hertz: float = 440.0, sample_rate: int = 16_000) -> bytes:
    """Return an mp3 file of two tones."""
    time = np.arange(int(seconds * sample_rate)) / sample_rate
    samples = 0.3 * np.sin(2 * np.pi * hertz * time) + 0.2 * np.sin(2 * np.pi * 3.1 * hertz * time)
    file = io.BytesIO()
    soundfile.write(file, samples, sample_rate, format="MP3")
    return file.getvalue()


def audio_name(number: int, subset: str = "small") -> str:
    """Return where a track's file lies, as FMA's authors name it."""
    text = f"{number:06d}"
    return f"fma_{subset}/{text[:3]}/{text}.mp3"


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files below a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def write_archives(folder: Path, files: Mapping[str, str | bytes], method: int = zipfile.ZIP_BZIP2) -> None:
    """Write files into a zip file per folder that they lie in, compressed as FMA's are."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in sorted({name.split("/")[0] for name in files}):
        with zipfile.ZipFile(folder / f"{name}.zip", "w", method) as archive:
            archive.mkdir(name)
            for member, content in files.items():
                if member.startswith(f"{name}/"):
                    archive.writestr(member, content)
