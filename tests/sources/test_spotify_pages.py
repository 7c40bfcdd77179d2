"""Spotify's pages: taken up where a run stopped, asked for once, and none lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from soundatlas.errors import QuotaError, WebError
from tests.fakes.server import Answer, html, truncated
from tests.fakes.spotify import USER, refusal, spotify_id, track
from tests.resources.spotify_project import MINE, SpotifyProject

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[[str], SpotifyProject]


def test_a_used_up_quota_keeps_what_was_told_and_is_taken_up_later(make_project: Make) -> None:
    """At QUOTA_EXCEEDED what is there is listed; a rerun before the time asks nothing; after it, only what lacks."""
    project = make_project("quota")
    project.fake.left = 2
    listing = project.ingest(playlists=[MINE])
    assert len(listing.tracks) == 100
    assert listing.resume_after is not None
    assert listing.resume_after.timestamp() >= project.time.clock.now() + 86_400
    assert project.time.slept == []

    before = len(project.fake.asked)
    for config in ({"playlists": [MINE]}, {"saved": True}):  # whatever is asked of it then
        with pytest.raises(QuotaError, match=r"was not asked.*run it again after 20\d\d-") as caught:
            project.ingest(**config)
        assert caught.value.exit_code == 4
    assert len(project.fake.asked) == before

    project.time.passed, project.fake.left = 90_000.0, 10
    again = project.ingest(playlists=[MINE])
    assert len(again.tracks) == 120
    assert again.resume_after is None
    offsets = [asked.query["offset"] for asked in project.fake.api_requests() if "playlists" in asked.path]
    assert offsets == ["0", "50", "100", "100"]  # the refused one, and then that one alone


def test_an_old_listing_stays_until_its_first_new_page(make_project: Make) -> None:
    """A quota before anything new has come leaves what was told; the day after, all is asked for anew."""
    project = make_project("dev2026")
    project.ingest(playlists=[MINE], saved=True)
    project.fake.profile, project.fake.left, project.time.passed = "quota", 1, 90_000.0
    listing = project.ingest(playlists=[MINE], saved=True)
    assert listing.resume_after is not None
    assert len(listing.tracks) == 130
    asked = len(project.fake.asked)
    project.fake.profile, project.time.passed = "dev2026", 200_000.0
    project.fake.playlists[MINE] = (USER, project.fake.playlists[MINE][1][1:])
    again = project.ingest(playlists=[MINE], saved=True)
    assert spotify_id(0) not in set(again.tracks["source_id"])
    offsets = [one.query["offset"] for one in project.fake.asked[asked:] if "playlists" in one.path]
    assert offsets == ["0", "50", "100"]


def test_a_previous_listing_that_ended_at_a_quota_is_heeded(make_project: Make) -> None:
    """Even where the memory is gone, the listing says until when Spotify is left alone."""
    project = make_project("quota")
    project.fake.left = 1
    listing = project.ingest(playlists=[MINE])
    (project.root / "memory" / "answers.db").unlink()
    before = len(project.fake.asked)
    with pytest.raises(QuotaError):
        project.ingest(previous=listing, playlists=[MINE])
    assert len(project.fake.asked) == before


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (truncated({"items": [{"item": track(1)}]}), "broken JSON"),
        (html(), "sends text/html where application/json was asked for"),
        (Answer(body={"items": "none", "total": 3}), "sends no list for spotify:saved"),
        (refusal(400, "Bad"), None),
    ],
    ids=["truncated", "html", "no list", "400"],
)
def test_a_broken_page_stops_the_run_which_goes_on_later(
    answer: Answer, message: str | None, make_project: Make
) -> None:
    """A page that cannot be used is told in a line; the next run asks for that page and no other."""
    project = make_project("dev2026")
    project.fake.saved = [{"track": track(n)} for n in range(120)]
    project.ingest(tracks=[spotify_id(1)])  # so that the features are refused already
    project.fake.fail("/me/tracks", answer)
    if message is None:
        assert [*project.ingest(saved=True).failures["reason"]] == ["not_granted"]
        return
    with pytest.raises(WebError, match=message):
        project.ingest(saved=True)
    assert len(project.ingest(saved=True).tracks) == 120
    offsets = [asked.query["offset"] for asked in project.fake.api_requests() if asked.path.endswith("/me/tracks")]
    assert offsets == ["0", "0", "50", "100"]


def test_the_second_run_asks_for_nothing(make_project: Make) -> None:
    """What was told in the last 24 hours is not asked for again, refused audio features included; a day later it is."""
    project = make_project("dev2026")
    first = project.ingest(playlists=[MINE], saved=True, search=["find 3"])
    asked = len(project.fake.asked)
    second = project.ingest(playlists=[MINE], saved=True, search=["find 3"])
    assert len(project.fake.asked) == asked
    assert second.tracks.equals(first.tracks)
    assert second.capabilities == first.capabilities
    assert any("--refresh" in note for note in second.notes)
    project.time.passed = 90_000.0
    project.fake.saved = project.fake.saved[:5]
    assert len(project.ingest(saved=True).tracks) == 5


def test_another_user_does_not_get_the_first_ones_library(make_project: Make) -> None:
    """After another login, saved tracks are asked for anew."""
    project = make_project("dev2026")
    project.ingest(saved=True)
    project.log_in()
    project.fake.saved = [{"track": track(1)}]
    assert [*project.ingest(saved=True).tracks["source_id"]] == [spotify_id(1)]


def test_a_playlist_that_changes_in_between_is_listed_anew(make_project: Make) -> None:
    """When a listing was begun and has another length now, its offsets mean nothing: it starts over."""
    project = make_project("dev2026")
    project.fake.profile, project.fake.left, project.fake.quota_seconds = "quota", 1, 3600
    project.ingest(playlists=[MINE])
    project.fake.profile, project.time.passed = "dev2026", 4000.0
    project.fake.playlists[MINE] = (USER, [{"item": track(500)}, *project.fake.playlists[MINE][1]])
    listing = project.ingest(playlists=[MINE])
    assert len(listing.tracks) == 121
    assert spotify_id(500) in set(listing.tracks["source_id"])


def test_a_page_that_is_shorter_than_asked_for_loses_no_row(make_project: Make) -> None:
    """The next page begins behind what came, not behind what was asked for, also when a quota comes between."""
    project = make_project("quota")
    project.fake.left = 1
    entries = project.fake.playlists[MINE][1]
    project.fake.fail("/items", Answer(body={"items": entries[:30], "total": 120, "next": "…"}))
    assert len(project.ingest(playlists=[MINE]).tracks) == 80
    project.fake.left, project.time.passed = 9, 90_000.0
    listing = project.ingest(playlists=[MINE])
    assert len(listing.tracks) == 120
    assert listing.failures.empty
    offsets = [asked.query["offset"] for asked in project.fake.api_requests() if "playlists" in asked.path]
    assert offsets == ["0", "30", "80", "80"]


def test_a_playlist_that_ends_too_early_is_told(make_project: Make) -> None:
    """Where fewer entries come than Spotify counts, a failure row says how many; of a search the count is a guess."""
    project = make_project("dev2026")
    project.fake.fail("/items", Answer(body={"items": [{"item": track(1)}], "total": 60, "next": None}))
    project.fake.fail("/search", Answer(body={"tracks": {"items": [track(2)], "total": 60, "next": None}}))
    listing = project.ingest(playlists=[MINE], search=["find 1"])
    assert len(listing.tracks) == 2
    assert listing.failures[["path", "reason", "message"]].to_numpy().tolist() == [
        [f"spotify:playlist:{MINE}", "bad_answer", "Spotify counts 60 entries here and sends 1 of them"]
    ]
