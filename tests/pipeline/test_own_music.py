"""A user's own folder of music from tags to predictions, as the README says. The tests follow each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest
from melodies import INSTRUMENTS, play
from music_files import RATE, write_music
from pipeline_story import Project, make_project, ran

from soundatlas.files import sha256_file

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

PER_ARTIST = 12
SECONDS = 4.0
SUFFIXES = ("flac", "mp3", "ogg")


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder as people have it: artist, album, tagged files of three formats, a cover, and things gone wrong."""
    folder = tmp_path_factory.mktemp("own") / "My Music"
    for artist, instrument in enumerate(INSTRUMENTS):
        for number in range(PER_ARTIST):
            place = folder / instrument.title() / f"Album {number % 2}"
            write_music(
                place / f"{number:02d} – été.{SUFFIXES[number % 3]}",  # noqa: RUF001 - as people write it
                play(100 * artist + number, SECONDS, RATE, instrument),
                artist=instrument.title(),
                album=f"Album {number % 2}",
                title=f"Piece {number} of {instrument}",
                genre="etude" if number % 2 else "study",
                date=f"{1970 + 10 * (number % 3)}",
            )
    (folder / "cover.jpg").write_bytes(b"\xff\xd8")
    (folder / "page.mp3").write_text("<html>no such song</html>")
    (folder / "loop").symlink_to(folder)
    return folder


@pytest.fixture(scope="module")
def project(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Give a project that knows the demo alone, and asks for attributes that a folder lacks."""
    return make_project(repository, tmp_path_factory.mktemp("project"))


def test_folder_is_ingested_and_listed(project: Project, music: Path) -> None:
    """`soundatlas ingest folder … --add` says what is there, what is not, and puts the folder into params.yaml."""
    output = project.run("soundatlas", "ingest", "folder", str(music), "--add")
    assert f"artist: {3 * PER_ARTIST} of {3 * PER_ARTIST}" in output
    assert "1 not_audio" in output
    assert "1 linked_folder" in output
    assert "these attributes will be left out of the training" in output
    project.edit_params(lambda values: values["catalog"]["sources"].pop(0))  # the demo


def test_repro_ends_in_a_champion_and_predictions(project: Project, music: Path) -> None:
    """`dvc repro` alone trains on the folder, with a warning for the attributes, and classifies the inbox."""
    new = project.root.parent / "new"
    write_music(new / "one.flac", play(999, SECONDS, RATE, "organ"))
    (new / "two.mp3").touch()
    project.run("soundatlas", "ingest", "folder", str(new), "--inbox")
    before = {path: sha256_file(path) for path in music.rglob("*") if path.is_file()}
    output = project.run("dvc", "repro")
    tracks = pd.read_parquet(project.root / "data/catalog/tracks.parquet")
    assert (len(tracks), tracks["decade"].nunique()) == (3 * PER_ARTIST, 3)
    failures = pd.read_parquet(project.root / "data/catalog/failures.parquet")
    assert sorted(failures["reason"]) == ["linked_folder", "not_audio"]
    assert "polyphony" in output  # named by the warning
    assert "version 1 promoted" in output
    predictions = pd.read_parquet(project.root / "data/predictions/predictions.parquet").set_index("path")
    assert predictions["status"].to_dict() == {str(new / "one.flac"): "classified", str(new / "two.mp3"): "empty"}
    assert {path: sha256_file(path) for path in music.rglob("*") if path.is_file()} == before


def test_again_at_once_runs_nothing(project: Project) -> None:
    """Listing the folder again changes nothing that DVC sees."""
    assert ran(project.run("dvc", "repro")) == ["ingest", "promote"]


def test_one_file_more_is_one_spectrogram(project: Project, music: Path) -> None:
    """A new file is noticed by `dvc repro` alone; one that was moved and one that is gone cost no spectrogram."""
    first, second, *_ = sorted(music.rglob("*.flac"))
    write_music(music / "new.flac", play(500, SECONDS, RATE, "reed"), artist="Reed", genre="study")
    first.rename(music / "moved.flac")
    second.unlink()
    output = project.run("dvc", "repro", "spectrograms")
    assert f"spectrograms: 1 computed, {3 * PER_ARTIST - 1} kept, 1 removed, 0 failed" in output


def test_experiment_reads_what_the_project_has(project: Project, music: Path) -> None:
    """A DVC experiment, whose workspace is a copy, finds listings and audio of the real one; a new front end, too."""
    assert music.is_dir()
    output = project.run("dvc", "exp", "run", "--temp", "-S", "spectrograms.n_mels=64", "spectrograms")
    assert f"spectrograms: {3 * PER_ARTIST} computed, 0 kept, 0 removed, 0 failed" in output
