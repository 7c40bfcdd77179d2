"""A map of a former champion says so."""

from __future__ import annotations

import pytest

from soundatlas.commands.map_model import warn_of_another_champion
from soundatlas.files import write_json

DRAWN, OTHER = "a" * 64, "b" * 64


@pytest.fixture
def mapped(tmp_path):
    """Give a function that writes a champion's pin, and returns a project with a map of the model DRAWN."""

    def write(champion: str | None):
        write_json(tmp_path / "data/atlas/metrics.json", {"trustworthiness": 0.9, "model": DRAWN})
        write_json(tmp_path / "data/champion.json", {"name": "soundatlas", "content_sha256": champion})
        return tmp_path

    return write


@pytest.mark.parametrize(
    ("champion", "now"), [(OTHER, f"the champion is model {OTHER[:12]}"), (None, "there is no champion")]
)
def test_a_map_of_another_model_is_named(mapped, capsys, champion, now):
    """After a promotion or a rollback, one line on stderr names both models and what draws the champion's map."""
    warn_of_another_champion(mapped(champion))
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"soundatlas: this map is of model {DRAWN[:12]}, and {now}: `dvc repro atlas` draws its map\n"


def test_a_map_of_the_champion_needs_no_words(mapped, capsys):
    """The champion's own map, and a folder without a map, are passed in silence."""
    warn_of_another_champion(mapped(DRAWN))
    warn_of_another_champion(mapped(OTHER) / "elsewhere")
    assert capsys.readouterr() == ("", "")
