"""FMA's tables of several header rows, sound and broken."""

from __future__ import annotations

import io
import math

import fma_folder
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundatlas.errors import NotReadyError
from soundatlas.sources.fma_metadata import (
    ECHONEST_COLUMNS,
    TRACK_COLUMNS,
    YEARS,
    describe_attributes,
    describe_tracks,
    read_table,
    year_of,
)


def _read(text, columns=TRACK_COLUMNS):
    return read_table(io.StringIO(text, newline=""), "tracks.csv", columns, lambda steps=1: None)  # noqa: ARG005


def test_wanted_columns_are_found_by_their_names():
    """Of 52 columns the eight that are wanted come out under our names, past biographies of several lines."""
    table = _read(
        fma_folder.tracks_csv(
            [{"number": 2}, {"number": 134, "artist": "  Бо ", "genre": "", "split": "validation", "subset": "large"}]
        )
    )
    first, second = describe_tracks(table).to_dict("records")
    assert first == {
        "artist": "AWOL",
        "album": "AWOL - A Way Of Life",
        "title": "Food",
        "genre": "Hip-Hop",
        "licence": "Attribution-NonCommercial-ShareAlike 3.0 International",
        "official_split": "train",
        "subset": "small",
        "year": 2009.0,
        "decade": "2000s",
    }
    assert (second["artist"], second["official_split"], second["subset"]) == ("Бо", "validation", "large")
    assert math.isnan(second["genre"])
    assert describe_tracks(table).index.tolist() == [2, 134]


@pytest.mark.parametrize(
    ("date", "year"),
    [
        ("2009-01-05 00:00:00", 2009),
        ("1902-01-01", 1902),
        ("2008", 2008),
        ("11/26/2008 01:44", 2008),
        ("recorded in 1999, released 2001", 1999),
        ("0001-01-01 00:00:00", None),
        ("3011-04-02", None),
        ("20090105", None),
        ("n/a", None),
        ("6/15/09", None),
    ],
)
def test_odd_dates(date, year):
    """A date gives the first year that can be one, in whatever shape it is; otherwise the year is missing."""
    found = year_of(date)
    assert math.isnan(found) if year is None else found == year


@given(st.text())
def test_any_date_gives_a_possible_year_or_none(date):
    """No text makes a year that cannot be."""
    year = year_of(date)
    assert math.isnan(year) or YEARS[0] <= year <= YEARS[1]


def test_broken_rows_are_named():
    """Too few cells, no number, and a number for the second time are faulty rows with their line; others are kept."""
    table = _read(
        fma_folder.tracks_csv(
            [
                {"number": 2},
                {"number": 3, "cells": 20},
                {"number": "x"},
                {"number": 2},
                {"number": -1},
                {"number": 10**7},
            ]
        )
    )
    assert table.numbers == [2]
    assert [row.message.split(" ", 1)[1] for row in table.faulty] == [
        "cells where the header has 53",
        "is no track's number",
        "2 has a row already",
        "is no track's number",
        "is no track's number",
    ]
    assert [row.line for row in table.faulty] == [7, 9, 11, 13, 15]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "no line 'track_id'"),
        ("a,b\nc,d\n", "no line 'track_id'"),
        (",a\n,b\ntrack_id,\n2,x\n", r"lacks the column \('artist', 'name'\)"),
        (f',a\n,b\ntrack_id,\n2,"{"x" * 10_000_001}', "field larger than field limit"),
    ],
)
def test_other_tables_are_refused(text, match):
    """What is not FMA's table is said in one line; a missing quote is found before it swallows the file."""
    columns = {"artist": ("a", "b")} if match.startswith("field") else TRACK_COLUMNS
    with pytest.raises(NotReadyError, match=match):
        _read(text, columns)


def test_attributes_are_numbers_or_missing():
    """Echo Nest's numbers come through; text, infinity, shares above 1 and impossible tempi are missing, not mended."""
    table = _read(
        fma_folder.echonest_csv(
            {
                2: [0.5, 0.25, 0, 1, 0.1, 0.2, 120.5, 0.9],
                3: ["", "x", "inf", "nan", 1.5, -0.1, 0, 0.3],
                5: [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, "inf", 0.5],
                7: [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 401, 0.5],
                9: [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 19.9, 0.5],
            }
        ),
        ECHONEST_COLUMNS,
    )
    attributes = describe_attributes(table)
    assert attributes.loc[2].to_dict() == {
        "acousticness": 0.5,
        "danceability": 0.25,
        "energy": 0.0,
        "instrumentalness": 1.0,
        "liveness": 0.1,
        "speechiness": 0.2,
        "tempo_bpm": 120.5,
        "valence": 0.9,
    }
    assert attributes.loc[3].dropna().to_dict() == {"valence": 0.3}
    assert attributes.loc[[5, 7, 9], "tempo_bpm"].isna().all()


def test_no_row_is_an_empty_table():
    """A table of headers alone has no rows, and the columns all the same."""
    assert describe_tracks(_read(fma_folder.tracks_csv([]))).empty
    assert [*describe_attributes(_read(fma_folder.echonest_csv({}), ECHONEST_COLUMNS))] == [*ECHONEST_COLUMNS]
