"""When two names are of one recording, and what Deezer says in an answer with status 200."""

from __future__ import annotations

from typing import Any

import pytest

from soundatlas.errors import RefusedError
from soundatlas.sources.deezer_api import judge, likeness, make_site, read_track
from soundatlas.sources.web.look_up import Target
from soundatlas.sources.web.pause import Pause


def target(artist: str, title: str, seconds: float | None = 200.0) -> Target:
    """A track that is looked for by name."""
    return Target("x", None, artist, title, seconds, None)


@pytest.mark.parametrize(("bpm", "tempo"), [(0, None), (19.9, None), (20, 20.0), (400, 400.0), (450.5, None)])
def test_a_tempo_that_no_music_has_is_missing(bpm: float, tempo: float | None) -> None:
    """An estimate outside of what the quality gate takes is left out, so that it stops nobody."""
    assert read_track({"id": 1, "bpm": bpm}, None).about["tempo_bpm"] == tempo


@pytest.mark.parametrize(
    ("artist", "title", "hit_artist", "hit_title"),
    [
        ("The Beatles", "Help!", "Beatles, The", "Help"),
        ("Björk", "Jóga", "Bjork", "JOGA"),
        ("Queen", "Innuendo - Remastered 2011", "Queen", "Innuendo (2011 Remaster)"),
        ("!!!", "???", "!!!", "???"),
        ("Nirvana", "Polly (Live)", "Nirvana", "Polly - Live at Reading"),
        ("坂本龍一", "戦場のメリークリスマス", "坂本龍一", "戦場のメリークリスマス"),
    ],
)
def test_spellings_of_one_recording_are_alike(artist: str, title: str, hit_artist: str, hit_title: str) -> None:
    """Order, case, accents, punctuation and a remaster make no other recording."""
    hit = {"artist": {"name": hit_artist}, "title": hit_title, "duration": 203}
    assert likeness(target(artist, title), hit) >= 0.85


@pytest.mark.parametrize(
    ("title", "hit"),
    [
        ("Polly", {"artist": {"name": "Nirvana"}, "title": "Polly (Live)", "duration": 200}),
        ("Polly", {"artist": {"name": "Nirvana"}, "title": "Polly", "duration": 240}),
        ("Polly", {"artist": {"name": "Karaoke Stars"}, "title": "Polly", "duration": 200}),
        ("Polly", {"artist": {"name": "Nirvana"}, "title": "Lithium", "duration": 200}),
        ("Polly", {"artist": "Nirvana", "title": "Polly"}),
        ("Polly", {"artist": {"name": 5}, "title": None}),
        ("!!!", {"artist": {"name": "Nirvana"}, "title": "???", "duration": 200}),
        ("Polly", {}),
    ],
)
def test_another_recording_is_not_alike(title: str, hit: dict[str, Any]) -> None:
    """Another version, length, artist or title, or what is no track at all, does not reach the least match."""
    assert likeness(target("Nirvana", title), hit) < 0.85


def test_a_length_that_is_not_known_says_nothing() -> None:
    """Without a length on one side, the names decide."""
    hit = {"artist": {"name": "Nirvana"}, "title": "Polly", "duration": 240}
    assert likeness(target("Nirvana", "Polly", None), hit) == 1.0
    assert likeness(target("Nirvana", "Polly"), hit | {"duration": None}) == 1.0


@pytest.mark.parametrize("error", [None, {}, [], ""])
def test_no_error_is_no_error(error: Any) -> None:
    """An empty error is none."""
    judge({"id": 1, "error": error})
    judge([])


@pytest.mark.parametrize(
    ("error", "status"),
    [({"code": 800, "message": "no data"}, 800), ({"code": "x"}, 0), ("a string", 0), ([1], 0), (True, 0)],
)
def test_an_error_is_a_refusal_whatever_its_shape(error: Any, status: int) -> None:
    """Deezer's code is the refusal's status, as far as there is one."""
    with pytest.raises(RefusedError) as caught:
        judge({"error": error})
    assert caught.value.status == status


def test_a_quota_is_a_pause_of_five_seconds() -> None:
    """Code 4 means that 50 requests were made within 5 s."""
    with pytest.raises(Pause) as caught:
        judge({"error": {"code": 4, "message": "Quota limit exceeded"}})
    assert caught.value.seconds == 5.0


def test_previews_come_from_deezers_hosts_alone() -> None:
    """The site allows the servers that hand out previews, by https."""
    site = make_site({})
    site.check("https://cdnt-preview.dzcdn.net/api/1/1/a.mp3?hdnea=exp")
    with pytest.raises(Exception, match="not followed"):
        site.check("http://cdnt-preview.dzcdn.net/a.mp3")
