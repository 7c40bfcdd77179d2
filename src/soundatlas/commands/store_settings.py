"""What of `params.yaml` a store of loose audio needs, remembered from when it was checked.

Checking the whole file takes longer than five clips take to become spectrograms. It is done again where the file, or
the code that checks it, has changed.
"""

from __future__ import annotations

import contextlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import soundatlas
from soundatlas.audio.spectrogram import FrontEnd
from soundatlas.files import read_json, sha256_file, sha256_json, write_json

CHECKED_BY = ("params.py", "source_params.py", "sections.py", "param_faults.py", "commands/store_settings.py")


@dataclass(frozen=True)
class StoreSettings:
    """Settings of a store of loose audio.

    Attributes:
        front_end: how spectrograms are computed.
        timeout_seconds: longest time for one track.
        retries: how often a track is tried again.
        max_file_megabytes: a larger file is not read.
    """

    front_end: FrontEnd
    timeout_seconds: float
    retries: int
    max_file_megabytes: int


def read_settings(params_path: Path, memory: Path) -> StoreSettings:
    """Return the settings of a `params.yaml`, checked now or when it last had these bytes.

    Args:
        params_path: of the `params.yaml`.
        memory: a JSON file of ours, written where it does not know these bytes; without it, all is checked anew.

    Raises:
        ParamsError: when the file holds what cannot be.
    """
    key = _key(params_path)
    if (remembered := _recall(memory, key)) is not None:
        return remembered
    from soundatlas.params import load_params

    params = load_params(params_path)
    settings = StoreSettings(
        front_end=FrontEnd.of(params.spectrograms),
        timeout_seconds=params.spectrograms.timeout_seconds,
        retries=params.spectrograms.retries,
        max_file_megabytes=params.ingest.max_file_megabytes,
    )
    with contextlib.suppress(OSError):  # a project that may not be written to costs the time to check again
        write_json(memory, {"key": key, "settings": asdict(settings)})
    return settings


def _key(params_path: Path) -> str | None:
    """Return the hash of the parameters and of the code that checks them, or None where there are none to read."""
    package = Path(soundatlas.__file__).parent
    try:
        return sha256_json([sha256_file(path) for path in (params_path, *(package / name for name in CHECKED_BY))])
    except OSError:
        return None


def _recall(memory: Path, key: str | None) -> StoreSettings | None:
    """Return what is remembered under a key; a memory that is absent or damaged costs only the time to check again."""
    try:
        remembered: dict[str, Any] = read_json(memory)
        if key is None or remembered["key"] != key:
            return None
        settings = remembered["settings"]
        return StoreSettings(**{**settings, "front_end": FrontEnd(**settings["front_end"])})
    except (OSError, ValueError, LookupError, TypeError):
        return None
