"""What the champion hears in the catalogue, with a store and without one."""

from __future__ import annotations

import pandas as pd
import tiny_project

from soundatlas.atlas.embeddings import hear_catalogue
from soundatlas.history.answers import CLASSIFIED
from soundatlas.registry.pin import read_champion


def test_without_a_store_the_files_are_heard_and_a_bad_one_says_why(project, model, monkeypatch):
    """Each track has the champion's answer; one that is no audio has its reason; the second time nothing is heard."""
    monkeypatch.setenv("SOUNDATLAS_WORKERS", "1")
    tracks = tiny_project.write_catalogue(project).head(3)
    words = project / "data/audio/words.wav"
    words.write_text("no music")
    bad = tracks.head(1).assign(path="data/audio/words.wav", audio_sha256=tiny_project.sha256_file(words))
    tiny_project.install_champion(project, model)
    champion, folder = read_champion(project)
    listed = pd.concat([tracks.iloc[1:], bad], ignore_index=True)
    contract, answers = hear_catalogue(project, champion, folder, listed, timeout_seconds=60)
    assert contract.content_sha256 == champion.content_sha256
    assert [answers[sha].status for sha in listed["audio_sha256"]] == [CLASSIFIED, CLASSIFIED, "not_audio"]
    for path in (project / "data/audio").iterdir():
        path.unlink()
    assert hear_catalogue(project, champion, folder, listed, timeout_seconds=60)[1] == answers
