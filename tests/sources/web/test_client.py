"""The one client, against a service that behaves badly."""

from __future__ import annotations

import logging
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import pytest

from soundatlas.errors import QuotaError, RefusedError, WebError
from soundatlas.sources.web.client import Timeouts, WebClient
from soundatlas.sources.web.site import Site
from tests.fakes.server import Answer, broken_off, dripping, endless, hanging, html, truncated

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.time import QuickTime
    from tests.sources.web.conftest import Echo

TOKEN = "BQD-very-secret-token"  # noqa: S105 - nobody's
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def test_an_answer_comes_with_one_request(client: WebClient, echo: Echo) -> None:
    """Where all is well, one request is made and nobody waits."""
    assert client.get_json(f"{echo.url}/things", {"limit": 5}) == {"path": "/things"}
    assert [(asked.path, asked.query) for asked in echo.asked] == [("/things", {"limit": "5"})]
    assert client.requests_made == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_fault_that_passes_is_waited_for(status: int, client: WebClient, echo: Echo, quick_time: QuickTime) -> None:
    """After a status 5xx the same is asked again, each time after a longer wait."""
    echo.fail("/things", Answer(status=status, body=b"oops", kind="text/html"), times=2)
    assert client.get_json(f"{echo.url}/things") == {"path": "/things"}
    assert len(quick_time.slept) == 2
    assert 1.0 < quick_time.slept[0] < quick_time.slept[1]


def test_a_fault_that_stays_is_given_up(client: WebClient, echo: Echo) -> None:
    """After four tries the fault is told in one line."""
    echo.fail("/things", Answer(status=502), times=9)
    with pytest.raises(WebError, match=r"echo has a fault of its own \(status 502\): try again later") as caught:
        client.get_json(f"{echo.url}/things")
    assert caught.value.reason == "server_fault"
    assert len(echo.asked) == 4


def test_jitter_keeps_two_clients_apart(client: WebClient, echo: Echo, quick_time: QuickTime) -> None:
    """Waits are longer than asked for by a share that chance decides, never shorter."""
    echo.fail("/things", Answer(status=429, headers={"Retry-After": "10"}))
    client.get_json(f"{echo.url}/things")
    assert quick_time.slept == [pytest.approx(10 + 10 * 0.2 * 0.5)]


def test_a_hanging_socket_is_left(echo: Echo, quick_time: QuickTime) -> None:
    """A service that accepts and says nothing is asked again, and then given up with reason "timeout"."""
    client = WebClient(Site("echo", (echo.url,)), clock=quick_time.clock, timeouts=Timeouts(1.0, 0.1, 1.0))
    echo.fail("/things", hanging(), times=9)
    with pytest.raises(WebError, match="does not answer in time") as caught:
        client.get_json(f"{echo.url}/things")
    assert caught.value.reason == "timeout"
    assert len(echo.asked) == 4


def test_a_dripping_answer_is_cut_off(echo: Echo) -> None:
    """An answer that comes a byte at a time, each within the time for a read, ends with the time for the whole."""
    echo.fail("/things", dripping(0.05), times=4)
    quick = WebClient(Site("echo", (echo.url,)), timeouts=Timeouts(1.0, 1.0, 0.3))
    with pytest.raises(WebError, match="does not answer in time"):
        quick.request("POST", f"{echo.url}/things")


def test_a_post_is_not_repeated(client: WebClient, echo: Echo) -> None:
    """A request that may have done its work already, such as using up a code, is sent once."""
    echo.fail("/token", Answer(status=503), times=4)
    with pytest.raises(WebError):
        client.request("POST", f"{echo.url}/token")
    assert len(echo.asked) == 1


@pytest.mark.parametrize("seconds", ["7", "60"])
def test_a_short_pause_is_waited_for(seconds: str, client: WebClient, echo: Echo, quick_time: QuickTime) -> None:
    """Asked to come back within a minute, the client does, and no earlier."""
    echo.fail("/things", Answer(status=429, headers={"Retry-After": seconds}))
    assert client.get_json(f"{echo.url}/things") == {"path": "/things"}
    assert quick_time.passed >= float(seconds)


