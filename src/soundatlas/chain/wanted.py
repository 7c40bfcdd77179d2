"""What can be made of a track: a module that imports nothing, since every command line does."""

from __future__ import annotations

from enum import StrEnum


class Wanted(StrEnum):
    """What is to be made of a track."""

    SPECTROGRAM = "spectrogram"
    EMBEDDING = "embedding"
    PREDICTION = "prediction"
