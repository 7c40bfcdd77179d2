"""What was done to one track, in order."""

from __future__ import annotations

import shutil

import pytest
from traced_project import OWN

from soundatlas.files import sha256_file
from soundatlas.history.audit import audit_path
from soundatlas.lineage.subject import find_subject
from soundatlas.lineage.timeline import as_json, tell_timeline


@pytest.fixture
def tell(root, tiny_params):
    """Give a function that tells a track's timeline."""
    return lambda what: tell_timeline(root, tiny_params, find_subject(root, what, by_part=True))


def test_a_track_of_the_catalogue(root, tell):
    """Its spectrogram and the training are told, and on which side of the split it stands now."""
    told = tell("piece 0")
    happenings = {(each.what, each.outcome): each for each in told.happenings}
    assert happenings.keys() == {("spectrogram", "computed"), ("training", "side train")}
    spectrogram, training = happenings["spectrogram", "computed"], happenings["training", "side train"]
    assert (spectrogram.by, spectrogram.attempt) == ("spectrograms", 1)
    assert "version 1" in training.about
    assert [each.at for each in told.happenings] == sorted(each.at for each in told.happenings)
    now = dict(told.now)
    assert now["audio"] == f"sha256 {sha256_file(root / 'data/audio/00.wav')}"
    assert now["catalogue"] == "demo:00: data/audio/00.wav"
    assert now["split"].startswith("side train, group work 0, split ")


def test_a_file_of_the_inbox(tell):
    """What the champion said of it stands with the attempt at which it was said."""
    told = tell(OWN)
    (prediction,) = told.happenings
    assert (prediction.what, prediction.by, prediction.attempt) == ("prediction", "classify", 1)
    assert prediction.seconds > 0
    assert "genre " in prediction.about
    assert "soundatlas version 1" in prediction.about
    assert dict(told.now)["inbox"] == OWN


def test_predictions_from_before_the_trail_are_told(root, tell):
    """The history of predictions says when and what, if not how long."""
    audit_path(root).unlink()
    (prediction,) = tell(OWN).happenings
    assert (prediction.what, prediction.outcome, prediction.seconds) == ("prediction", "computed", None)
    assert "genre " in prediction.about


def test_a_project_that_has_nothing_tells_nothing(root, tell):
    """Without history and registry there is only where the track stands, and none of them is made."""
    shutil.rmtree(root / "data/history")
    shutil.rmtree(root / "mlruns")
    assert tell("demo:00").happenings == ()
    assert not (root / "data/history").exists()
    assert not (root / "mlruns").exists()


def test_a_timeline_is_json(tell):
    """All of it is made of plain values."""
    told = as_json(tell("demo:00"))
    assert {"at", "what", "outcome", "seconds", "contract_sha256"} <= told["happenings"][0].keys()
    assert told["now"][0][0] == "audio"
