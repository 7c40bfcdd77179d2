"""Listing a source in params.yaml: one line more, and nothing else changed."""

from __future__ import annotations

import shutil

import pytest

from soundatlas.errors import ParamsError
from soundatlas.params import load_params
from soundatlas.sources.params_file import add_source, source_line


@pytest.fixture
def path(tmp_path, repository):
    """Give a copy of the committed parameters."""
    return shutil.copy(repository / "params.yaml", tmp_path / "params.yaml")


@pytest.mark.parametrize(
    "values",
    [
        {"source": "folder", "path": "/home/anna/My: music #1, {all}"},
        {"source": "folder", "path": "data/\u00e9t\u00e9", "name": "summer", "ml_use": "allowed"},
        {"source": "spotify", "saved": True, "playlists": ["37i9dQZF1DX4sWSpwq3LiO"]},
        {"source": "musicbrainz"},
    ],
    ids=str,
)
def test_one_line_is_added_and_nothing_else_changes(values, path, as_source) -> None:
    """The new source comes last, whatever its path holds; comments and order stay."""
    before = path.read_text(encoding="utf-8").splitlines()
    count = len(load_params(path).catalog.sources)
    source = as_source(values)
    add_source(path, source)
    after = path.read_text(encoding="utf-8").splitlines()
    assert len(after) == len(before) + 1
    added = next(line for line in after if line not in before)
    assert [line for line in after if line != added] == before
    assert added == f"    - {source_line(source)}"
    sources = load_params(path).catalog.sources
    assert (len(sources), sources[-1]) == (count + 1, source)


def test_second_one_comes_after_the_first(path, as_source) -> None:
    """Sources are believed in the order in which they were added."""
    for name in ("one", "two"):
        add_source(path, as_source({"source": "folder", "path": name}))
    assert [source.path for source in load_params(path).catalog.sources[-2:]] == ["one", "two"]


def test_list_at_the_end_of_a_file_without_a_line_break(path, as_source, repository) -> None:
    """A file that ends within the list gets its line break."""
    text = (repository / "params.yaml").read_text(encoding="utf-8")
    start, end = text.index("catalog:"), text.index("spectrograms:")
    section = "catalog:\n  i_have_permission_to_train_on_spotify_content: false\n  max_failure_rate: 0.05\n"
    section += "  sources:\n  - {source: musicbrainz}"
    path.write_text(text[:start] + text[end:].rstrip("\n") + "\n" + section, encoding="utf-8")
    add_source(path, as_source({"source": "folder", "path": "one"}))
    assert [source.source for source in load_params(path).catalog.sources] == ["musicbrainz", "folder"]


def test_what_would_not_hold_is_not_written(path, as_source) -> None:
    """A second folder of one name is refused by its name, and a list in one line is left to the user."""
    add_source(path, as_source({"source": "folder", "path": "a/Music"}))
    before = path.read_bytes()
    with pytest.raises(ParamsError, match="both folders called 'Music'"):
        add_source(path, as_source({"source": "folder", "path": "b/Music"}))
    assert path.read_bytes() == before
    path.write_text("catalog:\n  sources: [{source: musicbrainz}]\n", encoding="utf-8")
    with pytest.raises(ParamsError, match="by hand"):
        add_source(path, as_source({"source": "folder", "path": "a/Music"}))
    path.write_text("catalog: 5\n", encoding="utf-8")
    with pytest.raises(ParamsError, match="by hand"):
        add_source(path, as_source({"source": "folder", "path": "a/Music"}))
