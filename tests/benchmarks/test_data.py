"""What the bench learns from, once it was analysed."""

from __future__ import annotations

import pytest
import soundfile
from melodies import play

from benchmarks.quality.data import analyse
from benchmarks.quality.folder import load_folder


@pytest.fixture
def music(tmp_path):
    """Give a folder of two tunes, one of them once more as a quiet ogg of another title."""
    folder = tmp_path / "music"
    folder.mkdir()
    tune = play(1, 8.0, 8_000)
    soundfile.write(folder / "a.wav", tune, 8_000)
    soundfile.write(folder / "b.ogg", tune * 0.3, 8_000)
    soundfile.write(folder / "c.wav", play(2, 8.0, 8_000), 8_000)
    (folder / "tracks.csv").write_text("path,title\na.wav,one\nb.ogg,another\nc.wav,third\n", encoding="utf-8")
    return folder


def test_opus_is_heard(music, tmp_path, tiny_params):
    """An Opus file has a spectrogram as any other; a file that turns out to be no audio is a failure with a reason."""
    soundfile.write(music / "d.opus", play(3, 8.0, 8_000), 8_000, format="OGG", subtype="OPUS")
    (music / "e.xyz").write_bytes(b"no audio")
    (music / "tracks.csv").write_text("path\na.wav\nd.opus\ne.xyz\n", encoding="utf-8")
    collection = analyse(load_folder(music), tiny_params, tmp_path / "out").collection
    assert collection.tracks["path"].tolist() == ["a.wav", "d.opus"]
    assert collection.failures[["path", "reason"]].to_numpy().tolist() == [["e.xyz", "not_audio"]]


def test_copies_of_a_recording_are_found(music, tmp_path, tiny_params):
    """A pair of near-duplicates is named, unless `split.near_duplicates` is off."""
    found = analyse(load_folder(music), tiny_params, tmp_path / "out").collection.duplicates
    assert found[["track_id", "other_track_id"]].to_numpy().tolist() == [["folder:a.wav", "folder:b.ogg"]]
    careless = tiny_params.split.model_copy(update={"near_duplicates": False})
    params = tiny_params.model_copy(update={"split": careless})
    assert analyse(load_folder(music), params, tmp_path / "out").collection.duplicates.empty
