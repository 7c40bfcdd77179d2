"""Reading an answer's bytes: never more than asked for, and never for longer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from urllib3.exceptions import DecodeError, HTTPError, ReadTimeoutError

from soundatlas.errors import WebError

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCK_BYTES = 1 << 16


class Hanging(Exception):  # noqa: N818 - it never leaves this package
    """A connection or an answer takes longer than it may."""


def read_body(raw: Any, *, max_bytes: int, deadline: float, monotonic: Callable[[], float]) -> bytes:
    """Read what a streamed answer holds, uncompressed.

    Args:
        raw: the `urllib3.HTTPResponse`.
        max_bytes: a longer body is refused as soon as that shows, whatever its headers say.
        deadline: of `monotonic`; a body that drips is cut off there.
        monotonic: seconds that never go back.

    Raises:
        WebError: reason "too_large" or "cut_off".
        Hanging: when it takes too long.
    """
    blocks, size = [], 0
    try:
        while block := raw.read1(BLOCK_BYTES, decode_content=True):
            size += len(block)
            if size > max_bytes:
                raise WebError(f"the answer holds more than {max_bytes:,} bytes: not taken", "too_large")
            blocks.append(block)
            if monotonic() > deadline:
                raise Hanging
    except ReadTimeoutError:
        raise Hanging from None
    except DecodeError:
        raise WebError("the answer cannot be unpacked", "cut_off") from None
    except (HTTPError, OSError):
        raise WebError("the answer broke off", "cut_off") from None
    return b"".join(blocks)
