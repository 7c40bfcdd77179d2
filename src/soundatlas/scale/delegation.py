"""What stages and commands hand over: the same work, on this machine or on a cluster, as `params.engine` says."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import pandas as pd

    from soundatlas.audio.spectrogram import FrontEnd
    from soundatlas.history.answers import Answer
    from soundatlas.history.audit import AuditTrail, Step
    from soundatlas.params import EngineParams, Params
    from soundatlas.profiling import Profile
    from soundatlas.progress import Advance
    from soundatlas.registry.pin import Champion
    from soundatlas.scale.attempted import Attempted, Note, NoteUnder
    from soundatlas.store.writing import Update

BEAM = "beam"


def delegate_spectrograms(
    folder: Path,
    wanted: Mapping[str, str],
    front_end: FrontEnd,
    *,
    root: Path,
    timeout_seconds: float,
    retries: int,
    engine: EngineParams,
    advance: Advance,
    note: NoteUnder,
) -> Update:
    """Bring the store in `folder` up to date on the engine's cluster; arguments as of `store.writing.update_store`.

    With `engine.place`, the store is made there, and what has changed is then copied to `folder`.

    Raises:
        NotReadyError: when Apache Beam, or what its runner needs, is not installed or cannot be reached.
    """
    _check(engine)
    from soundatlas.scale.mirror import mirror_store
    from soundatlas.scale.places import Place
    from soundatlas.scale.spectrograms import update_store_with_beam

    here = Place(str(folder.resolve()))
    project = Place(engine.place or str(root.resolve()))
    there = here if engine.place is None else project.within(folder.relative_to(root).as_posix())
    update = update_store_with_beam(
        there,
        wanted,
        front_end,
        project=project,
        timeout_seconds=timeout_seconds,
        retries=retries,
        engine=engine,
        advance=advance,
        note=note,
    )
    if engine.place is not None:
        mirror_store(there, folder)
    return update


def noting(root: Path, trail: AuditTrail) -> NoteUnder:
    """Return a function that notes attempts at spectrograms, but for tracks that were forgotten meanwhile."""

    def note(contract_sha256: str, attempted: Attempted) -> None:
        from soundatlas.history.audit import SPECTROGRAM, Step
        from soundatlas.sources.deny_list import read_deny_list

        denied = read_deny_list(root).shas
        known = [(sha, attempts) for sha, attempts in attempted.items() if sha not in denied]
        trail.note(Step(SPECTROGRAM, contract_sha256), known)

    return note


def take_over_attempts(folder: Path, note: NoteUnder) -> None:
    """Note what workers attempted for a store, where a cluster's job was killed before it was noted."""
    if not any(folder.glob(".attempted-*")):  # most often; and then nothing else is imported
        return
    from soundatlas.scale.attempted import take_attempted
    from soundatlas.scale.places import Place

    for contract, attempted in take_attempted(Place(str(folder.resolve()))):
        note(contract, attempted)


def hearing(
    params: Params, trail: AuditTrail, step: Step, profile: Profile | None = None
) -> Callable[..., dict[str, Answer]]:
    """Return what hears files, as `registry.classification.hear_files` does: here, or on the engine's cluster.

    Args:
        params: the checked parameters.
        trail: what is attempted goes into it, as attempts at `step`.
        step: the prediction, and by which model.
        profile: takes down where the time went here, or which runner did the work.
    """
    retries = params.spectrograms.retries
    if params.engine.kind == BEAM:
        if profile is not None:
            profile.runner = params.engine.runner
        return partial(delegate_hearing, retries=retries, engine=params.engine, note=trail.noting(step))
    from soundatlas.history.watching import audited
    from soundatlas.profiling import profiled
    from soundatlas.registry.classification import hear_files
    from soundatlas.workers import retrying

    return partial(hear_files, map_jobs=audited(trail, step, profiled(profile, retrying(retries))))


def delegate_hearing(
    folder: Path,
    champion: Champion,
    listing: pd.DataFrame,
    root: Path,
    *,
    timeout_seconds: float,
    retries: int,
    keep: Callable[[dict[str, Answer]], object],
    engine: EngineParams,
    advance: Advance,
    note: Note,
) -> dict[str, Answer]:
    """Hear files on the engine's cluster; arguments and value as of `registry.classification.hear_files`.

    Raises:
        NotReadyError: when Apache Beam, or what its runner needs, is not installed or cannot be reached.
    """
    _check(engine)
    from soundatlas.scale.classification import Sites, hear_files_with_beam
    from soundatlas.sources.deny_list import read_deny_list

    return hear_files_with_beam(
        folder,
        champion,
        listing,
        Sites.of(root, engine.place),
        timeout_seconds=timeout_seconds,
        retries=retries,
        keep=keep,
        engine=engine,
        denied=read_deny_list(root).shas,
        advance=advance,
        note=note,
    )


def delegate_messages(
    subscription: str,
    under: str,
    folder: Path,
    champion: Champion,
    root: Path,
    *,
    params: Params,
    keep: Callable[[dict[str, Answer]], object],
    note: Note,
) -> None:
    """Hear the audio that messages name, until interrupted; each answer then goes to `keep`, as it does at the start.

    What could not be heard this time is then told, a line for each URL: nothing keeps it.

    Args:
        subscription: of Pub/Sub, e.g. `projects/p/subscriptions/s`.
        under: what the URLs in the messages must begin with.
        folder: of the champion's bundle.
        champion: what the registry knows of it; it stays the one that hears, whoever becomes champion meanwhile.
        root: of the project.
        params: the checked parameters.
        keep: is given each answer that holds for the audio: audio SHA-256 -> answer.
        note: is given what workers attempted, before `keep` has the answer.

    Raises:
        NotReadyError: when Apache Beam, or what its runner needs, is not installed or cannot be reached.
        UsageError: when the subscription is none.
    """
    _check(params.engine)
    from soundatlas.registry.contract import read_contract
    from soundatlas.registry.prediction_key import model_key
    from soundatlas.scale.answers import answers_place
    from soundatlas.scale.classification import Sites, keep_waiting, make_ear
    from soundatlas.scale.messages import ClassifyMessages, Fetching, read_messages
    from soundatlas.scale.runners import run_pipeline
    from soundatlas.sources.deny_list import read_deny_list

    sites = Sites.of(root, params.engine.place)
    place = answers_place(sites.history, model_key(read_contract(folder, champion.content_sha256)))
    ear = make_ear(folder, champion, sites, params.spectrograms.timeout_seconds, params.spectrograms.retries)
    source = read_messages(subscription)
    classify = ClassifyMessages(ear, place, Fetching(under, params.ingest.max_file_megabytes))
    try:
        keep_waiting(place, keep, read_deny_list(root).shas, note, _tell_failures)
        run_pipeline(lambda pipeline: pipeline | source | classify, params.engine, without_end=True)
    finally:
        keep_waiting(place, keep, read_deny_list(root).shas, note, _tell_failures)


def _check(engine: EngineParams) -> None:
    """Look for what every job needs, before anything is done for one."""
    from soundatlas.scale.runners import import_beam

    import_beam()
    from soundatlas.scale.places import Place

    if engine.place is not None:
        Place(engine.place).check()


def _tell_failures(failed: dict[str, Answer]) -> None:
    from soundatlas.sources.web.telling import tell

    for url, answer in failed.items():
        tell(f"{url!r} could not be heard: {answer.status}: {answer.message}")  # anybody may have written the URL
