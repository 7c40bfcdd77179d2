"""MusicBrainz's web service, version 2: recordings by ISRC."""

from __future__ import annotations

from typing import Any

from tests.fakes.server import Answer, Asked, FakeServer


def recording(number: int, **changes: Any) -> dict[str, Any]:
    """A recording object."""
    return {
        "id": f"00000000-0000-4000-8000-{number:012d}",
        "title": f"Title {number}",
        "length": 180_000,
        "video": False,
        "disambiguation": "",
        "first-release-date": f"{1950 + number % 60}-03",
        "genres": [
            {"id": "1", "name": "rock", "count": 3, "disambiguation": ""},
            {"id": "2", "name": "hard rock", "count": 7, "disambiguation": ""},
        ],
    } | changes


class FakeMusicBrainz(FakeServer):
    """MusicBrainz.

    Attributes:
        recordings: ISRC -> recordings.
    """

    def __init__(self) -> None:
        super().__init__()
        self.recordings: dict[str, list[Any]] = {}

    def respond(self, asked: Asked) -> Answer:
        """Answer as MusicBrainz does; who does not introduce themselves is refused."""
        if "soundatlas/" not in asked.headers.get("User-Agent", "") or asked.query.get("fmt") != "json":
            return Answer(status=403, body={"error": "Your User-Agent is not meaningful"})
        isrc = asked.path.rpartition("/")[2]
        if not asked.path.startswith("/ws/2/isrc/") or isrc not in self.recordings:
            return Answer(status=404, body={"error": "Not Found", "help": "For usage, please see: the documentation"})
        return Answer(body={"isrc": isrc, "recordings": self.recordings[isrc]})
