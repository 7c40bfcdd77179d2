"""MusicBrainz as a source of years and genres."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from soundatlas.errors import NotReadyError, QuotaError
from soundatlas.sources import musicbrainz
from soundatlas.sources.base import SAME_AS
from soundatlas.sources.musicbrainz import list_musicbrainz, read_recordings
from tests.fakes.musicbrainz import FakeMusicBrainz, recording
from tests.fakes.server import Answer, truncated
from tests.fakes.time import QuickTime
from tests.resources.ingest_context import make_context
from tests.resources.known_tracks import known_tracks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd

    from soundatlas.sources.base import Listing


@pytest.fixture
def fake() -> Iterator[FakeMusicBrainz]:
    """MusicBrainz, with ten recordings."""
    with FakeMusicBrainz() as server:
        server.recordings = {f"USRC1{number:07d}": [recording(number)] for number in range(10)}
        yield server


class Asking:
    """Runs of `ingest musicbrainz`, by a clock that does not wait."""

    def __init__(self, root: Path, fake: FakeMusicBrainz) -> None:
        self.root, self.time = root, QuickTime()
        self.environ = {"SOUNDATLAS_MUSICBRAINZ_API_URL": fake.url, "SOUNDATLAS_CONTACT": "me@example.org"}

    def __call__(self, tracks: pd.DataFrame) -> Listing:
        """Ask about some tracks."""
        return list_musicbrainz(make_context(self.root, self.environ, tracks), self.time.clock)


@pytest.fixture
def ask(tmp_path: Path, fake: FakeMusicBrainz) -> Asking:
    """Asks MusicBrainz about some tracks."""
    return Asking(tmp_path, fake)


def test_a_track_gets_year_and_genre_under_their_licences(ask: Asking, fake: FakeMusicBrainz) -> None:
    """By ISRC: the earliest release and the genre with the most votes; the facts are CC0, the genres are not."""
    fake.recordings["USRC10000003"] = [recording(3), recording(4, **{"first-release-date": "1949-01-01"})]
    listing = ask(known_tracks(3))
    row = listing.tracks.iloc[0]
    assert (row["year"], row["decade"], row["genre"]) == (1949, "1940s", "hard rock")
    assert row[SAME_AS] == f"spotify:{3:022d}"
    labels = listing.labels.set_index("label")
    assert (labels.loc["year", "licence"], labels.loc["year", "ml_use"]) == ("CC0 1.0", "allowed")
    assert (labels.loc["genre", "licence"], labels.loc["genre", "ml_use"]) == ("CC BY-NC-SA 3.0", "unknown")


def test_we_introduce_ourselves(ask: Asking, fake: FakeMusicBrainz) -> None:
    """Each request names the project, its version and the user's contact."""
    ask(known_tracks(1))
    assert fake.asked[0].headers["User-Agent"].startswith("soundatlas/")
    assert "( me@example.org )" in fake.asked[0].headers["User-Agent"]
    assert fake.asked[0].query == {"inc": "genres", "fmt": "json"}


@pytest.mark.parametrize("contact", ["", "  ", "me@example.org\r\nX-Evil: 1", "mé@example.org"])
def test_without_a_contact_nothing_is_asked(contact: str, ask: Asking, fake: FakeMusicBrainz) -> None:
    """A missing contact, or one that a header cannot hold, is told with exit code 3."""
    ask.environ["SOUNDATLAS_CONTACT"] = contact
    with pytest.raises(NotReadyError, match="SOUNDATLAS_CONTACT is not set") as caught:
        ask(known_tracks(1))
    assert caught.value.exit_code == 3
    assert not musicbrainz.readiness(None, ask.environ).ready
    assert fake.asked == []


def test_one_request_a_second(ask: Asking, fake: FakeMusicBrainz) -> None:
    """Ten tracks take nine seconds, a tenth of a second more at most."""
    ask(known_tracks(*range(10)))
    assert len(fake.asked) == 10
    assert 9.0 <= ask.time.passed < 9.2


def test_only_what_lacks_is_asked_about(ask: Asking, fake: FakeMusicBrainz) -> None:
    """A track with year and genre, and one without ISRC, cost no request; two with one ISRC cost one."""
    assert ask(known_tracks(1, year=1990.0, genre="jazz")).tracks.empty
    assert ask(known_tracks(1, isrc=None)).tracks.empty
    assert fake.asked == []
    assert len(ask(known_tracks(1, 1)).tracks) == 1
    assert len(fake.asked) == 1


def test_the_second_run_asks_for_nothing(ask: Asking, fake: FakeMusicBrainz) -> None:
    """What was told, and that nothing is known, is remembered; a day later the unknown is asked about again."""
    first = ask(known_tracks(1, 2, 99))
    assert [*first.failures["reason"]] == ["not_found"]
    again = ask(known_tracks(1, 2, 99))
    assert len(fake.asked) == 3
    assert again.tracks.equals(first.tracks)
    assert again.failures.equals(first.failures)
    ask.time.passed += 90_000
    ask(known_tracks(1, 2, 99))
    assert fake.paths()[3:] == ["/ws/2/isrc/USRC10000099"]


def test_too_fast_is_waited_for_and_too_much_ends_the_run(ask: Asking, fake: FakeMusicBrainz) -> None:
    """A 503 with a short Retry-After is waited for; a long one ends the run, which is taken up after it."""
    fake.fail("0001", Answer(status=503, body={"error": "slow down"}, headers={"Retry-After": "4"}))
    assert len(ask(known_tracks(1)).tracks) == 1
    fake.fail("0003", Answer(status=503, body={}, headers={"Retry-After": "7200"}))
    listing = ask(known_tracks(2, 3, 4))
    assert len(listing.tracks) == 1
    assert listing.resume_after is not None
    with pytest.raises(QuotaError):
        ask(known_tracks(2, 3, 4))
    ask.time.passed += 7300
    assert len(ask(known_tracks(2, 3, 4)).tracks) == 3
    assert fake.paths().count("/ws/2/isrc/USRC10000002") == 1


def test_a_broken_answer_costs_one_track(ask: Asking, fake: FakeMusicBrainz) -> None:
    """Truncated JSON is a failure row, and is asked for again the next time."""
    fake.fail("0001", truncated({"recordings": [recording(1)]}))
    listing = ask(known_tracks(1, 2))
    assert len(listing.tracks) == 1
    assert [*listing.failures["reason"]] == ["bad_answer"]
    assert len(ask(known_tracks(1, 2)).tracks) == 2


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"recordings": None},
        {"recordings": ["text", 5, None]},
        {"recordings": [{"id": "x"}]},
        {"recordings": [{"id": 5, "first-release-date": "1999"}]},
        {"recordings": [{"id": "x", "first-release-date": "0000", "genres": "rock"}]},
        {"recordings": [{"id": "x", "first-release-date": 1999, "genres": [None, {"name": 5}, {}]}]},
    ],
)
def test_what_says_nothing_is_nothing(answer: Any) -> None:
    """Whatever an answer holds, a year or a genre is a fact or it is missing."""
    assert read_recordings(answer) is None
