"""Deezer as a source of previews: what is found, what is fetched, and what is believed of it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from soundatlas.errors import QuotaError, WebError
from soundatlas.source_params import DeezerSourceParams
from soundatlas.sources import deezer
from soundatlas.sources.base import SAME_AS
from soundatlas.sources.deezer import list_deezer
from soundatlas.sources.web.client import Timeouts
from soundatlas.tables import REASONS
from tests.fakes.deezer import NO_DATA, QUOTA, FakeDeezer, preview
from tests.fakes.server import Answer, broken_off, endless, hanging, html, truncated
from tests.fakes.time import QuickTime
from tests.resources.ingest_context import make_context
from tests.resources.known_tracks import known_tracks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd

    from soundatlas.sources.base import Listing

CONFIG = DeezerSourceParams(source="deezer", non_commercial=True)


@pytest.fixture(autouse=True)
def _one_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start one process where workers are needed."""
    monkeypatch.setenv("SOUNDATLAS_WORKERS", "1")


@pytest.fixture
def fake() -> Iterator[FakeDeezer]:
    """Deezer, with ten tracks."""
    with FakeDeezer() as server:
        for number in range(10):
            server.add(number)
        yield server


@pytest.fixture
def quick_time() -> QuickTime:
    """Time that passes when somebody sleeps."""
    return QuickTime()


class Asking:
    """Runs of `ingest deezer`."""

    def __init__(self, root: Path, fake: FakeDeezer, time: QuickTime) -> None:
        self.root, self.fake, self.time = root, fake, time
        self.timeouts: Timeouts | None = None
        self.config = CONFIG

    def __call__(self, tracks: pd.DataFrame) -> Listing:
        """Ask about some tracks."""
        context = make_context(self.root, {"SOUNDATLAS_DEEZER_API_URL": self.fake.url}, tracks)
        return list_deezer(self.config, context, self.time.clock, self.timeouts)


@pytest.fixture
def ask(tmp_path: Path, fake: FakeDeezer, quick_time: QuickTime) -> Asking:
    """Asks Deezer about some tracks."""
    return Asking(tmp_path, fake, quick_time)


def test_a_track_without_audio_gets_a_preview(ask: Asking, fake: FakeDeezer, tmp_path: Path) -> None:
    """By its ISRC a track gets audio in our store, a year and a tempo, with two requests."""
    listing = ask(known_tracks(3))
    row = listing.tracks.iloc[0]
    assert (row["track_id"], row[SAME_AS], row["year"]) == ("deezer:3", f"spotify:{3:022d}", 1973)
    assert (row["tempo_bpm"], row["licence"]) == (120.5, "Deezer's terms: not for commercial use")
    assert (tmp_path / row["path"]).read_bytes() == preview(3)
    assert row["duration_seconds"] == pytest.approx(2.0, abs=0.1)
    assert fake.paths() == ["/track/isrc:USRC10000003", "/stream/3.mp3"]
    assert set(listing.labels["provenance"]) == {"Deezer, by ISRC"}


def test_a_preview_makes_no_restricted_track_free(ask: Asking) -> None:
    """What was found by a row of Spotify is as restricted as that one; what was found by another row is not."""
    tracks = known_tracks(1, 2, ml_use="restricted")
    tracks.loc[1, "ml_use"] = "unknown"
    listing = ask(tracks)
    assert [*listing.tracks["ml_use"]] == ["restricted", "unknown"]
    assert set(listing.labels["ml_use"]) == {"unknown"}


def test_a_track_with_audio_is_left_alone(ask: Asking, fake: FakeDeezer) -> None:
    """Deezer is asked only about tracks that have no audio."""
    assert ask(known_tracks(1, path="mine.flac")).tracks.empty
    assert fake.asked == []


