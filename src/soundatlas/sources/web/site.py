"""Which addresses a source may ask: https, and named here; or what the user configured."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import SplitResult, urlsplit

from soundatlas.errors import NotReadyError, WebError

if TYPE_CHECKING:
    from collections.abc import Mapping

PORTS = {"http": 80, "https": 443}


class Judge(Protocol):
    """Looks at a JSON answer that came with status 200 and raises what its words mean."""

    def __call__(self, answer: Any) -> None:
        """Raise `Pause` or `RefusedError`, or return."""


@dataclass(frozen=True)
class Site:
    """A service and its manners.

    Attributes:
        name: what to call it in messages.
        base_urls: of its APIs, as `base_url` gives them; one that the user configured may be plain http.
        hosts: further hosts that it may send us to, by https only; ".example.org" stands for every host below.
        rate: (requests, seconds) that it allows, or None where it tells by itself when to pause.
        user_agent: how we introduce ourselves.
        judge: what errors it hides in answers with status 200.
    """

    name: str
    base_urls: tuple[str, ...]
    hosts: tuple[str, ...] = ()
    rate: tuple[int, float] | None = None
    user_agent: str = "soundatlas"
    judge: Judge | None = field(default=None, compare=False)

    def check(self, url: str) -> None:
        """Refuse an address that is none of this site's.

        Raises:
            WebError: reason "refused_url"; the message names the host, never the query.
        """
        try:
            parts, port = urlsplit(url), _port(urlsplit(url))
        except ValueError:
            raise WebError(f"{self.name} names an address that is none: not followed", "refused_url") from None
        host = (parts.hostname or "").rstrip(".")
        plain = parts.username is None and parts.password is None
        listed = parts.scheme == "https" and port == PORTS["https"] and any(_names(entry, host) for entry in self.hosts)
        if not (plain and (listed or any(_origin(base) == (parts.scheme, host, port) for base in self.base_urls))):
            raise WebError(
                f"{self.name} names an address at {parts.scheme}://{host[:80]}, which is none of its own: not followed",
                "refused_url",
            )


def base_url(environ: Mapping[str, str], variable: str, default: str) -> str:
    """Return the address of an API without a slash at its end: what the user configured, or the real one.

    Args:
        environ: the environment.
        variable: that the user sets.
        default: of the real service.

    Raises:
        NotReadyError: when the environment holds something else than an http or https address.
    """
    value = environ.get(variable) or default
    try:
        parts = urlsplit(value)
        usable = parts.scheme in PORTS and bool(parts.hostname) and _port(parts) > 0
    except ValueError:
        usable = False
    if not usable or parts.username or parts.query or parts.fragment:
        raise NotReadyError(f"{variable} is not an http or https address: correct it, or unset it for the real service")
    return value.rstrip("/")


def _names(entry: str, host: str) -> bool:
    return host.endswith(entry) if entry.startswith(".") else host == entry


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").rstrip("."), _port(parts)


def _port(parts: SplitResult) -> int:
    return parts.port or PORTS.get(parts.scheme, 0)
