"""Spotify as a source: what comes into the catalogue from each kind of app, and what does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from soundatlas.errors import NotReadyError, WebError
from soundatlas.source_params import SpotifySourceParams
from soundatlas.sources import spotify
from soundatlas.sources.web.client import Timeouts
from soundatlas.tables import LABELS, REASONS, TRACKS
from tests.fakes.server import Answer, hanging
from tests.fakes.spotify import CLIENT_SECRET, USER, FakeSpotify, refusal, spotify_id, track
from tests.resources.spotify_project import MINE, THEIRS, SpotifyProject

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fakes.server import Asked

    Make = Callable[[str], SpotifyProject]


def test_a_new_app_gets_metadata_and_says_what_it_lacks(make_project: Make) -> None:
    """A playlist becomes rows with artist, album, title, year and ISRC, and features are said to be refused."""
    project = make_project("dev2026")
    listing = project.ingest(playlists=[MINE], saved=True)
    row = listing.tracks.set_index("track_id").loc[f"spotify:{spotify_id(7)}"]
    assert (row["artist"], row["album"], row["title"], row["year"]) == ("Artist 0", "Album 1", "Title 7", 1967)
    assert (row["isrc"], row["duration_seconds"], row["decade"]) == ("USRC10000007", 180.007, "1960s")
    assert len(listing.tracks) == 130
    assert listing.counts == {"entries": 150, "listed more than once": 20, "requests made": 5}
    assert listing.capabilities["audio features"] == "not granted to this app (403)"
    assert "audio features: not granted to this app (403)" in listing.notes
    assert listing.tracks["acousticness"].isna().all()


def test_every_row_and_label_is_restricted(make_project: Make) -> None:
    """Nothing of Spotify may be learnt from unless the user says that they have permission."""
    listing = make_project("extended").ingest(playlists=[MINE])
    assert set(listing.tracks["ml_use"]) == set(listing.labels["ml_use"]) == {"restricted"}
    assert listing.tracks["licence"].str.contains("Spotify").all()
    assert [*listing.labels.columns] == [*LABELS]
    assert [*listing.tracks.columns][: len(TRACKS)] == [*TRACKS]
    assert listing.tracks["path"].isna().all()


def test_an_old_app_gets_audio_features_with_their_provenance(make_project: Make) -> None:
    """An app that is allowed them has audio features in batches of 100, told apart as a model's output."""
    project = make_project("extended")
    listing = project.ingest(playlists=[MINE])
    rows = listing.tracks.set_index("track_id")
    row = rows.loc[f"spotify:{spotify_id(1)}"]
    assert (row["acousticness"], row["tempo_bpm"], row["key"], row["mode"]) == (0.1, 120.0, "C", "major")
    assert (row["danceability"], row["loudness_db"]) == (0.5, -7.5)
    assert rows["key"].isna()[f"spotify:{spotify_id(13)}"]  # Spotify's -1: no key found
    assert rows["energy"].isna()[f"spotify:{spotify_id(6)}"]  # Spotify has null for this one
    assert listing.capabilities["audio features"] == "granted"
    assert len([path for path in project.fake.paths() if path.endswith("audio-features/")]) == 2
    provenance = listing.labels.query("label == 'energy'")["provenance"].unique()
    assert [*provenance] == ["Spotify's audio features, the output of a model"]


def test_rows_that_are_no_tracks_are_failures(make_project: Make) -> None:
    """An empty row, an episode, a local file and rubbish are each a failure row with a reason; none is lost."""
    project = make_project("dev2026")
    episode = track(3, type="episode", name="Talk")
    project.fake.playlists[MINE] = (
        USER,
        [
            {"item": track(1)},
            {"item": None},
            None,
            {"item": episode},
            {"is_local": True, "item": {"name": "Demo\ntape", "type": "track", "id": None}},
            {"track": track(2)},
            {"item": track(4, id="../../etc")},
            "text",
            {"item": {"id": spotify_id(5)}},
        ],
    )
    listing = project.ingest(playlists=[MINE])
    assert [*listing.tracks["source_id"]] == [spotify_id(1), spotify_id(2), spotify_id(5)]
    told = dict(zip(listing.failures["path"].str.rpartition("#")[2], listing.failures["reason"], strict=True))
    assert told.pop("7") == "bad_row"
    assert told == dict.fromkeys("23458", "not_a_track")
    assert set(listing.failures["reason"]) <= set(REASONS)
    assert set(listing.failures["stage"]) == {"ingest"}
    assert "local file (Demo tape)" in listing.failures.set_index("path").loc[f"spotify:playlist:{MINE}#5", "message"]