def test_a_long_pause_ends_the_run(client: WebClient, echo: Echo, quick_time: QuickTime) -> None:
    """Asked to come back tomorrow, the client says when, and sleeps not a second."""
    echo.fail("/things", Answer(status=429, headers={"Retry-After": "86400"}))
    with pytest.raises(QuotaError) as caught:
        client.get_json(f"{echo.url}/things")
    assert 86_400 <= caught.value.resume_after.timestamp() - quick_time.clock.now() <= 86_460
    assert caught.value.exit_code == 4
    assert quick_time.slept == []


def test_a_used_up_quota_ends_the_run(client: WebClient, echo: Echo, quick_time: QuickTime) -> None:
    """QUOTA_EXCEEDED is no matter of seconds, whatever Retry-After says."""
    body = {"error": {"status": 429, "message": "Too many requests", "reason": "QUOTA_EXCEEDED"}}
    echo.fail("/things", Answer(status=429, body=body, headers={"Retry-After": "2"}))
    with pytest.raises(QuotaError):
        client.get_json(f"{echo.url}/things")
    assert quick_time.slept == []


def test_pause_after_pause_ends_the_run(client: WebClient, echo: Echo) -> None:
    """A service that asks for a short pause again and again is left alone for an hour."""
    echo.fail("/things", Answer(status=429, headers={"Retry-After": "3"}), times=9)
    with pytest.raises(QuotaError):
        client.get_json(f"{echo.url}/things")
    assert len(echo.asked) == 4


@pytest.mark.parametrize("header", ["9" * 5000, "-5", "soon", "1e3", "Wed, 99 Foo 2026"])
def test_a_strange_retry_after_is_survived(header: str, client: WebClient, echo: Echo) -> None:
    """A header that is neither seconds nor a date is as good as none: a short wait."""
    echo.fail("/things", Answer(status=429, headers={"Retry-After": header}))
    assert client.get_json(f"{echo.url}/things") == {"path": "/things"}


def test_an_endless_retry_after_is_not_believed(client: WebClient, echo: Echo, quick_time: QuickTime) -> None:
    """A header that asks for ages ends the run for a week."""
    echo.fail("/things", Answer(status=429, headers={"Retry-After": "9" * 400}))
    with pytest.raises(QuotaError) as caught:
        client.get_json(f"{echo.url}/things")
    assert caught.value.resume_after.timestamp() - quick_time.clock.now() <= 7 * 86_400 + 60


def test_a_pause_of_unsaid_length_grows(client: WebClient, echo: Echo, quick_time: QuickTime) -> None:
    """A 429 without Retry-After is answered with growing waits, as a fault of the server is."""
    echo.fail("/things", Answer(status=429, body={}), times=3)
    client.get_json(f"{echo.url}/things")
    assert quick_time.slept == [pytest.approx(seconds) for seconds in (1.1, 2.2, 4.4)]


def test_a_date_in_retry_after_is_understood(client: WebClient, echo: Echo, quick_time: QuickTime) -> None:
    """The header may be a date, which is in the past here."""
    echo.fail("/things", Answer(status=503, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}))
    assert client.get_json(f"{echo.url}/things") == {"path": "/things"}
    assert quick_time.passed < 2


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (truncated({"items": list(range(50))}), "not_json"),
        (broken_off(b'{"items": ['), "cut_off"),
        (Answer(body=b""), "not_json"),
        (Answer(body=[1, 2]), "not_json"),
        (Answer(body=b"[" * 100_000), "not_json"),
        (Answer(body=b"\x1f\x8b no gzip", headers={"Content-Encoding": "gzip"}), "cut_off"),
        (html(), "bad_type"),
        (endless(20, "application/json"), "too_large"),
    ],
    ids=["truncated", "broken off", "empty", "a list", "deep", "not gzip", "html", "20 MB"],
)
def test_an_unusable_answer_is_named(answer: Answer, reason: str, client: WebClient, echo: Echo) -> None:
    """What cannot be used is one error with a reason code, and is not asked for again."""
    echo.fail("/things", answer)
    with pytest.raises(WebError) as caught:
        client.get_json(f"{echo.url}/things")
    assert caught.value.reason == reason
    assert len(echo.asked) == 1


