"""Contact sheets: which tracks are on them, and what stands beneath."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from soundatlas.audio.thumbnails import colour_table
from soundatlas.learning.contact_sheet import (
    HEADER_HEIGHT,
    MOST_CLASSES,
    NAME_WIDTH,
    TEST_TRACKS,
    THUMBNAIL_HEIGHT,
    THUMBNAIL_WIDTH,
    TRACKS_PER_CLASS,
    Card,
    ClassRow,
    class_rows,
    draw_contact_sheet,
    write_contact_sheet,
)
from soundatlas.learning.lettering import DPI
from soundatlas.lineage.holding import Traces

HOSTILE = ["$\\frac{$", "a\nb\x1b[31m", "\u1abe 雪 \udcff", "$" * 200, "", "word " * 90]


def tracks(side: str, genres: list[str | None]) -> pd.DataFrame:
    """Return tracks of a side."""
    numbers = range(len(genres))
    return pd.DataFrame(
        {
            "track_id": [f"{side}:{number}" for number in numbers],
            "audio_sha256": [f"{(number * 7919) % 1000:03d}{side}" for number in numbers],
            "path": [f"music/{side} {number}.mp3" for number in numbers],
            "title": [f"{side} {number}" if number % 2 else None for number in numbers],
            "genre": genres,
        }
    )


def log_mel_of(_sha: str) -> np.ndarray:
    """Return a log-mel that is bright above and dark below."""
    log_mel = np.full((300, 128), -90, np.float32)
    log_mel[:, 64:] = -10
    return log_mel


def test_every_class_has_its_row_with_test_tracks_first() -> None:
    """At most three test tracks, then training tracks; a class without a label is none; names stand in order."""
    train, test = tracks("train", ["reel"] * 9 + ["air"] * 2 + [None]), tracks("test", ["reel"] * 4 + ["air"])
    said = {"test:0": "reel", "test:1": "air", "test:2": "reel", "test:3": "reel", "test:4": "air"}
    air, reel = class_rows("genre", train, test, said)
    assert (air.name, air.tracks, len(air.cards)) == ("air", 3, 3)
    assert (reel.name, reel.tracks, len(reel.cards)) == ("reel", 13, TRACKS_PER_CLASS)
    assert [card.said is None for card in reel.cards] == [False] * TEST_TRACKS + [True] * 3
    assert all(card.right == (card.said == "reel") for card in reel.cards)


def test_titles_are_tags_or_file_names() -> None:
    """A track without a title is called as its file."""
    (row,) = class_rows("genre", tracks("train", ["air", "air"]), tracks("test", []), {})
    assert {card.title for card in row.cards} == {"train 0", "train 1"}


def test_test_tracks_fill_up_where_training_tracks_lack() -> None:
    """A class of test tracks alone has more than three of them, each once."""
    (row,) = class_rows("genre", tracks("train", []), tracks("test", ["air"] * 5), {"test:0": "air"})
    assert len({card.audio_sha256 for card in row.cards}) == len(row.cards) == 5


def test_the_choice_depends_on_the_tracks_alone() -> None:
    """Tracks in another order give the same sheet."""
    train, test = tracks("train", ["reel", "air"] * 20), tracks("test", ["air", "reel"] * 10)
    shuffled = [part.sample(frac=1, random_state=1) for part in (train, test)]
    assert class_rows("genre", train, test, {}) == class_rows("genre", *shuffled, {})


def test_the_largest_classes_are_shown() -> None:
    """Of many classes, those with the most tracks have a row."""
    genres = [f"g{number:03d}" for number in range(60)]
    rows = class_rows("genre", tracks("train", [*genres, *genres[20:]]), tracks("test", []), {})
    assert [row.name for row in rows] == genres[20:]
    assert len(rows) == MOST_CLASSES


def test_thumbnails_lie_where_they_belong(tmp_path) -> None:
    """The picture of a track has its colours, low bands at the bottom, and is as large as every other."""
    rows = [ClassRow("air", 2, [Card("one", "a", "air", right=True), Card("two", "b", None, right=False)])]
    write_contact_sheet(tmp_path / "a.png", "genre", rows, log_mel_of)
    pixels = np.asarray(Image.open(tmp_path / "a.png").convert("RGB"))
    thumbnail = pixels[HEADER_HEIGHT:, NAME_WIDTH:][:THUMBNAIL_HEIGHT, :THUMBNAIL_WIDTH]
    half = THUMBNAIL_HEIGHT // 2
    assert (thumbnail[: half - 1] == colour_table()[255]).all()
    assert (thumbnail[half + 1 :] == colour_table()[0]).all()
    assert (pixels[:, -5:] == 255).all()


def test_words_say_what_the_model_calls_a_test_track() -> None:
    """Right, wrong and not asked are told apart in words, not by colour alone."""
    cards = [
        Card("one", "a", "air", right=True),
        Card("two", "b", "hornpipe", right=False),
        Card("3", "c", None, right=False),
    ]
    texts = {text.get_text() for text in draw_contact_sheet("genre", [ClassRow("air", 9, cards)], log_mel_of).texts}
    assert {"What each genre looks like", "air", "9 tracks", "one", "heard rightly"} <= texts
    assert {"heard as hornpipe", "training track"} <= texts


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_is_drawn_as_text(name, tmp_path) -> None:
    """No class and no title is set as a formula, or stops the drawing."""
    rows = [ClassRow(name, 1, [Card(name, "a", name, right=False)])]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_contact_sheet(tmp_path / "a.png", "$genre", rows, log_mel_of)
    assert Image.open(tmp_path / "a.png").size[1] > HEADER_HEIGHT


def test_no_word_runs_over_a_picture_or_another_word() -> None:
    """Names of classes end before the first picture, titles and answers with their picture, whatever their letters."""
    names = ["W" * 16, "MMMM MMMMMMMM " * 4, "\u96ea\u306e" * 12, "i" * 90]
    rows = [ClassRow(name, 1, [Card(name, "a", name, right=False)] * 2) for name in names]
    figure = draw_contact_sheet("W" * 200, rows, log_mel_of)
    figure.set_dpi(DPI)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        FigureCanvasAgg(figure).draw()
        extents = [text.get_window_extent() for text in figure.texts]
    below = [extent for extent in extents if extent.y1 <= figure.bbox.height - HEADER_HEIGHT + 1]
    assert len(below) == len(names) * 6
    assert max(extent.x1 for extent in extents) <= figure.bbox.width
    assert max(extent.x1 for extent in below if extent.x0 < NAME_WIDTH - 1) < NAME_WIDTH
    assert max(extent.width for extent in below if extent.x0 >= NAME_WIDTH - 1) <= THUMBNAIL_WIDTH


def test_a_sheet_can_be_found_by_its_tracks(tmp_path) -> None:
    """Who forgets a track finds the sheets that show it, and no others; equal sheets have equal bytes."""
    shas = ["a" * 64, "b" * 64]
    rows = [ClassRow("air", 2, [Card("one", sha, None, right=False) for sha in shas])]
    for name in ("a.png", "b.png"):
        write_contact_sheet(tmp_path / name, "genre", rows, log_mel_of)
    assert Traces(shas[1], (), ()).are_in(tmp_path / "a.png")
    assert not Traces("c" * 64, (), ()).are_in(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_no_class_is_an_empty_sheet(tmp_path) -> None:
    """A label that no track has gives a sheet with its heading alone."""
    write_contact_sheet(tmp_path / "a.png", "genre", [], log_mel_of)
    assert (tmp_path / "a.png").stat().st_size > 0
