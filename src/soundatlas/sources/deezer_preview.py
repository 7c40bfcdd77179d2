"""Fetching a preview: at once, as its address dies in minutes, and never believed to be audio before it decodes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from soundatlas.audio.decode import decode
from soundatlas.errors import RefusedError, SoundatlasError, TrackError

if TYPE_CHECKING:
    from soundatlas.sources.base import IngestContext
    from soundatlas.sources.deezer_api import DeezerApi, Found

PREVIEW_BYTES = 5_000_000  # 30 s of mp3 are half a megabyte
PREVIEW_SECONDS = 60.0
DIED = (403, 404, 410)  # what is answered to an address that was good minutes ago
SUFFIX = ".mp3"


def keep_preview(found: Found, api: DeezerApi, context: IngestContext) -> dict[str, Any]:
    """Fetch a track's preview into the store.

    Args:
        found: with an address that was given a moment ago.
        api: to fetch with, and to ask for a new address when that one has died.
        context: of the run.

    Returns:
        "path", "audio_sha256" and "duration_seconds" of the stored file.

    Raises:
        TrackError: reason "no_preview", or why what came is not usable audio.
        WebError: when it cannot be fetched.
        SoundatlasError: when the disk is full.
    """
    audio = _fetch(found, api)
    try:
        context.memory.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=context.memory, suffix=SUFFIX) as file:
            file.write(audio)
            file.flush()
            decoded = decode(Path(file.name), max_seconds=PREVIEW_SECONDS)
        stored = context.store.put([audio], SUFFIX)
    except OSError as error:
        raise SoundatlasError(
            f"audio cannot be stored ({error.strerror}): make room, then run the same again"
        ) from error
    return {
        "path": stored.path,
        "audio_sha256": stored.audio_sha256,
        "duration_seconds": decoded.duration_seconds,
    }


def _fetch(found: Found, api: DeezerApi) -> bytes:
    try:
        return api.client.get_audio(_address(found), max_bytes=PREVIEW_BYTES)
    except RefusedError as refusal:
        if refusal.status not in DIED:
            raise
    try:
        return api.client.get_audio(_address(api.again(found)), max_bytes=PREVIEW_BYTES)
    except RefusedError as refusal:
        raise TrackError("no_preview", f"Deezer refuses its preview twice ({refusal.status})") from None


def _address(found: Found) -> str:
    if not found.preview:
        raise TrackError("no_preview", "Deezer has no preview of it")
    return found.preview
