"""What workers heard, in files until the history has it: `<model>-<contract>/<audio SHA-256>.json`, each whole.

A failure that may pass lies under the hash of its URL, where a message brought it: it is no answer for the bytes.

A worker on another machine cannot write into the history, which is a database on a local disk. The name of a file says
what it answers, so that writing it twice is writing it once.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from soundatlas.history.answers import Answer
from soundatlas.scale.attempted import pack_attempts, unpack_attempts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from soundatlas.attempts import Attempt
    from soundatlas.history.store import ModelKey
    from soundatlas.scale.places import Place

ANSWERS = "data/history/answers"
SUFFIX = ".json"


@dataclass(frozen=True)
class Said:
    """What came of some audio.

    Attributes:
        audio_sha256: of its bytes.
        answer: what holds for these bytes; None where none of the files could be heard this time.
        failed: path -> why that file could not be heard this time.
        fault: why the bundle cannot be used, which is no fault of the files; otherwise None.
        attempts: at all of the files.
    """

    audio_sha256: str
    answer: Answer | None
    failed: dict[str, Answer] = field(default_factory=dict)
    fault: str | None = None
    attempts: tuple[Attempt, ...] = ()


def answers_place(project: Place, key: ModelKey) -> Place:
    """Return where the answers of a model wait for the history."""
    return project.within(f"{ANSWERS}/{key.model_sha256}-{key.contract_sha256}")


def answer_name(audio_sha256: str) -> str:
    """Return the name of the file that says what came of some audio."""
    return f"{audio_sha256}{SUFFIX}"


def write_said(place: Place, said: Said, named: str | None = None) -> None:
    """Write what came of some audio, whole or not at all; under another name than the audio's hash if there is one."""
    about = {
        "audio_sha256": said.audio_sha256,  # also in the file's name, mostly; `soundatlas forget` looks for it in here
        "answer": None if said.answer is None else _packed(said.answer),
        "failed": {path: _packed(answer) for path, answer in said.failed.items()},
        "fault": said.fault,
        "attempts": pack_attempts(said.attempts),
    }
    with place.replacing(answer_name(named or said.audio_sha256)) as beside:
        beside.write_text(json.dumps(about), encoding="utf-8")


def take_said(place: Place) -> Iterator[Said]:
    """Yield what came of all audio that waits here, and remove each once the caller asks for the next one."""
    for name in sorted(place.signatures()):
        if name.startswith(".") or not name.endswith(SUFFIX):
            continue
        about = json.loads(place.read(name))
        yield Said(
            about["audio_sha256"],
            None if about["answer"] is None else _unpacked(about["answer"]),
            {path: _unpacked(answer) for path, answer in about["failed"].items()},
            about["fault"],
            unpack_attempts(about.get("attempts", [])),  # a version without them may have left some
        )
        place.remove(name)


def _packed(answer: Answer) -> list[Any]:
    return [answer.status, answer.message, answer.said, base64.b64encode(answer.embedding).decode("ascii")]


def _unpacked(packed: list[Any]) -> Answer:
    status, message, said, embedding = packed
    return Answer(status, message, said, base64.b64decode(embedding))