@pytest.mark.parametrize("how", ["403", "no items", "unknown"])
def test_a_foreign_playlist_is_a_failure_row(how: str, make_project: Make) -> None:
    """A playlist that is not the user's, which Spotify refuses or sends without items, does not stop the others."""
    project = make_project("dev2026")
    if how == "no items":
        project.fake.fail(f"/playlists/{THEIRS}/", Answer(body={"name": "Today's hits", "tracks": {"total": 50}}))
    asked = spotify_id(999) if how == "unknown" else THEIRS
    listing = project.ingest(playlists=[asked, MINE])
    assert len(listing.tracks) == 120
    assert [*listing.failures["path"]] == [f"spotify:playlist:{asked}"]
    assert [*listing.failures["reason"]] == ["not_found" if how == "unknown" else "not_granted"]


def test_a_refusal_is_not_believed_of_another_login(make_project: Make) -> None:
    """What one user is refused, another one is asked for at once, and so is the same user the next time."""
    project = make_project("dev2026")
    assert [*project.ingest(playlists=[THEIRS]).failures["reason"]] == ["not_granted"]
    project.log_in()
    assert [*project.ingest(playlists=[THEIRS]).failures["reason"]] == ["not_granted"]
    project.fake.playlists[THEIRS] = (USER, [{"item": track(1)}])
    listing = project.ingest(playlists=[THEIRS])
    assert (len(listing.tracks), len(listing.failures)) == (1, 0)
    assert project.fake.paths().count(f"/v1/playlists/{THEIRS}/items") == 3


def test_a_quota_leaves_a_refusal_as_it_was(make_project: Make) -> None:
    """A refused playlist that cannot be asked for again is still the failure row that it was."""
    project = make_project("dev2026")
    first = project.ingest(playlists=[THEIRS])
    project.fake.profile, project.fake.left = "quota", 0
    assert project.ingest(playlists=[THEIRS]).failures.equals(first.failures)


def test_refused_features_are_not_believed_of_another_app(make_project: Make) -> None:
    """When SPOTIPY_CLIENT_ID is another one, its audio features are asked for."""
    project = make_project("dev2026")
    assert project.ingest(tracks=[spotify_id(1)]).capabilities["audio features"] == "not granted to this app (403)"
    project.environ["SPOTIPY_CLIENT_ID"], project.fake.profile = "another-app", "extended"
    assert project.ingest(tracks=[spotify_id(1)]).capabilities["audio features"] == "granted"


@pytest.mark.parametrize(
    ("answer", "config", "message"),
    [
        (
            refusal(403, "Insufficient client scope"),
            {"saved": True},
            r"your saved tracks \(Insufficient client scope\)",
        ),
        (
            Answer(status=403, body=b"The user may not be registered.", kind="text/plain"),
            {"playlists": [MINE]},
            "whom the app's owner has not listed in it: The user may not be registered",
        ),
    ],
    ids=["saved", "not registered"],
)
def test_a_refusal_of_everything_is_no_empty_library(
    answer: Answer, config: dict[str, Any], message: str, make_project: Make
) -> None:
    """A 403 that does not speak of one playlist ends the run with exit code 3, and is not remembered."""
    project = make_project("dev2026")
    project.fake.fail("/v1/", answer)
    with pytest.raises(NotReadyError, match=message) as caught:
        project.ingest(**config)
    assert caught.value.exit_code == 3
    assert len(project.ingest(**config).tracks) >= 30


@pytest.mark.parametrize(("status", "code"), [(400, "server_error"), (403, "access_denied"), (404, "gone")])
def test_a_refusal_of_the_token_service_is_none_of_the_playlist(status: int, code: str, make_project: Make) -> None:
    """When no token is given, for whatever reason, the run ends in one line; no playlist is taken for another's."""
    project = make_project("expired")
    project.fake.fail("/api/token", Answer(status=status, body={"error": code}))
    with pytest.raises(NotReadyError, match=rf"Spotify gives no token \({status}: {code}\): try later, or log in"):
        project.ingest(playlists=[MINE])
    assert len(project.ingest(playlists=[MINE]).tracks) == 120


