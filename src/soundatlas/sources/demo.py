"""The built-in catalogue: real scores by named composers, rendered on this machine. Nothing is downloaded."""

from __future__ import annotations

import importlib.metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from soundatlas.errors import NotReadyError
from soundatlas.files import sha256_file
from soundatlas.progress import progress
from soundatlas.sources.base import Collected, Offer, Ready
from soundatlas.sources.demo_choice import candidates, choose
from soundatlas.sources.demo_corpus import INSTALL, corpus_folder, list_pieces
from soundatlas.sources.demo_render import render_clip
from soundatlas.sources.demo_score import parse_score
from soundatlas.sources.demo_shelf import FOLDERS, Shelf
from soundatlas.sources.demo_tables import Rendered, failures_table, inbox_table, tracks_and_labels
from soundatlas.workers import map_in_workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from soundatlas.source_params import DemoSourceParams
    from soundatlas.sources.demo_choice import Choice, Clip
    from soundatlas.sources.demo_piece import Piece
    from soundatlas.sources.demo_score import Plan

OFFER = Offer(
    name="demo",
    about="real scores of eight artists, rendered on this machine by `dvc repro`",
    gives=("audio", "all labels"),
    licence="compositions in the public domain",
    ml_use="allowed",
    needs=("the packages of soundatlas[demo]",),
)
RECIPE = "3"  # raise it when the same parameters and packages shall give other clips
PACKAGES = ("music21", "midirenderer", "mido", "pretty-midi", "soundfile", "soxr")  # whose versions shape the bytes
SOUNDFONT = "TimGM6mb.sf2"  # General MIDI instruments, 6 MB, in the package pretty-midi
PARSE_TIMEOUT_SECONDS = 300.0  # the longest quartet takes 6 s
RENDER_TIMEOUT_SECONDS = 120.0  # a clip takes 0.1 s


def readiness(config: DemoSourceParams | None, environ: Mapping[str, str]) -> Ready:
    """Say whether the packages that render it are there."""
    del config, environ
    try:
        package_versions(PACKAGES)
        soundfont_path()
    except NotReadyError as error:
        return Ready(ready=False, message=str(error))
    return Ready(ready=True)


def fingerprint(params: DemoSourceParams) -> dict[str, str]:
    """Return what the rendering depends on beyond `params`: packages, instruments and our own recipe.

    Raises:
        NotReadyError: when a package is missing; it says how to install it.
    """
    del params  # the same for all
    return {**package_versions(PACKAGES), "soundfont": sha256_file(soundfont_path()), "recipe": RECIPE}


