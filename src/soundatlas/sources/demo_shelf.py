"""Where the demo catalogue's files lie, and which of them are there: names carry a key of the content."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from soundatlas.files import remove_leftovers, sha256_json
from soundatlas.sources.demo_render import Facts, RenderJob, read_facts
from soundatlas.sources.demo_score import Plan, ScoreJob, read_plan

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from soundatlas.source_params import DemoSourceParams
    from soundatlas.sources.demo_choice import Clip
    from soundatlas.sources.demo_piece import Piece

FOLDERS = {"clips": "demo", "inbox_clips": "demo-inbox"}  # parameter -> folder within the audio folder
KEY_LETTERS = 8  # of a content key, in a file's name


@dataclass(frozen=True)
class Shelf:
    """The files of one set of parameters.

    Clips lie in `demo/` and `demo-inbox/`. What parsing and rendering found out lies in `demo/scores/` and
    `demo/facts/`, so that a second run does neither.

    Attributes:
        params: of the source.
        fingerprint: what the files depend on beyond the parameters.
        audio_folder: that holds all of it.
    """

    params: DemoSourceParams
    fingerprint: dict[str, str]
    audio_folder: Path
    _facts: dict[Path, Facts] = field(default_factory=dict)

    def folders(self) -> list[Path]:
        """Return every folder that holds files of the catalogue."""
        catalogue, inbox = (self.audio_folder / name for name in FOLDERS.values())
        return [catalogue, inbox, catalogue / "scores", catalogue / "facts"]

    def make_ready(self) -> None:
        """Make the folders, and remove what a killed run left half-written in them."""
        for folder in self.folders():
            folder.mkdir(parents=True, exist_ok=True)
            remove_leftovers(folder)

    def notes_path(self, piece: Piece) -> Path:
        """Return where a parsed piece lies."""
        content = [piece.piece_id, piece.tempo.bpm, piece.tempo.beat_quarters, self.params.clip_seconds]
        return self.audio_folder / "demo" / "scores" / f"{piece.slug}-{self._key(content)}.json"

    def audio_path(self, side: str, clip: Clip) -> Path:
        """Return where a clip lies."""
        return self.audio_folder / FOLDERS[side] / f"{self._stem(clip)}.flac"

    def facts_path(self, clip: Clip) -> Path:
        """Return where a clip's facts lie."""
        return self.audio_folder / "demo" / "facts" / f"{self._stem(clip)}.json"

    def _stem(self, clip: Clip) -> str:
        content = [
            clip.source_id,
            clip.ensemble,
            clip.piece.tempo.bpm,
            clip.piece.tempo.beat_quarters,
            self.params.clip_seconds,
            self.params.sample_rate,
        ]
        return f"{clip.piece.slug}-{clip.excerpt}-{self._key(content)}"

    def _key(self, content: list[object]) -> str:
        return sha256_json([content, self.fingerprint])[:KEY_LETTERS]

    def plan(self, piece: Piece) -> Plan | None:
        """Return what parsing the piece found out, if it was parsed."""
        return read_plan(self.notes_path(piece))

    def facts(self, side: str, clip: Clip) -> Facts | None:
        """Return the facts of a clip that is there and whole; each file is checked once a run."""
        path = self.audio_path(side, clip)
        if path not in self._facts and (found := read_facts(self.facts_path(clip), path)):
            self._facts[path] = found
        return self._facts.get(path)

    def score_jobs(self, corpus: Path, pieces: Iterable[Piece]) -> list[ScoreJob]:
        """Make one job of each file, the largest first: the last to finish should be a short one."""
        of_file: dict[tuple[str, int | None], list[Piece]] = {}
        for piece in pieces:
            of_file.setdefault((piece.path, piece.number), []).append(piece)
        weights = {(path, number): (corpus / path).stat().st_size if number is None else 0 for path, number in of_file}
        return [
            ScoreJob(
                corpus / key[0],
                tuple((piece, self.notes_path(piece)) for piece in of_file[key]),
                self.params.clip_seconds,
            )
            for key in sorted(of_file, key=lambda key: -weights[key])
        ]

    def render_job(self, side: str, clip: Clip, plan: Plan, soundfont: Path) -> RenderJob:
        """Make the job that renders a clip."""
        return RenderJob(
            source_id=clip.source_id,
            notes_path=self.notes_path(clip.piece),
            quarters=plan.quarters,
            start=plan.starts[clip.excerpt],
            bpm=plan.bpm,
            beat_quarters=clip.piece.tempo.beat_quarters,
            ensemble=clip.ensemble,
            clip_seconds=self.params.clip_seconds,
            sample_rate=self.params.sample_rate,
            soundfont=soundfont,
            audio_path=self.audio_path(side, clip),
            facts_path=self.facts_path(clip),
        )

    def keep_only(self, wanted: set[Path]) -> None:
        """Remove every other file of ours directly in the folders."""
        for folder in self.folders():
            for path in folder.iterdir():
                if path.suffix in {".flac", ".json"} and path not in wanted:
                    path.unlink()
