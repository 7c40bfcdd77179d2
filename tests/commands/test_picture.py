"""`soundatlas picture`: what a musician, a pipe and a hostile name get."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import tiny_project
from matplotlib.image import imread

from soundatlas.files import sha256_file

PNG = b"\x89PNG"
KINDS = ["log-mel", "harmonic", "percussive", "foreground", "background"]


@pytest.fixture
def clip(project):
    """Give a project with a clip whose name is out to be set as a formula, and has letters that no font has."""
    path = project / "$\\frac{1}$ [b]\u1abe\u0f0b song.wav"
    tiny_project.write_clip(path, 3, seconds=3.0)
    return path


def test_all_kinds_are_in_one_figure(clip, command):
    """Without options there is one picture here, named after the file; where it is, is all that is printed."""
    code, out, _ = command(clip.parent, "picture", clip.name)
    assert code == 0
    (picture,) = clip.parent.glob("picture-*.png")
    assert out == f"Picture: {picture.name}\n"
    assert picture.read_bytes().startswith(PNG)
    height, width, _ = imread(picture).shape
    assert height > 0.7 * width


def test_a_folder_gets_a_file_of_each_kind(clip, command):
    """`--out` with a folder writes one picture per kind, and they differ."""
    (clip.parent / "pictures").mkdir()
    code, out, _ = command(clip.parent, "picture", clip.name, "--out", "pictures")
    pictures = sorted((clip.parent / "pictures").iterdir())
    assert code == 0
    assert {path.name.rpartition("song-")[2] for path in pictures} == {f"{kind}.png" for kind in KINDS}
    assert out.count("Picture: pictures/") == len({path.read_bytes() for path in pictures}) == len(KINDS)


def test_kinds_and_stretch_are_chosen(clip, command):
    """Two kinds of one second from 1 s on: another and smaller picture than the whole; equal asks, equal bytes."""
    options = ("--kind", "foreground", "--kind", "log-mel", "--from", "1", "--seconds", "1")
    for name in ("a.png", "b.png"):
        assert command(clip.parent, "picture", clip.name, *options, "--out", name)[0] == 0
    assert command(clip.parent, "picture", clip.name, "--out", "all.png")[0] == 0
    few, same, everything = ((clip.parent / name).read_bytes() for name in ("a.png", "b.png", "all.png"))
    assert few == same
    assert imread(clip.parent / "a.png").shape[0] < imread(clip.parent / "all.png").shape[0]
    assert len(everything) > len(few)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc")
def test_folder_that_takes_no_picture_is_one_line(clip, command):
    """A folder in which nothing can be made is named, with what to do."""
    code, _, err = command(clip.parent, "picture", clip.name, "--kind", "log-mel", "--out", "/proc/x.png")
    assert code == 1
    assert err.splitlines()[-1].startswith("soundatlas: /proc: nothing can be made here: see to it")


def test_track_of_the_catalogue_is_drawn(project, command):
    """A track_id, its name, the beginning of its hash, or its file lead to its audio; the picture is named after it."""
    tiny_project.write_catalogue(project)
    for what in ("demo:04", "Bela: piece 4", sha256_file(project / "data/audio/04.wav")[:8], "data/audio/04.wav"):
        code, out, _ = command(project, "picture", what, "--kind", "harmonic")
        assert (code, out) == (0, "Picture: picture-bela-piece-4.png\n")
    shades = imread(project / "picture-bela-piece-4.png")[..., :3].std()
    assert shades > 0.1
    assert np.isfinite(shades)


def test_own_copy_of_a_track_is_called_as_it_is(project, command):
    """A file that is named by its path gives the picture its own name, whatever the catalogue calls the same bytes."""
    tiny_project.write_catalogue(project)
    shutil.copy(project / "data/audio/04.wav", project / "song.wav")
    code, out, _ = command(project, "picture", "song.wav", "--kind", "harmonic")
    assert (code, out) == (0, "Picture: picture-song.png\n")


@pytest.mark.parametrize(
    ("arguments", "exit_code", "said"),
    [
        (("nothing",), 2, "soundatlas: nothing is no track_id of the catalogue, no file, "),
        (("ab" * 32,), 2, "soundatlas: the project knows no file of abababababab: name one"),
        (("bad.mp3",), 1, "soundatlas: not_audio: "),
        (("good.wav", "--kind", "drums"), 2, "soundatlas: there are no pictures of the kind 'drums': log-mel, "),
        (("good.wav", "--out", "a.jpg"), 2, "soundatlas: a.jpg is neither a folder nor a file that ends with .png"),
        (("good.wav", "--out", "nowhere/a.png"), 2, "soundatlas: nowhere is not a folder"),
        (("good.wav", "--from", "9"), 2, "soundatlas: the track is 0.8 s long: nothing begins at 9 s"),
        (("good.wav", "--from", "0.7"), 1, "soundatlas: too_short: 0.10 s from 0.7 s on, shorter than 0.3 s"),
    ],
)
def test_faults_are_one_line(project, command, arguments, exit_code, said):
    """What cannot be drawn is told in one line, and no picture is left."""
    tiny_project.write_clip(project / "good.wav", 1)
    (project / "bad.mp3").write_bytes(b"no music")
    code, out, err = command(project, "picture", *arguments)
    assert (code, out) == (exit_code, "")
    assert err.startswith(said)
    assert err.count("\n") == 1
    assert not list(project.glob("**/*.png"))