def package_versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the installed version of each package, without importing any.

    Raises:
        NotReadyError: when one is missing; it says how to install it.
    """
    versions = {}
    for package in packages:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            raise NotReadyError(f"the demo catalogue needs the package {package}: {INSTALL}") from None
    return versions


def soundfont_path() -> Path:
    """Return the instruments' file, without importing the package that brings it.

    Raises:
        NotReadyError: when it is missing.
    """
    spec = find_spec("pretty_midi")
    path = Path(spec.origin).parent / SOUNDFONT if spec and spec.origin else None
    if path is None or not path.is_file():
        raise NotReadyError(f"the demo catalogue needs {SOUNDFONT} of the package pretty-midi: {INSTALL}")
    return path


def collect(params: DemoSourceParams, root: Path, audio_folder: Path) -> Collected:
    """Render the clips that are missing, remove those that are no longer wanted, and return the tables.

    Files and tables are a function of parameters and packages, not of history or of the number of workers.

    Raises:
        NotReadyError: when a package is missing.
        ParamsError: when an artist has fewer clips than asked for.
    """
    return _Collection(params, root, audio_folder).bring_up_to_date()


class _Collection:
    """One call of `collect`: choose, parse what the choice needs, choose again with what that found out, render."""

    def __init__(self, params: DemoSourceParams, root: Path, audio_folder: Path) -> None:
        self.params = params
        self.root = root
        self.shelf = Shelf(params, fingerprint(params), audio_folder)
        self.corpus = corpus_folder()
        pieces = list_pieces(self.corpus)
        self.orders = {side: candidates(pieces, side) for side in FOLDERS}
        self.plans: dict[str, Plan] = {}  # of parsed pieces
        self.faults: dict[str, tuple[str, str]] = {}  # piece or clip -> reason and message, of a fault in a worker

    def bring_up_to_date(self) -> Collected:
        """Do it all."""
        self.shelf.make_ready()
        choices = self._choose()
        unparsed = _unparsed(choices)
        steps = len(unparsed) + len(self._missing(choices))
        with progress("rendering the demo catalogue", steps) as advance:
            while unparsed:
                self._parse(unparsed, advance)
                choices = self._choose()
                unparsed = _unparsed(choices)
            self._render(self._missing(choices), advance)
        self.shelf.keep_only(self._wanted(choices))
        tracks, labels = tracks_and_labels(self._rendered(choices, "clips"))
        return Collected(
            tracks, labels, inbox_table(self._rendered(choices, "inbox_clips")), failures_table(self._failures(choices))
        )

    def _choose(self) -> list[tuple[str, Choice]]:
        """Choose every artist's clips by what is known so far."""
        return [
            (
                side,
                choose(
                    self.orders[side].get(artist, []),
                    self._excerpts,
                    wanted,
                    parameter=f"{side}.{artist}",
                    seconds=self.params.clip_seconds,
                ),
            )
            for side, counts in (("clips", self.params.clips), ("inbox_clips", self.params.inbox_clips))
            for artist, wanted in sorted(counts.items())
        ]

    def _excerpts(self, piece: Piece) -> int | None:
        """Return a piece's number of excerpts, or nothing while it is not parsed."""
        if piece.piece_id in self.faults:
            return 0
        if piece.piece_id not in self.plans and (plan := self.shelf.plan(piece)):
            self.plans[piece.piece_id] = plan
        plan = self.plans.get(piece.piece_id)
        return None if plan is None else len(plan.starts)

    def _missing(self, choices: list[tuple[str, Choice]]) -> list[tuple[str, Clip]]:
        """Return the chosen clips that are not there, or not whole."""
        return [(side, clip) for side, choice in choices for clip in choice.clips if not self.shelf.facts(side, clip)]

    def _parse(self, pieces: list[Piece], advance: Callable[[int], None]) -> None:
        """Parse pieces in worker processes."""
        jobs = self.shelf.score_jobs(self.corpus, pieces)
        for outcome in map_in_workers(parse_score, jobs, timeout_seconds=PARSE_TIMEOUT_SECONDS):
            if outcome.failure is not None:
                fault = (outcome.failure.reason, outcome.failure.message)
                self.faults.update({piece.piece_id: fault for piece, _ in outcome.item.pieces})
            advance(len(outcome.item.pieces))
        lost = {piece.piece_id for piece in pieces if self._excerpts(piece) is None}
        self.faults.update(dict.fromkeys(lost, ("fault", "its parsed notes cannot be read back")))

    def _render(self, missing: list[tuple[str, Clip]], advance: Callable[[int], None]) -> None:
        """Render clips in worker processes."""
        soundfont = soundfont_path()
        jobs = [self.shelf.render_job(side, clip, self.plans[clip.piece.piece_id], soundfont) for side, clip in missing]
        if not jobs:
            return
        for outcome in map_in_workers(render_clip, jobs, timeout_seconds=RENDER_TIMEOUT_SECONDS):
            if outcome.failure is not None:
                self.faults[outcome.item.source_id] = (outcome.failure.reason, outcome.failure.message)
            advance(1)

    def _wanted(self, choices: list[tuple[str, Choice]]) -> set[Path]:
        """Return every file that the choices need."""
        clips = [(side, clip) for side, choice in choices for clip in choice.clips]
        return {
            *(self.shelf.audio_path(side, clip) for side, clip in clips),
            *(self.shelf.facts_path(clip) for _, clip in clips),
            *(self.shelf.notes_path(piece) for _, choice in choices for piece in choice.looked_at),
        }

    def _rendered(self, choices: list[tuple[str, Choice]], wanted_side: str) -> list[Rendered]:
        """Return the clips of one side that are there."""
        return [
            Rendered(
                clip,
                self.shelf.audio_path(side, clip).relative_to(self.root).as_posix(),
                facts,
                self.plans[clip.piece.piece_id].notice,
            )
            for side, choice in choices
            if side == wanted_side
            for clip in choice.clips
            if (facts := self.shelf.facts(side, clip))
        ]

    def _failures(self, choices: list[tuple[str, Choice]]) -> list[tuple[str, str, str]]:
        """Return (what, reason, message) of faults, and of pieces that were tried and hold no excerpt."""
        without = [
            (piece.piece_id, "no_score", self.plans[piece.piece_id].problem)
            for _, choice in choices
            for piece in choice.looked_at
            if piece.piece_id in self.plans and self.plans[piece.piece_id].problem
        ]
        return [*without, *((what, reason, message) for what, (reason, message) in self.faults.items())]


def _unparsed(choices: list[tuple[str, Choice]]) -> list[Piece]:
    """Return the pieces that have to be parsed before the choices are final."""
    return [piece for _, choice in choices for piece in choice.unparsed]
