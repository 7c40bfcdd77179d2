"""Classification as a Beam transform, and files heard by it for whoever keeps the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import apache_beam as beam

from soundatlas.errors import BundleError
from soundatlas.progress import silent
from soundatlas.registry.contract import read_contract
from soundatlas.registry.prediction_key import code_sha256, model_key
from soundatlas.scale.answers import Said, answers_place, take_said, write_said
from soundatlas.scale.hearing import Ear, Waiting, hear
from soundatlas.scale.runners import run_pipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    import pandas as pd

    from soundatlas.history.answers import Answer
    from soundatlas.params import EngineParams
    from soundatlas.progress import Advance
    from soundatlas.registry.pin import Champion
    from soundatlas.scale.places import Place

BUNDLES = "mlruns/bundles"


class Classify(beam.PTransform):  # type: ignore[misc]  # Beam is not typed
    """From `Waiting` audio to what the model says of it, or why none of its files can be heard.

    Gives a dictionary: under "said" a `Said` per audio, under "failures" path and reason code of each file that could
    not be heard. It keeps no state and may be given an unbounded collection.
    """

    def __init__(self, ear: Ear) -> None:
        super().__init__()
        self.ear = ear

    def expand(self, waiting: Any) -> dict[str, Any]:
        """Build the transform; see the class."""
        said = waiting | "hear" >> beam.ParDo(_Hear(self.ear))
        return {"said": said, "failures": said | "take failures" >> beam.FlatMap(_failures)}


class _Hear(beam.DoFn):  # type: ignore[misc]
    def __init__(self, ear: Ear) -> None:
        super().__init__()
        self.ear = ear

    def process(self, waiting: Waiting) -> Iterator[Said]:
        yield hear(waiting, self.ear)


class WriteAnswers(beam.DoFn):  # type: ignore[misc]
    """Write what came of each audio where the project finds it, by the audio's hash."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place

    def process(self, said: Said) -> Iterator[str]:
        """Write one, and give its hash."""
        write_said(self.place, said)
        yield said.audio_sha256


def _failures(said: Said) -> Iterator[tuple[str, str]]:
    for path, answer in said.failed.items():
        yield path, answer.status


def hear_files_with_beam(
    folder: Path,
    champion: Champion,
    listing: pd.DataFrame,
    project: Place,
    *,
    timeout_seconds: float,
    keep: Callable[[dict[str, Answer]], object],
    engine: EngineParams,
    denied: AbstractSet[str] = frozenset(),
    advance: Advance = silent,
) -> dict[str, Answer]:
    """Hear the readable files of a listing: `registry.classification.hear_files` on a cluster; equal bytes once.

    Workers leave each answer in a file of its own, and `keep` gets them when the job has ended. What waits there
    already, of an interrupted job or of messages, is kept too, and not heard again.

    Args:
        folder: of the champion's bundle.
        champion: what the registry knows of it.
        listing: rows of `tables.INBOX`; those with a reason are passed over.
        project: what relative paths are relative to; every worker must reach it.
        timeout_seconds: longest time for one attempt at one file.
        keep: is given each answer that holds for the audio: audio SHA-256 -> answer.
        engine: the runner and its options.
        denied: hashes of audio of which nothing may be kept, whoever heard it.
        advance: called with the number of different audio files that were heard.

    Returns:
        path -> why it could not be heard this time, for reasons that do not lie in the bytes.

    Raises:
        BundleError: when the bundle computes something else where the workers run.
    """
    key = model_key(read_contract(folder, champion.content_sha256))
    place = answers_place(project, key)
    known = keep_waiting(place, keep, denied)
    readable = listing[listing["reason"].isna() & ~listing["audio_sha256"].isin(list(known))]
    waiting = [
        Waiting(str(sha), tuple(str(path) for path in rows["path"]))
        for sha, rows in readable.groupby("audio_sha256", sort=False)
    ]
    advance(len(known & set(listing["audio_sha256"])))
    failed: dict[str, Answer] = {}
    if not waiting:
        return failed
    ear = make_ear(folder, champion, project, timeout_seconds)

    def build(pipeline: Any) -> None:
        said = (pipeline | "waiting" >> beam.Create(waiting) | "classify" >> Classify(ear))["said"]
        said | "answers" >> beam.ParDo(WriteAnswers(place))

    run_pipeline(build, engine, units=len(waiting))
    for said in take_said(place):
        if said.fault is not None:
            raise BundleError(said.fault)
        _kept(said, keep)
        failed |= said.failed
    advance(len(waiting))
    return failed


def keep_waiting(
    place: Place, keep: Callable[[dict[str, Answer]], object], denied: AbstractSet[str] = frozenset()
) -> set[str]:
    """Keep the answers that wait in a place; return the hashes of their audio."""
    return {said.audio_sha256 for said in take_said(place) if said.audio_sha256 not in denied and _kept(said, keep)}


def make_ear(folder: Path, champion: Champion, project: Place, timeout_seconds: float) -> Ear:
    """Return what the workers hear with, once the bundle in `folder` lies where they reach it."""
    bundle = project.within(f"{BUNDLES}/{champion.content_sha256}")
    if bundle.local != folder:
        bundle.fill(folder)
    return Ear(project, bundle, champion.content_sha256, timeout_seconds, code_sha256())


def _kept(said: Said, keep: Callable[[dict[str, Answer]], object]) -> bool:
    """Keep an answer, and return whether there was one."""
    if said.answer is None:
        return False
    keep({said.audio_sha256: said.answer})
    return True