@pytest.mark.parametrize(
    ("body", "kind", "said", "code"),
    [
        ({"error": {"status": 403, "message": "Forbidden"}}, "application/json", "Forbidden", ""),
        ({"error": {"status": 403}}, "application/json", "", ""),
        ({"error": "invalid_grant", "error_description": "Revoked"}, "application/json", "Revoked", "invalid_grant"),
        ({"error": "just a string"}, "application/json", "just a string", "just a string"),
        (b"Active premium subscription required", "text/plain", "Active premium subscription required", ""),
        (b"<html>a page</html>", "text/html", "", ""),
        ({"error": {"message": f"bad token {TOKEN}\x1b[2J\n"}}, "application/json", "bad token … [2J", ""),
    ],
    ids=["object", "no words", "oauth", "string", "plain text", "html", "an echo of the token"],
)
def test_a_refusal_carries_its_words(
    body: object, kind: str, said: str, code: str, client: WebClient, echo: Echo
) -> None:
    """Whatever shape a refusal has, status and words can be read, and they hold neither token nor escape."""
    echo.fail("/things", Answer(status=403, body=body, kind=kind))
    with pytest.raises(RefusedError) as caught:
        client.request("GET", f"{echo.url}/things", headers=BEARER)
    assert (caught.value.status, caught.value.said, caught.value.code) == (403, said, code)
    assert TOKEN not in str(caught.value)


def test_another_host_is_not_asked(client: WebClient, elsewhere: Echo) -> None:
    """An address that is none of the site's is refused before a byte leaves."""
    with pytest.raises(WebError, match="none of its own: not followed") as caught:
        client.request("GET", f"{elsewhere.url}/page2?token={TOKEN}", headers=BEARER)
    assert caught.value.reason == "refused_url"
    assert TOKEN not in str(caught.value)
    assert elsewhere.asked == []


def test_a_redirect_to_another_host_is_not_followed(client: WebClient, echo: Echo, elsewhere: Echo) -> None:
    """A redirect leads no further than the site's own hosts, and its body is not read without a limit."""
    echo.fail("/things", Answer(status=302, headers={"Location": f"{elsewhere.url}/things"}))
    with pytest.raises(WebError, match="none of its own"):
        client.request("GET", f"{echo.url}/things", headers=BEARER)
    assert elsewhere.asked == []


def test_a_redirect_to_another_host_of_the_site_loses_the_token(echo: Echo, elsewhere: Echo) -> None:
    """Between two hosts of one site a redirect is followed, but the token stays behind."""
    echo.fail("/things", Answer(status=307, headers={"Location": f"{elsewhere.url}/others"}))
    both = WebClient(Site("two", (echo.url, elsewhere.url)))
    assert both.request("GET", f"{echo.url}/things", headers=BEARER).json() == {"path": "/others"}
    assert "Authorization" in echo.asked[0].headers
    assert "Authorization" not in elsewhere.asked[0].headers


def test_a_redirect_to_no_address_is_not_followed(client: WebClient, echo: Echo) -> None:
    """A redirect to what is no address is refused as any other address that is none of the site's."""
    echo.fail("/things", Answer(status=302, headers={"Location": "http://[x"}))
    with pytest.raises(WebError, match="sends us to an address that is none: not followed") as caught:
        client.get_json(f"{echo.url}/things")
    assert caught.value.reason == "refused_url"