def test_the_signed_address_is_kept_nowhere(ask: Asking, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An address that opens a file for some minutes is used at once, and is neither stored nor logged."""
    with caplog.at_level("DEBUG"):
        listing = ask(known_tracks(1, 2))
    assert len(listing.tracks) == 2
    assert "hdnea" not in caplog.text
    assert not any(b"hdnea" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_a_track_without_isrc_is_found_by_name(ask: Asking, fake: FakeDeezer) -> None:
    """Artist and title find the track that is most alike, and the match is told with each label."""
    fake.add(0, title="Another Song")
    fake.add(1, title="Títle 8 (Remastered 2011)", artist={"name": "ARTIST, The"})
    listing = ask(known_tracks(8, isrc=None, artist="The Artist"))
    assert [*listing.tracks["source_id"]] == ["1"]
    assert set(listing.labels["provenance"]) == {"Deezer, by artist and title, match 1.00"}
    assert fake.asked[0].query["q"] == 'artist:"The Artist" track:"Title 8"'


@pytest.mark.parametrize(
    "columns",
    [
        {"title": "Nothing Like It"},
        {"title": "Title 0 (Live)"},
        {"artist": "Somebody Else"},
        {"duration_seconds": 240.0},
    ],
    ids=["title", "version", "artist", "length"],
)
def test_what_is_not_alike_is_not_taken(columns: dict[str, Any], ask: Asking) -> None:
    """Another title, artist or length is another recording: a failure row with the best match."""
    listing = ask(known_tracks(0, **{"isrc": None, **columns}))
    assert listing.tracks.empty
    assert [*listing.failures["reason"]] == ["not_found"]
    assert "best match 0." in listing.failures["message"].iloc[0]


def test_another_min_match_is_asked_with(ask: Asking, fake: FakeDeezer) -> None:
    """What was found, or not found, with another `min_match` is not believed; what was found by ISRC is."""
    tracks = known_tracks(0, 1)
    tracks.loc[0, ["isrc", "title"]] = [None, "Tilte 0"]
    for min_match, found in ((0.5, ["0", "1"]), (1.0, ["1"]), (0.6, ["0", "1"]), (0.5, ["0", "1"])):
        ask.config = DeezerSourceParams(source="deezer", non_commercial=True, min_match=min_match)
        assert [*ask(tracks).tracks["source_id"]] == found
    assert fake.paths().count("/search") == 3
    assert fake.paths().count("/track/isrc:USRC10000001") == 1


def test_errors_with_status_200_are_seen(ask: Asking, fake: FakeDeezer, quick_time: QuickTime) -> None:
    """Code 800 is a track that Deezer does not have; code 4 is a pause of 5 s, then it goes on."""
    fake.fail("USRC10000001", Answer(body=NO_DATA))
    fake.fail("USRC10000002", Answer(body=QUOTA))
    listing = ask(known_tracks(1, 2))
    assert [*listing.tracks["source_id"]] == ["2"]
    assert [*listing.failures["reason"]] == ["not_found"]
    assert 5 <= quick_time.passed < 8


def test_a_quota_that_stays_is_taken_up_later(ask: Asking, fake: FakeDeezer, quick_time: QuickTime) -> None:
    """When code 4 does not end, what was found is listed; before the time nothing is asked, after it what lacks."""
    fake.fail("USRC10000002", Answer(body=QUOTA), times=4)
    listing = ask(known_tracks(1, 2, 3))
    assert [*listing.tracks["source_id"]] == ["1"]
    assert listing.resume_after is not None
    before = len(fake.asked)
    with pytest.raises(QuotaError):
        ask(known_tracks(1, 2, 3))
    assert len(fake.asked) == before
    quick_time.passed += 4000
    assert len(ask(known_tracks(1, 2, 3)).tracks) == 3
    assert fake.paths().count("/track/isrc:USRC10000001") == 1


def test_a_quota_hides_nothing_that_is_remembered(ask: Asking, fake: FakeDeezer, quick_time: QuickTime) -> None:
    """What was told in an earlier run is listed also when the quota comes before its turn."""
    first = ask(known_tracks(3, 77))
    fake.fail("USRC10000001", Answer(body=QUOTA), times=4)
    listing = ask(known_tracks(1, 2, 3, 77))
    assert listing.resume_after is not None
    assert listing.tracks.equals(first.tracks)
    assert listing.failures.equals(first.failures)
    assert "/track/isrc:USRC10000002" not in fake.paths()
    quick_time.passed += 4000
    assert len(ask(known_tracks(1, 2, 3, 77)).tracks) == 3


def test_the_rate_is_50_in_5_seconds(ask: Asking, fake: FakeDeezer, quick_time: QuickTime) -> None:
    """Asking about 60 tracks that Deezer does not have takes at least 5 s and not much more."""
    listing = ask(known_tracks(*range(100, 160)))
    assert len(listing.failures) == len(fake.asked) == 60
    assert 5 <= quick_time.passed < 6


def test_the_second_run_fetches_nothing(ask: Asking, fake: FakeDeezer, tmp_path: Path) -> None:
    """What is in the store is not fetched again; what was lost from it is."""
    first = ask(known_tracks(1, 2, 77))
    before = len(fake.asked)
    again = ask(known_tracks(1, 2, 77))
    assert len(fake.asked) == before
    assert again.tracks.equals(first.tracks)
    assert again.failures.equals(first.failures)
    (tmp_path / first.tracks["path"].iloc[0]).unlink()
    assert ask(known_tracks(1, 2, 77)).tracks.equals(first.tracks)
    assert fake.paths()[before:] == ["/track/isrc:USRC10000001", "/stream/1.mp3"]


def test_an_address_that_has_died_is_asked_for_anew_once(ask: Asking, fake: FakeDeezer) -> None:
    """A preview that is refused, or gone, is resolved once more; refused again, it is a failure row."""
    fake.dead = {"signed-1"}
    assert len(ask(known_tracks(1)).tracks) == 1
    assert fake.paths() == ["/track/isrc:USRC10000001", "/stream/1.mp3", "/track/1", "/stream/1.mp3"]
    fake.dead = {"signed-3", "signed-4"}
    assert [*ask(known_tracks(2)).failures["reason"]] == ["no_preview"]
    assert len(fake.asked) == 8


BAD_PREVIEWS = {
    "a page": (html(), "bad_answer"),
    "500 MB": (endless(500), "bad_answer"),
    "nothing": (Answer(body=b"", kind="audio/mpeg"), "empty"),
    "a page named mp3": (Answer(body=b"<html>no audio</html>" * 50, kind="audio/mpeg"), "not_audio"),
    "broken off": (broken_off(preview(1)[:2000], "audio/mpeg"), "bad_answer"),
    "truncated": (Answer(body=preview(1)[:2000], kind="audio/mpeg"), "truncated"),
    "a teapot": (Answer(status=418, body=b"", kind="text/html"), "bad_answer"),
}
BAD_TRACKS = {
    "truncated": (truncated({"id": 1, "title": "x" * 50}), "bad_answer"),
    "a string": (Answer(body={"error": "a string"}), "bad_answer"),
    "no id": (Answer(body={"id": "1; drop", "preview": 5}), "bad_answer"),
    "null": (Answer(body={"id": 1, "preview": None}), "no_preview"),
    "a file": (Answer(body={"id": 1, "preview": "file:///etc/passwd"}), "bad_answer"),
    "another host": (Answer(body={"id": 1, "preview": "https://evil.example/1.mp3"}), "bad_answer"),
}


@pytest.mark.parametrize(("path", "bad"), [("/stream/{}.mp3", BAD_PREVIEWS), ("isrc:USRC1{:07d}", BAD_TRACKS)])
def test_one_bad_answer_costs_one_track(
    path: str, bad: dict[str, tuple[Answer, str]], ask: Asking, fake: FakeDeezer
) -> None:
    """Whatever comes in the place of a track or its preview is a failure row; all others are fetched."""
    for number, (answer, _) in enumerate(bad.values()):
        fake.fail(path.format(number), answer)
    listing = ask(known_tracks(*range(10)))
    reasons = {f"deezer:spotify:{number:022d}": reason for number, (_, reason) in enumerate(bad.values())}
    assert dict(zip(listing.failures["path"], listing.failures["reason"], strict=True)) == reasons
    assert [*listing.tracks["source_id"]] == [str(number) for number in range(len(bad), 10)]
    assert set(listing.failures["reason"]) <= set(REASONS)


def test_a_track_without_preview_is_a_failure_row(ask: Asking, fake: FakeDeezer) -> None:
    """An empty address means that there is no preview."""
    fake.silent_ids = {1}
    assert [*ask(known_tracks(1)).failures["reason"]] == ["no_preview"]


def test_a_broken_answer_is_asked_for_again_next_time(ask: Asking, fake: FakeDeezer) -> None:
    """A fault of the moment is not remembered as if it were the truth."""
    fake.fail("isrc", html())
    assert ask(known_tracks(1)).tracks.empty
    assert len(ask(known_tracks(1)).tracks) == 1


def test_a_service_that_is_down_is_not_asked_for_each_track(ask: Asking, fake: FakeDeezer) -> None:
    """After three tracks in a row without an answer the run ends, with exit code 1; what was found is kept."""
    fake.fail("USRC1", Answer(status=503), times=4)
    assert len(ask(known_tracks(1, 2)).tracks) == 1  # one track alone is that track's bad luck
    ask.timeouts = Timeouts(1.0, 0.1, 1.0)
    fake.fail("USRC1", hanging(), times=99)
    with pytest.raises(WebError, match="deezer does not answer in time"):
        ask(known_tracks(*range(1, 10)))
    assert fake.paths().count("/track/isrc:USRC10000006") == 0


def test_two_tracks_of_one_preview_are_two_rows(ask: Asking, fake: FakeDeezer) -> None:
    """Where Deezer has one track for two of ours, both get a row of their own id."""
    tracks = known_tracks(1, 1)
    tracks.loc[1, ["track_id", "isrc", "artist", "title"]] = ["folder:x", None, "Artist 0", "Title 1"]
    fake.tracks = {1: fake.tracks[1]}
    listing = ask(tracks)
    assert [*listing.tracks["track_id"]] == ["deezer:1", "deezer:1 folder:x"]
    assert [*listing.tracks[SAME_AS]] == [f"spotify:{1:022d}", "folder:x"]


def test_a_full_disk_is_told_and_leaves_nothing_half_written(fake: FakeDeezer, tmp_path: Path) -> None:
    """When no more can be written, the run ends in one line; no part of a preview is in the store."""
    fake.seconds = 60.0
    script = f"""
import resource, sys
from pathlib import Path
from soundatlas.errors import SoundatlasError
from tests.sources.test_deezer import *
from soundatlas.sources import deezer
context = make_context(Path({str(tmp_path)!r}), {{"SOUNDATLAS_DEEZER_API_URL": {fake.url!r}}}, known_tracks(1))
with deezer.open_memory(context.memory, QuickTime().clock):
    pass
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
try:
    list_deezer(CONFIG, context, QuickTime().clock)
except SoundatlasError as error:
    sys.exit(str(error))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stderr.startswith("audio cannot be stored (File too large): make room")
    assert not [path for path in (tmp_path / "data").rglob("*") if path.is_file()]


def test_readiness_asks_for_the_users_word() -> None:
    """Deezer is ready when the user has said that their use is not commercial."""
    assert deezer.readiness(CONFIG, {}).ready
    assert "non_commercial: true" in deezer.readiness(None, {}).message
