"""Text that a terminal can be given, whoever looks at it."""

from __future__ import annotations

import codecs
import io
import re
import sys

SPELLED_OUT = "soundatlas.spelled_out"
ADDRESS = re.compile(r"://(\S+?)(?=[.,:;)]*(?:\s|$))")  # its place and query, without the end of a sentence


def printable(text: str) -> str:
    """Replace control characters, which a file's name may hold and a terminal would obey."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def printable_lines(text: str) -> str:
    """Do as `printable` with each line of a text that may have several."""
    return "\n".join(map(printable, text.split("\n")))


def hide_logins(text: str) -> str:
    """Hide what stands before the @ of addresses in a text, and their queries: both may hold passwords."""
    return ADDRESS.sub(_hide_login, text)


def _hide_login(address: re.Match[str]) -> str:
    place, asks, query = address[1].partition("?")
    if "@" in query:  # a login with a question mark in it, or a query with an @: who knows
        return "://***"
    login, at, host = place.rpartition("@")  # the last one: a password may hold one
    return f"://{'***' if login else ''}{at}{host}{asks}{'***' if query else ''}"


def spell_out_the_unwritable() -> None:
    r"""Let output and errors spell out what their encoding lacks, as under LC_ALL=C, instead of failing on it.

    As JSON does it, so that `--json` stays JSON: an accented e is \u00e9, where Python's own handler has \xe9.
    """
    codecs.register_error(SPELLED_OUT, _spell_out)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=SPELLED_OUT)


def _spell_out(error: UnicodeError) -> tuple[str, int]:
    import json  # rarely needed, and a command should start at once

    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end
