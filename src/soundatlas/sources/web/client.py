"""The one client through which every call of a source goes."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import requests
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from soundatlas.errors import QuotaError, WebError
from soundatlas.sources.web.answer import AUDIO_TYPES, JSON_TYPES, Passing, judge_answer
from soundatlas.sources.web.body import Hanging, read_body
from soundatlas.sources.web.clock import Clock
from soundatlas.sources.web.pause import UNTOLD_QUOTA_SECONDS, Pause, later, with_jitter
from soundatlas.sources.web.politeness import Politeness

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from soundatlas.sources.web.site import Site

ATTEMPTS = 4
MAX_REDIRECTS = 3
JSON_BYTES = 5_000_000
TALKATIVE = ("spotipy.client", "spotipy.oauth2", "urllib3.connectionpool")  # log tokens, or signed addresses


@dataclass(frozen=True)
class Timeouts:
    """How long a call may take, in seconds: to connect, between two reads, and as a whole."""

    connect: float = 5.0
    read: float = 20.0
    total: float = 60.0


class WebClient(requests.Session):
    """A session that is polite, patient for a while, and believes nothing; spotipy takes it as its own.

    Args:
        site: which addresses it may ask, and how often.
        clock: for waiting.
        timeouts: of a single request.
        tell: is given a sentence when a pause is longer than two seconds.

    Attributes:
        requests_made: so far, each try counted.
    """

    def __init__(
        self,
        site: Site,
        *,
        clock: Clock | None = None,
        timeouts: Timeouts | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__()
        keep_logs_quiet()
        self.site, self._clock, self._timeouts = site, clock or Clock(), timeouts or Timeouts()
        self._politeness, self._tell = Politeness(site.rate, self._clock), tell or (lambda _: None)
        self.requests_made = 0
        self.headers["User-Agent"] = site.user_agent
        self.auth = _as_it_is

    def request(  # type: ignore[override]  # a narrower way in, on purpose
        self,
        method: str,
        url: str,
        *,
        accepted: tuple[str, ...] = JSON_TYPES,
        max_bytes: int = JSON_BYTES,
        **options: Any,
    ) -> requests.Response:
        """Ask, wait and ask again as far as that is sensible, and return an answer of status 2xx with its body.

        Only a GET is asked again after a fault: another request may have done its work already. Options for time
        and trust are ours alone.

        Raises:
            WebError: the service cannot be reached, or answers what cannot be used.
            RefusedError: the service says no.
            QuotaError: nothing more for now.
        """
        for name in ("timeout", "verify", "stream", "allow_redirects", "proxies"):
            options.pop(name, None)
        retrying = Retrying(
            sleep=self._clock.sleep,
            wait=self._wait_seconds,
            stop=stop_after_attempt(ATTEMPTS),
            retry=retry_if_exception_type((Pause, Passing, Hanging) if method == "GET" else Pause),
            reraise=True,
        )
        try:
            return retrying(self._ask, method, url, accepted, max_bytes, options)
        except Pause as pause:
            raise self._give_up(pause) from None
        except Passing as fault:
            said = f"{self.site.name} has a fault of its own (status {fault.status}): try again later"
            raise WebError(said, "server_fault") from None
        except Hanging:
            raise WebError(f"{self.site.name} does not answer in time: try again later", "timeout") from None

    def get_json(self, url: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return a JSON object."""
        answer: dict[str, Any] = self.request("GET", url, params=params).json()
        return answer

    def get_audio(self, url: str, *, max_bytes: int) -> bytes:
        """Return an audio file's bytes; that they are audio, the decoder has to say."""
        return self.request("GET", url, accepted=AUDIO_TYPES, max_bytes=max_bytes).content

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002 - the shape of requests
        """Let requests follow nothing by itself: it would read what it is sent without a limit, and ask any host."""
        return None

    def _ask(
        self, method: str, url: str, accepted: tuple[str, ...], max_bytes: int, options: dict[str, Any]
    ) -> requests.Response:
        deadline, options = self._clock.monotonic() + self._timeouts.total, dict(options)
        for _ in range(1 + MAX_REDIRECTS):
            answer = self._ask_once(method, url, max_bytes, deadline, options)
            if method != "GET" or not answer.is_redirect:
                judge_answer(answer, self.site, accepted, self._clock)
                return answer
            try:
                onwards = urljoin(url, answer.headers["Location"])
                elsewhere = urlsplit(onwards).netloc != urlsplit(url).netloc
            except ValueError:
                said = f"{self.site.name} sends us to an address that is none: not followed"
                raise WebError(said, "refused_url") from None
            if elsewhere:  # a token is for the host that it was meant for
                options["headers"] = {
                    name: value for name, value in (options.get("headers") or {}).items() if name != "Authorization"
                }
            url = onwards
            options.pop("params", None)
        raise WebError(f"{self.site.name} sends us round in circles", "refused_url")

    def _ask_once(
        self, method: str, url: str, max_bytes: int, deadline: float, options: dict[str, Any]
    ) -> requests.Response:
        self.site.check(url)
        self._politeness.wait_for(urlsplit(url).netloc)
        self.requests_made += 1
        timeout = (self._timeouts.connect, self._timeouts.read)
        try:
            with super().request(method, url, timeout=timeout, stream=True, **options) as answer:
                answer._content = read_body(  # noqa: SLF001 - what requests fills itself, but without a limit
                    answer.raw, max_bytes=max_bytes, deadline=deadline, monotonic=self._clock.monotonic
                )
                answer._content_consumed = True  # noqa: SLF001 - likewise
        except requests.Timeout:
            raise Hanging from None
        except requests.RequestException as error:
            said = f"{self.site.name} cannot be reached ({type(error).__name__}): is the network up?"
            raise WebError(said) from None
        return answer

    def _wait_seconds(self, state: RetryCallState) -> float:
        fault = state.outcome.exception() if state.outcome else None
        asked = fault.seconds if isinstance(fault, Pause) else 0.0
        wait = with_jitter(max(asked, wait_exponential(min=1, max=20)(state)), self._clock)
        if wait > 2:  # noqa: PLR2004 - what a person notices
            self._tell(f"{self.site.name}: waiting {wait:.0f} s")
        return wait

    def _give_up(self, pause: Pause) -> QuotaError:
        """Turn a service that keeps asking for pauses into one that allows no more for now."""
        error = later(self.site.name, max(pause.seconds, UNTOLD_QUOTA_SECONDS), self._clock)
        assert isinstance(error, QuotaError)  # noqa: S101 - for the types: an hour is too long to wait for
        return error


def keep_logs_quiet() -> None:
    """Keep what spotipy and urllib3 log for debugging out of every log: headers with tokens, signed addresses."""
    for name in TALKATIVE:
        logging.getLogger(name).addFilter(_is_harmless)


def _is_harmless(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Take the place of an authentication, so that requests looks for none in ~/.netrc."""
    return request
