"""Classification as a Beam transform, and files heard by it for whoever keeps the answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import apache_beam as beam

from soundatlas.errors import BundleError
from soundatlas.files import registry_root
from soundatlas.progress import silent
from soundatlas.registry.contract import read_contract
from soundatlas.registry.prediction_key import code_sha256, model_key
from soundatlas.scale.answers import Said, answer_name, answers_place, take_said, write_said
from soundatlas.scale.attempted import ignore
from soundatlas.scale.hearing import Ear, Waiting, hear
from soundatlas.scale.places import Place
from soundatlas.scale.reporting import reporting_progress
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
    from soundatlas.scale.attempted import Note

BUNDLES = "mlruns/bundles"


@dataclass(frozen=True)
class Sites:
    """Where things lie, for the workers.

    Attributes:
        project: what the paths of audio are relative to.
        history: the project's folder in which answers wait for the history.
        bundles: the folder to put bundles in; None where the workers reach them as they lie.
    """

    project: Place
    history: Place
    bundles: Place | None

    @classmethod
    def of(cls, root: Path, place: str | None) -> Sites:
        """Return the sites of a project that its workers see at `place`, or as it lies."""
        if place is None:
            return cls(Place(str(root.resolve())), Place(str(registry_root(root).resolve())), None)
        elsewhere = Place(place)
        return cls(elsewhere, elsewhere, elsewhere.within(BUNDLES))


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
    sites: Sites,
    *,
    timeout_seconds: float,
    retries: int,
    keep: Callable[[dict[str, Answer]], object],
    engine: EngineParams,
    denied: AbstractSet[str] = frozenset(),
    advance: Advance = silent,
    note: Note = ignore,
) -> dict[str, Answer]:
    """Hear the readable files of a listing: `registry.classification.hear_files` on a cluster; equal bytes once.

    Workers leave each answer in a file of its own, and `keep` gets them when the job has ended. What waits there
    already, of an interrupted job or of messages, is kept too, and not heard again.

    Args:
        folder: of the champion's bundle.
        champion: what the registry knows of it.
        listing: rows of `tables.INBOX`; those with a reason are passed over.
        sites: where things lie; every worker must reach them.
        timeout_seconds: longest time for one attempt at one file.
        retries: how often a file is tried again that failed for a reason that may pass.
        keep: is given each answer that holds for the audio: audio SHA-256 -> answer.
        engine: the runner and its options.
        denied: hashes of audio of which nothing may be kept, whoever heard it.
        advance: called with the number of different audio files that were heard.
        note: is given what workers attempted, before `keep` has the answer.

    Returns:
        path -> why it could not be heard this time, for reasons that do not lie in the bytes.

    Raises:
        BundleError: when the bundle computes something else where the workers run.
    """
    key = model_key(read_contract(folder, champion.content_sha256))
    place = answers_place(sites.history, key)
    known = keep_waiting(place, keep, denied, note)
    readable = listing[listing["reason"].isna() & ~listing["audio_sha256"].isin(list(known))]
    waiting = [
        Waiting(str(sha), tuple(str(path) for path in rows["path"]))
        for sha, rows in readable.groupby("audio_sha256", sort=False)
    ]
    advance(len(known & set(listing["audio_sha256"])))
    failed: dict[str, Answer] = {}
    if not waiting:
        return failed
    ear = make_ear(folder, champion, sites, timeout_seconds, retries)

    def build(pipeline: Any) -> None:
        said = (pipeline | "waiting" >> beam.Create(waiting) | "classify" >> Classify(ear))["said"]
        said | "answers" >> beam.ParDo(WriteAnswers(place))

    with reporting_progress(place, {answer_name(one.audio_sha256): 1 for one in waiting}, advance):
        run_pipeline(build, engine, units=len(waiting))
    for said in take_said(place):
        if said.fault is not None:
            raise BundleError(said.fault)
        _kept(said, keep, note)
        failed |= said.failed
    return failed


def keep_waiting(
    place: Place,
    keep: Callable[[dict[str, Answer]], object],
    denied: AbstractSet[str] = frozenset(),
    note: Note = ignore,
    fail: Callable[[dict[str, Answer]], object] = ignore,
) -> set[str]:
    """Keep the answers that wait in a place, after their attempts; return the hashes of their audio.

    Args:
        place: of the answers.
        keep: is given each answer that holds for the audio: audio SHA-256 -> answer.
        denied: hashes of audio of which nothing may be kept, whoever heard it.
        note: is given what workers attempted, before `keep` has the answer.
        fail: is given why files could not be heard this time: path or URL -> reason.
    """
    known = set()
    for said in take_said(place):
        if said.audio_sha256 in denied:
            continue
        if _kept(said, keep, note):
            known.add(said.audio_sha256)
        fail(said.failed)
    return known


def make_ear(folder: Path, champion: Champion, sites: Sites, timeout_seconds: float, retries: int) -> Ear:
    """Return what the workers hear with, once the bundle in `folder` lies where they reach it."""
    bundle = Place(str(folder))
    if sites.bundles is not None:
        bundle = sites.bundles.within(champion.content_sha256)
        bundle.fill(folder)
    return Ear(sites.project, bundle, champion.content_sha256, timeout_seconds, retries, code_sha256())


def _kept(said: Said, keep: Callable[[dict[str, Answer]], object], note: Note) -> bool:
    """Note the attempts, keep the answer, and return whether there was one."""
    note({said.audio_sha256: said.attempts})
    if said.answer is None:
        return False
    keep({said.audio_sha256: said.answer})
    return True
