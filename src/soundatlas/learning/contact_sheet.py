"""A contact sheet: what the classes of a label look like, a row of small log-mels for each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from soundatlas.audio.thumbnails import DEPTH_DB, colour_table, thumbnail_levels
from soundatlas.learning.lettering import DPI, fitted_lines, fitted_text, font_of
from soundatlas.learning.spectrogram_axes import save_png

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from matplotlib.font_manager import FontProperties
    from numpy.typing import NDArray

MOST_CLASSES = 40  # those with the most tracks
TRACKS_PER_CLASS, TEST_TRACKS = 6, 3
THUMBNAIL_WIDTH, THUMBNAIL_HEIGHT = 160, 64  # pixels, as all that follows
CARD_WIDTH, ROW_HEIGHT = 174, 110
NAME_WIDTH, HEADER_HEIGHT, MARGIN = 178, 86, 18
NAME_LINES, GAP = 3, 10
RIGHT, WRONG, QUIET = "#17692b", "#a4161a", "#666666"
FACTS = "Comment"  # the keyword under which a sheet says whose pictures it holds


@dataclass(frozen=True)
class Card:
    """One track on a sheet.

    Attributes:
        title: any text.
        audio_sha256: of its bytes.
        said: what the model calls it; None of a training track.
        right: whether that is its class.
    """

    title: str
    audio_sha256: str
    said: str | None
    right: bool


@dataclass(frozen=True)
class ClassRow:
    """One class: its name, how many test and training tracks it has, and the cards of some of them."""

    name: str
    tracks: int
    cards: Sequence[Card]


def class_rows(head: str, train: pd.DataFrame, test: pd.DataFrame, said: Mapping[str, str]) -> list[ClassRow]:
    """Choose the classes and tracks of a sheet: always the same ones of the same tracks.

    Args:
        head: the label.
        train: rows of `tables.TRACKS`.
        test: likewise; its tracks come first.
        said: track_id of a test track -> what the model calls it.

    Returns:
        the classes with the most tracks, by name; of each at most three test tracks, filled up with training tracks.
    """
    both = pd.concat([test.assign(place=0), train.assign(place=1)]).dropna(subset=head)
    counts = both[head].value_counts()
    kept = sorted(counts.sort_index().sort_values(ascending=False, kind="stable").index[:MOST_CLASSES])
    rows = []
    for name in kept:
        tracks = both[both[head] == name].sort_values(["place", "audio_sha256"], kind="stable")
        first = tracks[tracks["place"] == 0].head(TEST_TRACKS)
        rest = tracks[~tracks["track_id"].isin(first["track_id"])]
        chosen = pd.concat([first, rest.sort_values("place", ascending=False, kind="stable")]).head(TRACKS_PER_CLASS)
        rows.append(ClassRow(name, int(counts[name]), [_card(row, name, said) for row in chosen.to_dict("records")]))
    return rows


def _card(track: Mapping[Any, Any], name: str, said: Mapping[str, str]) -> Card:
    title = track["title"] if isinstance(track["title"], str) else PurePosixPath(str(track["path"])).stem
    answer = said.get(track["track_id"])
    return Card(title, track["audio_sha256"], answer, answer == name)


def write_contact_sheet(
    path: Path, head: str, rows: Sequence[ClassRow], log_mel_of: Callable[[str], NDArray[np.float32]]
) -> None:
    """Draw a sheet into a PNG file, which carries the hashes of its tracks unseen, so that forgetting one finds it.

    Args:
        path: of the file.
        head: the label.
        rows: by `class_rows`.
        log_mel_of: audio SHA-256 -> log-mel of shape (frames, n_mels), dB.
    """
    shas = [card.audio_sha256 for row in rows for card in row.cards]
    facts = "\n".join(f'"audio_sha256": "{sha}"' for sha in shas)
    save_png(draw_contact_sheet(head, rows, log_mel_of), path, facts={FACTS: facts})


def draw_contact_sheet(head: str, rows: Sequence[ClassRow], log_mel_of: Callable[[str], NDArray[np.float32]]) -> Figure:
    """Draw a sheet: one picture of all the thumbnails, and the words upon it."""
    width = NAME_WIDTH + TRACKS_PER_CLASS * CARD_WIDTH + MARGIN
    height = HEADER_HEIGHT + max(1, len(rows)) * ROW_HEIGHT
    canvas = np.full((height, width, 3), 255, dtype=np.uint8)
    figure = Figure(figsize=(width / DPI, height / DPI))
    heading, bold, small, caption = font_of(13, "bold"), font_of(9, "bold"), font_of(8), font_of(7.5)

    def write(x: float, y: float, text: str, font: FontProperties, **style: Any) -> None:
        figure.text(x / width, 1 - y / height, text, fontproperties=font, va="top", **style)

    write(MARGIN, 14, fitted_text(f"What each {head} looks like", width - 2 * MARGIN, heading), heading)
    write(MARGIN, 44, _legend(), small, color=QUIET)
    for number, row in enumerate(rows):
        top = HEADER_HEIGHT + number * ROW_HEIGHT
        lines = fitted_lines(row.name, NAME_WIDTH - MARGIN - GAP, NAME_LINES, bold)
        write(MARGIN, top, "\n".join(lines), bold, linespacing=1.25)
        write(MARGIN, top + 17 * len(lines) + 3, f"{row.tracks} tracks", small, color=QUIET)
        for place, card in enumerate(row.cards):
            left = NAME_WIDTH + place * CARD_WIDTH
            canvas[top : top + THUMBNAIL_HEIGHT, left : left + THUMBNAIL_WIDTH] = _thumbnail(
                log_mel_of(card.audio_sha256)
            )
            words, colour = _verdict(card)
            for line, text, shade in ((4, card.title, "black"), (19, words, colour)):
                fitting = fitted_text(text, THUMBNAIL_WIDTH, caption)
                write(left, top + THUMBNAIL_HEIGHT + line, fitting, caption, color=shade)
    figure.figimage(canvas, 0, 0, origin="upper")
    return figure


def _legend() -> str:
    return (
        f"Log-mels, up to {TRACKS_PER_CLASS} tracks a class, test tracks first: time to the right, low sounds below; "
        f"{DEPTH_DB:g} dB under the loudest is black, and so is silence.\n"
        "The numbers count test and training tracks. Under a test track stands what the model calls it. "
        "Whole tracks are squeezed into one width."
    )


def _thumbnail(log_mel: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return a thumbnail of the sheet's size, colours of shape (height, width, 3); a smaller one is stretched."""
    levels = thumbnail_levels(log_mel, columns=THUMBNAIL_WIDTH, rows=THUMBNAIL_HEIGHT)
    rows = np.arange(THUMBNAIL_HEIGHT) * levels.shape[0] // THUMBNAIL_HEIGHT
    columns = np.arange(THUMBNAIL_WIDTH) * levels.shape[1] // THUMBNAIL_WIDTH
    return colour_table()[levels[np.ix_(rows, columns)]]


def _verdict(card: Card) -> tuple[str, str]:
    """Return the second line under a thumbnail, and its colour."""
    if card.said is None:
        return "training track", QUIET
    if card.right:
        return "heard rightly", RIGHT
    return f"heard as {card.said}", WRONG