def test_redirects_in_a_circle_end(client: WebClient, echo: Echo) -> None:
    """A service that sends us round is left after three redirects."""
    echo.fail("/things", Answer(status=301, headers={"Location": "/things"}), times=9)
    with pytest.raises(WebError, match="round in circles"):
        client.get_json(f"{echo.url}/things")
    assert len(echo.asked) == 4


def test_no_login_is_taken_from_a_netrc_file(
    client: WebClient, echo: Echo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A login for the host in ~/.netrc does not replace the token that a source sends."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password mine\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    client.request("GET", f"{echo.url}/things", headers=BEARER)
    assert echo.asked[0].headers["Authorization"] == BEARER["Authorization"]


def test_the_rate_is_kept(echo: Echo, quick_time: QuickTime) -> None:
    """Of a service that allows 5 requests in 2 s, twelve take at least four seconds."""
    polite = WebClient(Site("slow", (echo.url,), rate=(5, 2.0)), clock=quick_time.clock)
    moments = []
    for _ in range(12):
        polite.get_json(f"{echo.url}/things")
        moments.append(quick_time.passed)
    assert all(later - earlier >= 2.0 for earlier, later in zip(moments, moments[5:], strict=False))
    assert quick_time.passed < 4.5


def test_audio_is_taken_up_to_a_limit(client: WebClient, echo: Echo) -> None:
    """A preview comes as bytes; 500 MB in its place are left as soon as they show; a page is no audio."""
    echo.fail("/preview", Answer(body=b"ID3 sound", kind="audio/mpeg"))
    assert client.get_audio(f"{echo.url}/preview", max_bytes=1_000_000) == b"ID3 sound"
    echo.fail("/preview", endless(500))
    with pytest.raises(WebError, match="more than 1,000,000 bytes") as caught:
        client.get_audio(f"{echo.url}/preview", max_bytes=1_000_000)
    assert caught.value.reason == "too_large"
    echo.fail("/preview", html())
    with pytest.raises(WebError, match="sends text/html where audio was asked for"):
        client.get_audio(f"{echo.url}/preview", max_bytes=1_000_000)


def test_a_compressed_flood_is_not_unpacked(client: WebClient, echo: Echo) -> None:
    """200 MB of zeros in 200 kB of gzip are left before they are unpacked."""
    packer = zlib.compressobj(9, wbits=31)
    flood = b"".join(packer.compress(bytes(1_000_000)) for _ in range(200)) + packer.flush()
    echo.fail("/things", Answer(body=flood, headers={"Content-Encoding": "gzip"}))
    tracemalloc.start()
    try:
        with pytest.raises(WebError, match="more than 5,000,000 bytes"):
            client.get_json(f"{echo.url}/things")
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()


def test_nothing_listens(quick_time: QuickTime) -> None:
    """Without a network the message says so, and asks nothing again."""
    client = WebClient(Site("gone", ("http://127.0.0.1:9",)), clock=quick_time.clock)
    with pytest.raises(WebError, match=r"gone cannot be reached \(ConnectionError\)"):
        client.get_json("http://127.0.0.1:9/things")
    assert quick_time.slept == []


def test_debug_logs_hold_no_secret(client: WebClient, echo: Echo, caplog: pytest.LogCaptureFixture) -> None:
    """Even where everything is logged, neither the token nor the query of an address is."""
    with caplog.at_level(logging.DEBUG):
        for name in ("urllib3.connectionpool", "spotipy.client", "spotipy.oauth2"):
            logging.getLogger(name).debug("Headers: %s", BEARER)
        client.request("GET", f"{echo.url}/things", params={"signature": TOKEN}, headers=BEARER)
    assert TOKEN not in caplog.text


def test_a_long_wait_is_told(echo: Echo, quick_time: QuickTime) -> None:
    """Who waits for more than two seconds is told why."""
    told: list[str] = []
    client = WebClient(Site("echo", (echo.url,)), clock=quick_time.clock, tell=told.append)
    echo.fail("/things", Answer(status=429, headers={"Retry-After": "30"}))
    client.get_json(f"{echo.url}/things")
    assert told == ["echo: waiting 33 s"]
