"""Finding the pairs of tracks that hold the same recording."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import pytest
import soundfile
from melodies import INSTRUMENTS, play

from soundatlas.audio.spectrogram import FrontEnd, analyse_file
from soundatlas.learning import duplicates
from soundatlas.learning.duplicates import find_near_duplicates
from soundatlas.tables import DUPLICATES, TRACKS, conform

FRONT_END = FrontEnd(16_000, 2048, 512, 128, 0.0, 8000.0, 1.0, 600.0)
RATE, SECONDS = 22_050, 10.0


def _at(samples, begin, end):
    return samples[round(begin * RATE) : round(end * RATE)]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Give name -> log-mel: five pieces by three instruments, what became of piece 0, and sounds without music."""
    folder = tmp_path_factory.mktemp("recordings")

    def through(samples, kind, **codec):
        path = folder / f"sound.{kind.lower()}"
        soundfile.write(path, samples, RATE, format=kind, **codec)
        return analyse_file(path, FRONT_END).log_mel

    pieces = {(number, name): play(number, SECONDS, RATE, name) for number in range(5) for name in INSTRUMENTS}
    original = pieces[0, "piano"]
    sounds = {f"{number} {name}": FRONT_END.log_mel(samples, RATE) for (number, name), samples in pieces.items()}
    sounds |= {
        "0 mp3": through(original, "MP3", bitrate_mode="CONSTANT", compression_level=0.7),
        "0 quiet": through(original * np.float32(0.05), "WAV"),
        "0 cut": through(_at(original, 3.013, 9.5), "OGG", compression_level=0.5),
        "0 padded": FRONT_END.log_mel(np.concatenate([np.zeros(round(2.5 * RATE), np.float32), original]), RATE),
        "1 loop": FRONT_END.log_mel(np.tile(_at(pieces[1, "organ"], 2.0, 8.0), 3), RATE),
        "silence": FRONT_END.log_mel(np.zeros(RATE * 8, np.float32), RATE),
        "more silence": FRONT_END.log_mel(np.zeros(RATE * 9, np.float32), RATE),
        "constant": FRONT_END.log_mel(np.full(RATE * 8, 0.5, np.float32), RATE),
        "short": FRONT_END.log_mel(_at(original, 0.0, 4.0), RATE),
    }
    return sounds


@pytest.fixture(scope="module")
def find(store_of):
    """Give a function that finds the pairs among some recordings: (name, other name) -> row."""

    def run(recordings, *, missing=()):
        shas = {name: hashlib.sha256(name.encode()).hexdigest() for name in recordings}
        store = store_of({shas[name]: log_mel for name, log_mel in recordings.items() if name not in missing})
        rows = [{"track_id": name, "audio_sha256": sha} for name, sha in shas.items()]
        tracks = conform(pd.DataFrame(rows, columns=["track_id", "audio_sha256"]), TRACKS)
        found = find_near_duplicates(tracks, store, FRONT_END, max_bit_error_rate=0.09)
        assert found.dtypes.astype(str).to_dict() == DUPLICATES
        return {(row.track_id, row.other_track_id): row for row in found.itertuples()}

    return run


def test_exactly_the_copies_are_found(recordings, find):
    """Copies, cuts, padding and loops are pairs; other pieces, other instruments, silence and scraps are not."""
    found = find(recordings)
    copies = ["0 cut", "0 mp3", "0 padded", "0 piano", "0 quiet"]
    expected = {(one, other) for one in copies for other in copies if one < other} | {("1 loop", "1 organ")}
    assert set(found) == expected
    assert all(0 <= row.bit_error_rate <= 0.09 for row in found.values())


def test_offset_says_where_the_other_begins(recordings, find):
    """A cut begins 3.0 s into the original, and the original 2.5 s into its padded copy."""
    found = find(recordings)
    assert found["0 cut", "0 piano"].offset_seconds == pytest.approx(-3.013, abs=0.05)
    assert found["0 padded", "0 piano"].offset_seconds == pytest.approx(2.5, abs=0.05)


def test_tracks_without_spectrogram_are_in_no_pair(recordings, find):
    """A track that failed upstream is passed over, and the others are compared as before."""
    few = {name: recordings[name] for name in ("0 piano", "0 mp3", "0 quiet")}
    assert set(find(few, missing=("0 quiet",))) == {("0 mp3", "0 piano")}
    assert find(few, missing=tuple(few)) == {}
    assert find({}) == {}


def test_pairs_only_come_with_new_tracks(recordings, find, monkeypatch):
    """Pairs among some tracks are those among all, whatever else there is and however the work is portioned."""
    names = ["0 mp3", "0 padded", "0 piano", "1 loop", "1 organ", "2 reed"]
    some, every = find({name: recordings[name] for name in names}), find(recordings)
    assert set(some) == {pair for pair in every if set(pair) <= set(names)}
    assert len(some) == 4
    monkeypatch.setattr(duplicates, "MATCHES_AT_ONCE", 50)
    assert set(find(recordings)) == set(every)


def test_same_bytes_stand_for_each_other(recordings, store_of):
    """Of tracks with the same bytes the first is named; they are no pair, since their bytes unite them."""
    original, copy = (hashlib.sha256(name.encode()).hexdigest() for name in ("original", "copy"))
    store = store_of({original: recordings["0 piano"], copy: recordings["0 mp3"]})
    rows = [{"track_id": name, "audio_sha256": sha} for name, sha in (("c", copy), ("b", original), ("a", original))]
    found = find_near_duplicates(conform(pd.DataFrame(rows), TRACKS), store, FRONT_END, max_bit_error_rate=0.09)
    assert found[["track_id", "other_track_id"]].to_numpy().tolist() == [["a", "c"]]


def test_too_few_bands_find_nothing(store_of):
    """A front end of six mel bands cannot tell recordings apart: nobody is united."""
    front_end = FrontEnd(8_000, 256, 128, 6, 0.0, 4000.0, 1.0, 600.0)
    log_mel = front_end.log_mel(play(0, SECONDS, 8_000), 8_000)
    store = store_of({"a" * 64: log_mel, "b" * 64: log_mel + 3})
    tracks = conform(pd.DataFrame({"track_id": ["a", "b"], "audio_sha256": ["a" * 64, "b" * 64]}), TRACKS)
    assert find_near_duplicates(tracks, store, front_end, max_bit_error_rate=0.09).empty
