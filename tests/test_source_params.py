"""Sources in params.yaml: what each may say, and that they can be told apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from soundatlas.errors import ParamsError
from soundatlas.params import parse_params

COMMITTED: dict[str, Any] = YAML(typ="safe").load(
    (Path(__file__).resolve().parents[1] / "params.yaml").read_text(encoding="utf-8")
)
SPOTIFY = "37i9dQZF1DX4sWSpwq3LiO"


def parse(*sources: dict[str, Any]):
    """Return the sources as models."""
    catalog = {**COMMITTED["catalog"], "sources": [*sources]}
    return parse_params({**COMMITTED, "catalog": catalog}).catalog.sources


@pytest.mark.parametrize(
    "source",
    [
        {"source": "folder", "path": "~/Music"},
        {"source": "folder", "path": "data/mine", "name": "mine", "licence": "CC0-1.0", "ml_use": "allowed"},
        {"source": "fma", "path": "~/fma", "subset": "small"},
        {"source": "spotify", "playlists": [SPOTIFY, f"spotify:playlist:{SPOTIFY}"], "saved": True},
        {"source": "spotify", "tracks": [f"https://open.spotify.com/intl-de/track/{SPOTIFY}?si=1"], "search": ["air"]},
        {"source": "deezer", "non_commercial": True},
        {"source": "musicbrainz"},
    ],
    ids=str,
)
def test_every_source_is_itself(source) -> None:
    """What the README shows is accepted, and nothing of it is lost."""
    [parsed] = parse(source)
    assert parsed.model_dump(exclude_defaults=True) | {"source": source["source"]} == source


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"source": "folder"}, "catalog.sources.0.path is missing"),
        ({"source": "folder", "path": ""}, "catalog.sources.0.path should have at least 1 character"),
        ({"source": "folder", "path": "a", "name": "a/b"}, "catalog.sources.0.name should match pattern"),
        ({"source": "folder", "path": "a", "pth": "b"}, "catalog.sources.0.pth is not a known key"),
        ({"source": "folder", "path": "a", "ml_use": "yes"}, "catalog.sources.0.ml_use should be 'allowed'"),
        ({"source": "fma", "path": "a", "subset": "huge"}, "catalog.sources.0.subset should be 'small'"),
        ({"source": "spotify"}, "catalog.sources.0.playlists, saved, tracks or search should say"),
        ({"source": "spotify", "tracks": ["air"]}, "catalog.sources.0.tracks.0 should"),
        ({"source": "spotify", "tracks": [f"https://evil.example/track/{SPOTIFY}"]}, "catalog.sources.0.tracks.0"),
        ({"source": "deezer", "non_commercial": False}, "catalog.sources.0.non_commercial should be True"),
        ({"source": "deezer"}, "catalog.sources.0.non_commercial is missing"),
        ({"path": "a"}, "catalog.sources.0.source is missing"),
    ],
    ids=str,
)
def test_impossible_source_is_named(source, said) -> None:
    """A source that cannot be is refused in one line with its key."""
    with pytest.raises(ParamsError) as caught:
        parse(source)
    assert str(caught.value).removeprefix("params.yaml: ").startswith(said)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("one", "two", "said"),
    [
        (
            {"source": "folder", "path": "a/Music"},
            {"source": "folder", "path": "/b/Music/"},
            "catalog.sources 0 and 1 are both folders called 'Music': give one of them a name of its own",
        ),
        (
            {"source": "musicbrainz"},
            {"source": "musicbrainz"},
            "catalog.sources 0 and 1 are both musicbrainz: make them one",
        ),
    ],
    ids=["folders", "services"],
)
def test_sources_of_one_name_are_refused(one, two, said) -> None:
    """Tracks of two sources must not have one id."""
    with pytest.raises(ParamsError) as caught:
        parse(one, two)
    assert str(caught.value) == f"params.yaml: {said}"
    assert len(parse(one, {**two, "name": "other"} if "path" in two else {"source": "folder", "path": "a"})) == 2
