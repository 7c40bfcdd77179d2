"""What would be made of a track, walking back from what is wanted: a step that is there needs none before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from soundatlas.chain.states import State, StepState
from soundatlas.chain.wanted import Wanted

if TYPE_CHECKING:
    from soundatlas.chain.states import Chain


@dataclass(frozen=True)
class Planned:
    """A step, and what is to be done about it.

    Attributes:
        found: what is there.
        runs: whether it is made.
        does: one phrase; what is done, or why nothing is.
    """

    found: StepState
    runs: bool
    does: str


def plan_steps(chain: Chain, wanted: Wanted, *, force: bool) -> list[Planned]:
    """Return the steps up to the wanted one, in order; nothing is computed.

    Args:
        chain: of the track.
        wanted: a prediction holds the embedding.
        force: make again what is there.
    """
    if wanted == Wanted.SPECTROGRAM:
        spectrogram = chain.spectrogram()
        return [Planned(chain.audio(), runs=False, does=_about_audio(chain)), _spectrogram(spectrogram, force=force)]
    found = chain.prediction()
    hears = force or found.state != State.PRESENT
    planned = [Planned(chain.audio(), runs=False, does=_about_audio(chain))]
    spectrogram, features = chain.spectrogram(), chain.features()
    if hears and chain.hears_store:
        planned += [_spectrogram(spectrogram, force=force), _features(features, force=force)]
    else:
        why = "the champion hears the file" if hears else "the prediction is there"
        planned += [Planned(each, runs=False, does=_nothing(each, why)) for each in (spectrogram, features)]
    if chain.model is None:
        does = "nothing: `dvc repro` trains a champion"
    elif hears:
        does = f"the champion hears {'it from the store' if chain.hears_store else 'the file'}"
    else:
        does = "nothing"
    return [*planned, Planned(found, runs=hears and chain.model is not None, does=does)]


def _about_audio(chain: Chain) -> str:
    return "nothing" if chain.file is not None else "nothing: `dvc repro` lists what lies there now"


def _nothing(found: StepState, why: str) -> str:
    return f"nothing: {why}" if found.state in {State.MISSING, State.STALE} else "nothing"


def _spectrogram(found: StepState, *, force: bool) -> Planned:
    runs = found.state != State.NOT_NEEDED and (force or found.state != State.PRESENT)
    return Planned(found, runs, "decode, log-mel, into its shard" if runs else "nothing")


def _features(found: StepState, *, force: bool) -> Planned:
    runs = found.state != State.NOT_NEEDED and (force or found.state != State.PRESENT)
    return Planned(found, runs, "the backbone hears the file" if runs else "nothing")
