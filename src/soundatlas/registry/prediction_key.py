"""By what a prediction is known again: the model's content, and the hash of all that feeds it."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import soundatlas
from soundatlas.files import sha256_file, sha256_json
from soundatlas.history.store import ModelKey

if TYPE_CHECKING:
    from soundatlas.registry.contract import Contract

# The code between a file's bytes and its row. A change of it makes predictions stale, as it makes stage `classify`.
CODE = (
    "audio",
    "learning/backbone.py",
    "learning/backbone_weights.py",
    "learning/beat.py",
    "learning/blend.py",
    "learning/calibration.py",
    "learning/intervals.py",
    "learning/labels.py",
    "learning/linear_heads.py",
    "learning/litert.py",
    "learning/musicnn.py",
    "learning/open_set.py",
    "learning/pulse.py",
    "learning/references.py",
    "learning/retrieval.py",
    "learning/statistics.py",
    "learning/track.py",
    "registry/bundle.py",
    "registry/contract.py",
    "registry/golden.py",
    "registry/inference.py",
    "store/jobs.py",
)
DECODER = "soundfile"  # decides which files can be read, and carries its decoders along


def model_key(contract: Contract) -> ModelKey:
    """Return the key under which a model's predictions are kept."""
    front_ends = {part: front_end.sha256() for part, front_end in contract.front_ends.items()}
    fed_by = {"front_ends": front_ends, "decoder": version(DECODER), "code": code_sha256()}
    return ModelKey(contract.content_sha256, sha256_json(fed_by))


@cache
def code_sha256() -> str:
    """Return the hash of the code between a file's bytes and its row."""
    package = Path(soundatlas.__file__).parent
    files = [path for part in CODE for path in _python_files(package / part)]
    return sha256_json({path.relative_to(package).as_posix(): sha256_file(path) for path in files})


def _python_files(part: Path) -> list[Path]:
    return sorted(part.rglob("*.py")) if part.is_dir() else [part]
