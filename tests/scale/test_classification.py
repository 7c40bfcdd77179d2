"""What Beam hears is what the local engine hears."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest
import scale_work
import tiny_project

from soundatlas.errors import BundleError
from soundatlas.history.answers import CLASSIFIED, Answer
from soundatlas.registry.classification import hear_files
from soundatlas.registry.contract import read_contract
from soundatlas.registry.pin import read_champion
from soundatlas.registry.prediction_key import model_key
from soundatlas.scale import guards
from soundatlas.scale.answers import Said, answers_place, write_said
from soundatlas.scale.attempted import ignore
from soundatlas.scale.classification import Sites, hear_files_with_beam
from soundatlas.scale.places import Place
from soundatlas.sources.inbox import list_files
from soundatlas.workers import retrying

TIMEOUT_SECONDS = 120.0


@pytest.fixture
def heard(project, model, monkeypatch):
    """Give a project with a champion, and a mixed listing: good, equal, broken and vanished files."""
    monkeypatch.setattr(guards, "PAUSE_SECONDS", 0.0)
    tiny_project.install_champion(project, model)
    inbox = project / "data/inbox"
    for number, name in enumerate(("a.wav", "b.wav", "gone.wav", "vanished.wav")):
        tiny_project.write_clip(inbox / name, number)
    shutil.copy(inbox / "vanished.wav", inbox / "with a copy.wav")
    (inbox / "text.mp3").write_text("a letter, not a song\n" * 50, encoding="utf-8")
    (inbox / "empty.wav").touch()
    listing = list_files(sorted(inbox.iterdir()), project, max_file_megabytes=10)
    (inbox / "gone.wav").unlink()
    (inbox / "vanished.wav").unlink()
    return project, listing


def hear_by_beam(
    root, listing, engine, place=None, denied=frozenset(), note=ignore
) -> tuple[dict[str, Answer], dict[str, Answer]]:
    """Return what is kept, and what failed."""
    champion, folder = read_champion(root)
    kept: dict[str, Answer] = {}
    failed = hear_files_with_beam(
        folder,
        champion,
        listing,
        Sites.of(root, place),
        timeout_seconds=TIMEOUT_SECONDS,
        retries=2,
        keep=kept.update,
        engine=engine,
        denied=denied,
        note=note,
    )
    return kept, failed


def test_answers_are_those_of_the_local_engine(heard, direct):
    """The same labels, probabilities and embeddings, the same failures, and equal bytes are heard once."""
    root, listing = heard
    champion, folder = read_champion(root)
    kept: dict[str, Answer] = {}
    failed = hear_files(
        folder, champion, listing, root, timeout_seconds=TIMEOUT_SECONDS, keep=kept.update, map_jobs=retrying(2)
    )
    by_beam, failed_by_beam = hear_by_beam(root, listing, direct)
    assert failed_by_beam == failed
    assert set(failed) == {"data/inbox/gone.wav", "data/inbox/vanished.wav"}
    assert by_beam.keys() == kept.keys()
    assert sorted(answer.status for answer in kept.values()) == [CLASSIFIED] * 3 + ["not_audio"]
    for sha, answer in kept.items():
        ours, theirs = by_beam[sha].row(), answer.row()
        assert ours.keys() == theirs.keys()
        for head in tiny_project.SPACE.classes if answer.status == CLASSIFIED else ():
            assert ours[f"{head}_probabilities"] == pytest.approx(theirs[f"{head}_probabilities"], abs=1e-5)
            np.testing.assert_allclose(by_beam[sha].vector(), answer.vector(), atol=1e-5)


def test_all_that_workers_attempt_is_noted(heard, direct):
    """Attempts at each audio are told, whatever came of them: of equal files those at all of them."""
    root, listing = heard
    noted = {}
    hear_by_beam(root, listing, direct, note=noted.update)
    assert set(noted) == set(listing["audio_sha256"].dropna())
    paths = dict(zip(listing["path"].str.removeprefix("data/inbox/"), listing["audio_sha256"], strict=True))
    assert [each.failure for each in noted[paths["a.wav"]]] == [None]
    assert [each.failure.reason for each in noted[paths["text.mp3"]]] == ["not_audio"]


def test_bundle_and_audio_go_where_the_workers_are(heard, direct):
    """With the project in another storage, the bundle is put there and the audio read from there."""
    root, listing = heard
    place = Place("memory://elsewhere")
    place.within("data/inbox").fill(root / "data/inbox")
    kept, failed = hear_by_beam(root, listing, direct, place.url)
    assert sum(answer.status == CLASSIFIED for answer in kept.values()) == 3
    assert set(failed) == {"data/inbox/gone.wav", "data/inbox/vanished.wav"}
    assert place.within("mlruns/bundles").within(read_champion(root)[0].content_sha256).exists("contract.json")


def test_answers_of_an_interrupted_job_are_kept_and_not_heard_again(heard, direct, monkeypatch):
    """What a killed job left is taken, asked for or not; what is denied by now is dropped."""
    root, listing = heard
    champion, folder = read_champion(root)
    left = answers_place(Place(str(root)), model_key(read_contract(folder, champion.content_sha256)))
    (sha,) = listing["audio_sha256"][listing["path"] == "data/inbox/a.wav"]
    answer = Answer("too_short", "said by the killed job")
    for audio in (sha, "e" * 64, "f" * 64):
        write_said(left, Said(audio, answer))
    only = listing[listing["path"] == "data/inbox/a.wav"]
    monkeypatch.setattr("soundatlas.scale.classification.run_pipeline", scale_work.unreadable)  # is not called
    kept, failed = hear_by_beam(root, only, direct, denied={"f" * 64})
    assert kept == {sha: answer, "e" * 64: answer}
    assert failed == {}
    assert left.signatures() == {}


def test_bundle_that_computes_something_else_there_is_no_fault_of_the_files(project, model, direct):
    """What the workers find wrong with the bundle ends the job in one line."""
    tiny_project.write_clip(project / "data/inbox/a.wav", 4)
    other = project / "other"
    shutil.copytree(model, other)
    np.save(other / "golden-network.npy", np.load(other / "golden-network.npy") + np.float32(1))
    tiny_project.install_champion(project, other)
    listing = list_files([project / "data/inbox/a.wav"], project, max_file_megabytes=10)
    with pytest.raises(BundleError, match="1 dB"):
        hear_by_beam(project, pd.DataFrame(listing), direct)
