"""Deezer's public API and its preview server: errors come with status 200, and a signed address dies."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import soundfile

from tests.fakes.server import Answer, Asked, FakeServer

QUOTA = {"error": {"type": "Exception", "message": "Quota limit exceeded", "code": 4}}
NO_DATA = {"error": {"type": "DataException", "message": "no data", "code": 800}}


def preview(number: int, seconds: float = 2.0) -> bytes:
    """A tone as mp3; each number has another pitch."""
    times = np.arange(int(22_050 * seconds)) / 22_050
    file = io.BytesIO()
    soundfile.write(file, 0.3 * np.sin(2 * np.pi * (200 + 20 * number) * times), 22_050, format="MP3")
    return file.getvalue()


class FakeDeezer(FakeServer):
    """Deezer.

    Attributes:
        tracks: id -> a track object; its "preview" is made anew with each answer.
        dead: signatures that are refused, as after 15 minutes.
        silent_ids: tracks whose "preview" is empty.
        seconds: how long a preview is.
    """

    def __init__(self) -> None:
        super().__init__()
        self.tracks: dict[int, dict[str, Any]] = {}
        self.dead: set[str] = set()
        self.silent_ids: set[int] = set()
        self.seconds = 2.0
        self._signed = 0

    def add(self, number: int, **changes: Any) -> None:
        """Add a track."""
        self.tracks[number] = {
            "id": number,
            "readable": True,
            "title": f"Title {number}",
            "isrc": f"USRC1{number:07d}",
            "duration": 180,
            "release_date": f"{1970 + number % 50}-01-02",
            "bpm": 120.5 if number % 2 else 0,
            "gain": -9.1,
            "artist": {"id": 1, "name": f"Artist {number // 10}", "type": "artist"},
            "album": {"id": 2, "title": f"Album {number // 5}", "type": "album"},
            "type": "track",
        } | changes

    def respond(self, asked: Asked) -> Answer:
        """Answer as Deezer does."""
        match asked.path.strip("/").split("/"):
            case ["track", name] if name.startswith("isrc:"):
                found = [track for track in self.tracks.values() if track["isrc"] == name.removeprefix("isrc:")]
                return Answer(body=self._signed_track(found[0]) if found else NO_DATA)
            case ["track", name]:
                return Answer(body=self._signed_track(self.tracks[int(name)]) if int(name) in self.tracks else NO_DATA)
            case ["search"]:
                hits = [self._signed_track(track) for track in self.tracks.values()][: int(asked.query["limit"])]
                return Answer(body={"data": hits, "total": len(hits)})
            case ["stream", name]:
                if asked.query["hdnea"] in self.dead:
                    return Answer(status=403, body=b"", kind="text/html")
                return Answer(body=preview(int(name.partition(".")[0]), self.seconds), kind="audio/mpeg")
        return Answer(status=404, body=b"", kind="text/html")

    def _signed_track(self, track: dict[str, Any]) -> dict[str, Any]:
        self._signed += 1
        address = f"{self.url}/stream/{track['id']}.mp3?hdnea=signed-{self._signed}"
        return {**track, "preview": "" if track["id"] in self.silent_ids else address}
