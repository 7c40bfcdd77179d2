"""`soundatlas similar`: what is meant, and what is near it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from soundatlas.atlas.similar import SIMILAR, SIMILAR_NAME
from soundatlas.files import write_json
from soundatlas.lineage.names import folded
from soundatlas.tables import conform, write_table

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = "[red]x\x1b[31m"
NAMES = (
    ("track", "t:0", "Antonín Dvořák: Humoresque", "Humoresque"),
    ("track", "t:1", "Ann Other: Humoresque", "Humoresque"),
    ("track", "t:2", f"Ann Other: {HOSTILE}", HOSTILE),
    ("file", "f" * 64, "Ann Other: Own music", "Own music"),
    ("artist", "Antonín Dvořák", "Antonín Dvořák", None),
    ("artist", "Ann Other", "Ann Other", None),
    ("artist", "Polka", "Polka", None),
    ("genre", "polka", "polka", None),
    ("genre", "humoresque music", "humoresque music", None),
)
GROUPS = ((0, 1, 2, 3), (4, 5, 6), (7, 8))


@pytest.fixture
def mapped(project: Path) -> Path:
    """Give a project whose map holds some names, each with two neighbours of its kind, or one."""
    import pandas as pd

    rows = []
    for row, (kind, identity, name, title) in enumerate(NAMES):
        others = [other for group in GROUPS if row in group for other in group if other != row][:2]
        near = {
            "neighbours": others,
            "similarities": [0.9, 0.5][: len(others)],
            "reasons": ["shares: polka 0.50", ""][: len(others)],
        }
        rows.append({"kind": kind, "id": identity, "name": name, "title": title, **near})
    write_table(conform(pd.DataFrame(rows), SIMILAR), project / "data/atlas" / SIMILAR_NAME)
    return project


def asked(command, root: Path, *arguments: str) -> dict[str, object]:
    """Return what is meant and found, as JSON."""
    code, out, err = command(root, "similar", *arguments, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


@pytest.mark.parametrize(
    ("arguments", "identity"),
    [
        (("antonin dvorak",), "Antonín Dvořák"),
        (("DVOŘÁK",), "Antonín Dvořák"),
        (("t:1",), "t:1"),
        (("Ann Other: Humoresque",), "t:1"),
        (("own music",), "f" * 64),
        (("Ann Other",), "Ann Other"),
        (("polka",), "Polka"),
        (("polka", "--genre"), "polka"),
        (("music", "--track"), "f" * 64),
        (("music",), "humoresque music"),
    ],
)
def test_what_is_meant(mapped, command, arguments, identity):
    """An id, a name or some of its words, whatever case and diacritics; of several kinds artists first, or as told."""
    assert asked(command, mapped, *arguments)["id"] == identity


def test_neighbours_are_those_of_the_map(mapped, command):
    """The nearest first, with similarity and reason, as many as asked for."""
    told = asked(command, mapped, "dvorak")
    assert [(row["id"], row["similarity"], row["reason"]) for row in told["neighbours"]] == [
        ("Ann Other", 0.9, "shares: polka 0.50"),
        ("Polka", 0.5, ""),
    ]
    assert len(asked(command, mapped, "dvorak", "-k", "1")["neighbours"]) == 1
    assert len(asked(command, mapped, "polka", "--genre", "-k", "5")["neighbours"]) == 1  # there is one other genre


def test_a_table_for_people(mapped, command):
    """In the terminal there is a table; a hostile name is only text."""
    code, out, _ = command(mapped, "similar", "t:1")
    assert code == 0
    assert "track Ann Other: Humoresque: nearest by sound" in out
    assert "0.90" in out
    assert "shares: polka 0.50" in out
    code, out, _ = command(mapped, "similar", "own music")
    assert "\x1b" not in out
    code, out, _ = command(mapped, "similar", "t:2")
    assert f"Ann Other: {HOSTILE.replace(chr(27), chr(0xFFFD))}" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("dvorzak",), "nothing on the map is called 'dvorzak': did you mean Antonín Dvořák"),
        (("qqqqqq",), "nothing on the map is called 'qqqqqq', and nothing is spelled like it"),
        (("dvorak", "--genre"), "nothing on the map is called 'dvorak'"),
        (
            ("humoresque music", "--artist"),
            "no artist on the map is called 'humoresque music': of that name there is the genre",
        ),
        (("Humoresque", "--track"), "names 2 things: say which by its id: t:0 (Antonín Dvořák: Humoresque); t:1"),
        (("t:0", "-k", "3"), "the map holds 2 neighbours of it: for more, raise atlas.neighbours"),
        (("",), "nothing on the map is called ''"),
        (("a\x1bb",), "nothing on the map is called 'a"),
    ],
)
def test_misuse_is_one_line_and_two(mapped, command, arguments, said):
    """An unknown name has near spellings, one that is not clear has the ids; exit code 2."""
    code, out, err = command(mapped, "similar", *arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1
    assert "\x1b" not in err


def test_without_a_map_it_is_not_ready(project, command):
    """Before the first map: one line that says what to run, exit code 3."""
    code, out, err = command(project, "similar", "bach")
    assert (code, out) == (3, "")
    assert "`dvc repro` draws one" in err


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("Antonín Dvořák", "antonin dvorak"),
        ("Łukasz Øst", "lukasz ost"),
        ("Straße, die", "strasse die"),
        ("東京", "東京"),
    ],
)
def test_spellings_are_folded(text, bare):
    """Case, diacritics and punctuation go; other scripts stay."""
    assert folded(text) == bare


def test_neighbours_of_a_former_champion_are_said_to_be(mapped, command):
    """Between a change of the champion and the next map, the answer comes with one line on stderr, also with --json."""
    write_json(mapped / "data/atlas/metrics.json", {"model": "a" * 64})
    write_json(mapped / "data/champion.json", {"name": "soundatlas", "content_sha256": "b" * 64})
    code, out, err = command(mapped, "similar", "dvorak", "--json")
    assert (code, err.count("\n")) == (0, 1)
    assert "this map is of model aaaaaaaaaaaa, and the champion is model bbbbbbbbbbbb" in err
    assert json.loads(out)["name"] == "Antonín Dvořák"