def test_an_app_alone_gets_tracks_and_searches(make_project: Make) -> None:
    """With client credentials alone, single tracks and searches work; an unknown id is a failure row."""
    project = make_project("dev2026")
    project.tokens.forget()
    listing = project.ingest(tracks=[spotify_id(5), f"spotify:track:{'z' * 22}"], search=["find 23"])
    assert len(listing.tracks) == 23
    assert [*listing.failures["reason"]] == ["not_found"]
    assert listing.capabilities["who asks"] == "the app alone"
    assert {asked.query["limit"] for asked in project.fake.asked if asked.path.endswith("/search")} == {"10"}


def test_playlists_need_a_login_and_nothing_is_asked_without(make_project: Make) -> None:
    """Who asks for a playlist without having logged in is told the command, before any request."""
    project = make_project("dev2026")
    project.tokens.forget()
    with pytest.raises(NotReadyError, match="need a user login: log in with `soundatlas login spotify`"):
        project.ingest(playlists=[MINE])
    assert project.fake.asked == []


def test_an_app_token_is_not_called_expired(make_project: Make) -> None:
    """A 401 that wants a user is told as such, and no new token is fetched for it."""
    project = make_project("dev2026")
    project.fake.fail("/me/tracks", refusal(401, "Valid user authentication required"))
    with pytest.raises(NotReadyError, match="needs a user login for this"):
        project.ingest(saved=True)
    assert project.fake.paths() == ["/v1/me/tracks"]


def test_an_owner_without_premium_is_told_in_spotifys_words(make_project: Make) -> None:
    """A refusal in plain text stops the run with exit code 3 and says what Spotify says."""
    with pytest.raises(NotReadyError, match="Active premium subscription required for the owner of the app") as caught:
        make_project("no_premium").ingest(playlists=[MINE])
    assert caught.value.exit_code == 3


def test_an_expired_token_is_renewed_once(make_project: Make) -> None:
    """A token that has expired before its time costs one renewal and one repeated request."""
    project = make_project("expired")
    assert len(project.ingest(playlists=[MINE]).tracks) == 120
    assert project.fake.paths()[:3] == [f"/v1/playlists/{MINE}/items", "/api/token", f"/v1/playlists/{MINE}/items"]
    assert project.fake.paths().count("/api/token") == 1


def test_a_new_token_that_is_refused_too_is_the_end(make_project: Make) -> None:
    """There is one renewal and one retry, not a circle."""
    project = make_project("dev2026")
    project.fake.fail("/me/tracks", refusal(401, "The access token expired"), times=9)
    with pytest.raises(NotReadyError, match="refuses a new token as well"):
        project.ingest(saved=True)
    assert project.fake.paths().count("/v1/me/tracks") == 2


def test_a_revoked_login_is_forgotten(make_project: Make) -> None:
    """`invalid_grant` removes the token from disk and asks to log in again."""
    project = make_project("expired")
    project.fake.refresh_tokens.clear()
    with pytest.raises(NotReadyError, match=r"login has ended \(Refresh token revoked\): log in with"):
        project.ingest(saved=True)
    assert not project.tokens.path.exists()


