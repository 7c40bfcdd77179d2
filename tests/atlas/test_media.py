"""Clips and pictures beside the page."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
import synthetic
import tiny_project
from PIL import Image

from soundatlas.atlas.media import ClipMaking, PictureMaking, Sound, draw_log_mel, make_files, take_along
from soundatlas.audio.spectrogram import FrontEnd
from soundatlas.files import sha256_file

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 0.5


@pytest.fixture(autouse=True)
def _one_worker(monkeypatch):
    monkeypatch.setenv("SOUNDATLAS_WORKERS", "1")


def sound(path: Path, number: int = 0) -> Sound:
    """Write a clip and name it."""
    tiny_project.write_clip(path, number)
    return Sound(sha256_file(path), path)


def cut(sounds, folder):
    """Cut clips of half a second."""
    return make_files(ClipMaking(SECONDS), sounds, folder, what="cutting", timeout_seconds=60)


def test_bad_files_cost_only_their_own_clip(tmp_path):
    """What is no audio, what changed since it was listed, and what is gone have no clip; the others have theirs."""
    good, changed = sound(tmp_path / "good.wav"), sound(tmp_path / "changed.wav", 1)
    tiny_project.write_clip(changed.path, 2)
    (tmp_path / "words.mp3").write_text("no music")
    words = Sound(sha256_file(tmp_path / "words.mp3"), tmp_path / "words.mp3")
    gone = Sound("f" * 64, tmp_path / "gone.wav")
    sounds = {"a": good, "same": good, "b": changed, "c": words, "d": gone}
    clips, failed = cut(sounds, tmp_path / "clips")
    assert failed == 3
    assert clips == dict.fromkeys(("a", "same"), tmp_path / f"clips/{good.audio_sha256[:16]}-0.5s.ogg")
    assert [path.name for path in (tmp_path / "clips").iterdir()] == [clips["a"].name]


def test_one_audio_at_two_places_is_cut_once(tmp_path):
    """A track of the catalogue that lies in the inbox too has one clip, made of the first of them."""
    first = sound(tmp_path / "a.wav")
    clips, failed = cut({"a": first, "b": Sound(first.audio_sha256, tmp_path / "gone.wav")}, tmp_path / "clips")
    assert failed == 0
    assert clips["a"] == clips["b"]


def test_what_is_there_is_not_made_again(tmp_path):
    """A second time only what is missing is made; clips of another length are others."""
    first, second = sound(tmp_path / "a.wav"), sound(tmp_path / "b.wav", 1)
    clips, _ = cut({"a": first}, tmp_path / "clips")
    clips["a"].write_bytes(b"kept")
    again, failed = cut({"a": first, "b": second}, tmp_path / "clips")
    assert failed == 0
    assert again["a"].read_bytes() == b"kept"
    assert again["b"].read_bytes().startswith(b"OggS")
    longer, _ = make_files(ClipMaking(1.0), {"a": first}, tmp_path / "clips", what="cutting", timeout_seconds=60)
    assert longer["a"] != clips["a"]


def test_pictures_come_from_the_store_or_from_the_file(tmp_path, tiny_params):
    """A stored log-mel needs no audio; what the store lacks is heard, unless it changed."""
    front_end = FrontEnd.of(tiny_params.spectrograms)
    log_mel = np.random.default_rng(1).normal(-40, 9, (50, front_end.n_mels)).astype(np.float16).astype(np.float32)
    store = synthetic.write_store(tmp_path / "store", {"a" * 64: log_mel}, contract=front_end.sha256())
    changed = sound(tmp_path / "changed.wav", 1)
    tiny_project.write_clip(changed.path, 2)
    sounds = {"stored": Sound("a" * 64, tmp_path / "gone.wav"), "own": sound(tmp_path / "own.wav"), "changed": changed}
    making = PictureMaking(store.folder, front_end)
    pictures, failed = make_files(making, sounds, tmp_path / "pictures", what="drawing", timeout_seconds=60)
    assert failed == 1
    assert set(pictures) == {"stored", "own"}
    assert pictures["stored"].read_bytes() == draw_log_mel(log_mel)
    assert Image.open(pictures["own"]).format == "WEBP"


def test_a_picture_is_small_with_low_bands_at_the_bottom():
    """However long the track, a picture has few pixels and bytes; time runs to the right, bands upwards."""
    log_mel = np.full((5_000, 128), -90, np.float32)
    log_mel[4_000:, :20] = -10
    picture = draw_log_mel(log_mel)
    pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("L"), float)
    assert pixels.shape == (48, 128)
    assert pixels[-6:, -20:].mean() > pixels[:30, -20:].mean() + 100
    assert pixels[-6:, -20:].mean() > pixels[-6:, :90].mean() + 100
    noise = np.random.default_rng(1).normal(-40, 15, (500, 128)).astype(np.float32)
    assert len(draw_log_mel(noise)) < 3_000


@pytest.mark.parametrize("shape", [(1, 16), (3, 1), (200, 40)])
def test_short_and_narrow_tracks_have_a_picture(shape):
    """A track of one frame or one band is drawn as it is."""
    picture = Image.open(io.BytesIO(draw_log_mel(np.zeros(shape, np.float32))))
    assert picture.size == (min(shape[0], 128), min(shape[1], 48))


def test_files_are_taken_along(tmp_path, monkeypatch):
    """A new folder has the files that are shown, and no other, with links or without; paths have forward slashes."""
    old, new = tmp_path / "old", tmp_path / "new"
    (old / "clips").mkdir(parents=True)
    for name in ("a", "b"):
        (old / "clips" / f"{name}.ogg").write_text(name)
    files = {"x": old / "clips/a.ogg", "y": old / "clips/a.ogg"}
    assert take_along(files, old, new) == {"x": "clips/a.ogg", "y": "clips/a.ogg"}
    assert [path.name for path in (new / "clips").iterdir()] == ["a.ogg"]

    def refuse(*_arguments):
        raise OSError("no links here")

    monkeypatch.setattr("pathlib.Path.hardlink_to", refuse)
    take_along(files, old, tmp_path / "other")
    assert (tmp_path / "other/clips/a.ogg").read_text() == "a"
