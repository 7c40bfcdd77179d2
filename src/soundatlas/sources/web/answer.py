"""What an answer means: content, a refusal, a pause, or a fault that passes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from soundatlas.errors import RefusedError, WebError
from soundatlas.sources.web.pause import later, retry_after_seconds

if TYPE_CHECKING:
    import requests

    from soundatlas.sources.web.clock import Clock
    from soundatlas.sources.web.site import Site

JSON_TYPES = ("application/json", "text/json", "text/javascript")
AUDIO_TYPES = ("audio/", "application/octet-stream", "binary/octet-stream")
SAID_CHARACTERS, CODE_CHARACTERS = 200, 60
OK, MULTIPLE, TOO_MANY, SERVER_FAULT = 200, 300, 429, 500


class Passing(Exception):  # noqa: N818 - it never leaves this package
    """The service has a fault that may pass: status 5xx."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def judge_answer(response: requests.Response, site: Site, accepted: tuple[str, ...], clock: Clock) -> None:
    """Return where the answer is what was asked for.

    Args:
        response: with its body read.
        site: who answered.
        accepted: content types, or beginnings of them.
        clock: for the time of day.

    Raises:
        Pause: to be waited for.
        Passing: to be asked again.
        QuotaError: nothing more for now.
        RefusedError: the service says no.
        WebError: reason "bad_type", "not_json".
    """
    status, retry_after = response.status_code, response.headers.get("Retry-After")
    if status == TOO_MANY or (status >= SERVER_FAULT and retry_after):
        _, code = _words(response)
        seconds = retry_after_seconds(retry_after, clock)
        raise later(site.name, seconds, clock, used_up="QUOTA" in code.upper())
    if status >= SERVER_FAULT:
        raise Passing(status)
    if not OK <= status < MULTIPLE:
        said, code = _words(response)
        where = f"{response.request.method} {urlsplit(response.url).path}"
        raise RefusedError(
            f"{site.name} answers {status} to {where}: {said or 'without a word'}", status=status, said=said, code=code
        )
    _check_content(response, site, accepted)


def _check_content(response: requests.Response, site: Site, accepted: tuple[str, ...]) -> None:
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if not kind.startswith(accepted):
        shown = _shorten(kind, 40) or "no type"
        raise WebError(f"{site.name} sends {shown} where {accepted[0].rstrip('/')} was asked for", "bad_type")
    if accepted is not JSON_TYPES:
        return
    answer = _parsed(response)
    if not isinstance(answer, dict):
        raise WebError(
            f"{site.name} sends broken JSON (cut off?): run the same again, it goes on where it stopped", "not_json"
        )
    if site.judge is not None:
        site.judge(answer)


def _parsed(response: requests.Response) -> Any:
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        return None


def _words(response: requests.Response) -> tuple[str, str]:
    """Return what a service says and its code for it: an object, a string or plain text, whatever it sends."""
    answer = _parsed(response)
    error = answer.get("error") if isinstance(answer, dict) else None
    if isinstance(error, dict):
        said, code = error.get("message"), error.get("reason")
    elif isinstance(answer, dict):
        said, code = answer.get("error_description") or error, error
    else:
        plain = response.headers.get("Content-Type", "").startswith("text/plain")
        said, code = (response.content[: 4 * SAID_CHARACTERS].decode("utf-8", "replace") if plain else ""), ""
    words = [word if isinstance(word, str) else "" for word in (said, code)]
    _, _, token = str(response.request.headers.get("Authorization", "")).partition(" ")
    said = words[0].replace(token, "…") if token else words[0]
    return _shorten(said, SAID_CHARACTERS), _shorten(words[1], CODE_CHARACTERS)


def _shorten(text: str, characters: int) -> str:
    return "".join(character if character.isprintable() else " " for character in text)[:characters].strip()