def test_a_login_that_another_run_has_renewed_goes_on(make_project: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refresh token that another run's renewal has ended is no end of the login: the file's new one is taken."""
    project = make_project("expired")
    fake, theirs = project.fake, "refresh-of-the-other-run"
    respond = fake.respond

    def after_the_other_run(asked: Asked) -> Answer:
        if asked.path == "/api/token" and "refresh-0" in fake.refresh_tokens:
            fake.refresh_tokens = {theirs}
            project.tokens.save_token_to_cache(fake.login() | {"refresh_token": theirs})
        return respond(asked)

    monkeypatch.setattr(fake, "respond", after_the_other_run)
    assert len(project.ingest(playlists=[MINE]).tracks) == 120
    sent = [asked.form["refresh_token"] for asked in fake.asked if asked.path == "/api/token"]
    assert sent == ["refresh-0", theirs]
    assert project.tokens.path.exists()


def test_an_unknown_app_is_told(make_project: Make) -> None:
    """A wrong client secret is named as such, and is not shown."""
    project = make_project("dev2026")
    project.tokens.forget()
    project.environ["SPOTIPY_CLIENT_SECRET"] = "wrong-secret"  # noqa: S105 - nobody's
    with pytest.raises(NotReadyError, match="check SPOTIPY_CLIENT_ID and SPOTIPY_CLIENT_SECRET") as caught:
        project.ingest(tracks=[spotify_id(1)])
    assert "wrong-secret" not in str(caught.value)


def test_a_token_service_that_sends_no_token_is_told(make_project: Make) -> None:
    """An answer without a token is the service's fault, in one line."""
    project = make_project("dev2026")
    project.tokens.forget()
    project.fake.fail("/api/token", Answer(body={"hello": 1}))
    with pytest.raises(WebError, match="sends no token"):
        project.ingest(tracks=[spotify_id(1)])


def test_faults_that_pass_go_unnoticed(make_project: Make) -> None:
    """A 503, and a 429 with a short Retry-After in the middle of a playlist cost waits, no rows."""
    project = make_project("dev2026")
    project.fake.fail("/items", Answer(status=503))
    project.fake.fail("/items", Answer(status=429, body={}, headers={"Retry-After": "30"}))
    assert len(project.ingest(playlists=[MINE]).tracks) == 120
    assert 30 <= project.time.passed < 45


def test_an_error_that_is_a_string_is_told(make_project: Make) -> None:
    """`error` as a string, which spotipy stumbles over, is one line like any other."""
    project = make_project("dev2026")
    project.fake.fail("/me/tracks", Answer(status=418, body={"error": "teapot"}))
    with pytest.raises(WebError, match="spotify answers 418 to GET /v1/me/tracks: teapot"):
        project.ingest(saved=True)


def test_a_paging_address_elsewhere_gets_nothing(make_project: Make) -> None:
    """Where a page names another host as the next one, that host is never asked, with or without the token."""
    project = make_project("dev2026")
    with FakeSpotify() as elsewhere:
        page = {"items": [{"item": track(1)}], "total": 60, "next": f"{elsewhere.url}/v1/steal?offset=50"}
        project.fake.fail("/items", Answer(body=page))
        project.ingest(playlists=[MINE])
        assert elsewhere.asked == []


def test_a_hanging_service_is_told(make_project: Make) -> None:
    """A Spotify that accepts and says nothing ends the run in one line."""
    project = make_project("dev2026")
    project.timeouts = Timeouts(connect=1.0, read=0.1, total=1.0)
    project.fake.fail("/me/tracks", hanging(), times=9)
    with pytest.raises(WebError, match="spotify does not answer in time"):
        project.ingest(saved=True)


def test_no_secret_is_in_what_a_run_leaves(make_project: Make, caplog: pytest.LogCaptureFixture) -> None:
    """Neither token nor client secret is in the listing, the project's files or the log, even at level DEBUG."""
    project = make_project("expired")
    with caplog.at_level("DEBUG"):
        listing = project.ingest(playlists=[MINE], tracks=[spotify_id(1)])
    told = caplog.text + str(vars(listing)) + listing.tracks.to_csv() + listing.failures.to_csv()
    files = [path.read_bytes() for path in project.root.rglob("*") if path.is_file()]
    for secret in ("BQ-secret-token", CLIENT_SECRET, "refresh-"):
        assert secret not in told
        assert not any(secret.encode() in content for content in files)


@pytest.mark.parametrize(
    ("environ", "config", "message"),
    [
        ({}, {"saved": True}, "SPOTIPY_CLIENT_ID is not set"),
        ({"SPOTIPY_CLIENT_ID": "x"}, {"saved": True}, "need a user login"),
        ({"SPOTIPY_CLIENT_ID": "x"}, {"search": ["y"]}, "SPOTIPY_CLIENT_SECRET is not set"),
        ({"SPOTIPY_CLIENT_ID": "x", "SPOTIPY_CLIENT_SECRET": "s"}, {"search": ["y"]}, ""),
    ],
)
def test_readiness_says_what_is_missing(
    environ: dict[str, str], config: dict[str, Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`soundatlas sources` tells what Spotify needs, for what is configured."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    ready = spotify.readiness(SpotifySourceParams(source="spotify", **config), environ)
    assert ready.ready is not bool(message)
    assert message in ready.message


@pytest.mark.parametrize("written", ["{}", "spotify:track:{}", "https://open.spotify.com/intl-de/track/{}?si=abc"])
def test_ids_are_read_as_spotify_writes_them(written: str) -> None:
    """An id, a URI and a link of the "Share" button mean the same."""
    assert spotify.bare_id(written.format(spotify_id(5))) == spotify_id(5)
