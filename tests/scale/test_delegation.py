"""Stages with another engine: `params.engine` decides where the work is done, and changes no byte."""

from __future__ import annotations

import sys

import pytest
import tiny_project

from soundatlas.errors import NotReadyError
from soundatlas.history.answers import Answer
from soundatlas.profiling import Profile
from soundatlas.registry.contract import read_contract
from soundatlas.registry.pin import read_champion
from soundatlas.registry.prediction_key import model_key
from soundatlas.scale.answers import Said, answers_place, write_said
from soundatlas.scale.attempted import ignore
from soundatlas.scale.delegation import delegate_messages
from soundatlas.scale.places import Place
from soundatlas.stages import classify, ingest, spectrograms
from soundatlas.tables import INBOX, empty, write_table

BEAM = {"kind": "beam", "runner": "DirectRunner"}


@pytest.fixture
def catalogued(project):
    """Give a project with a catalogue and no spectrograms."""
    tiny_project.write_catalogue(project)
    return project


def test_stage_spectrograms_gives_the_same_store(catalogued, repository, content, capsys):
    """With Beam, and with Beam and the project elsewhere, `data/spectrograms` holds the same bytes."""
    store = Place(str(catalogued / "data/spectrograms"))
    spectrograms.run(catalogued, tiny_project.params_of(repository))
    expected = content(store)
    there = Place("memory://stage")
    there.within("data/audio").fill(catalogued / "data/audio")
    for engine in (BEAM, {**BEAM, "place": there.url}):
        for name in store.signatures():
            store.remove(name)
        profile = Profile()
        spectrograms.run(catalogued, tiny_project.params_of(repository, engine=engine), profile)
        assert content(store) == expected
        assert profile.runner == "DirectRunner"
    assert capsys.readouterr().out.splitlines() == ["spectrograms: 12 computed, 0 kept, 0 removed, 0 failed"] * 3


def test_stage_classify_gives_the_same_predictions(project, model, repository, capsys):
    """The table is the same bytes, and what the history holds is not heard again, whoever heard it."""
    for number in range(3):
        tiny_project.write_clip(project / f"data/inbox/{number}.wav", number)
    (project / "data/inbox/text.mp3").write_text("no music", encoding="utf-8")
    ingest.run(project, tiny_project.params_of(repository))
    write_table(empty(INBOX), project / "data/catalog/inbox.parquet")
    tiny_project.install_champion(project, model)
    tables = []
    for engine, runner in (({"kind": "local"}, None), (BEAM, "DirectRunner")):
        profile = Profile()
        classify.run(project, tiny_project.params_of(repository, engine=engine), profile)
        assert (profile.runner, profile.tracks) == (runner, 0 if runner else 3)
        tables.append((project / "data/predictions/predictions.parquet").read_bytes())
        (project / "data/history/predictions.db").rename(project / f"data/history/{engine['kind']}.db")
    assert tables[0] == tables[1]
    (project / "data/history/beam.db").rename(project / "data/history/predictions.db")
    classify.run(project, tiny_project.params_of(repository))
    assert capsys.readouterr().out.splitlines()[-1].endswith("3 classified, 1 not_audio; 0 computed")


def test_what_messages_brought_and_could_not_be_heard_is_told_at_the_end(
    project, model, repository, monkeypatch, capsys
):
    """A failure that may pass is kept nowhere: a line on stderr, and its file is gone."""
    tiny_project.install_champion(project, model)
    champion, folder = read_champion(project)
    place = answers_place(Place(str(project)), model_key(read_contract(folder, champion.content_sha256)))
    said = Said("a" * 64, None, {"gs://bucket/new/\x1bevil.wav": Answer("timeout", "took longer than 60 s")})

    def interrupted(*_, **__):
        write_said(place, said, "b" * 64)
        raise KeyboardInterrupt

    monkeypatch.setattr("soundatlas.scale.runners.run_pipeline", interrupted)
    with pytest.raises(KeyboardInterrupt):
        delegate_messages(
            "projects/my-project/subscriptions/new",
            "gs://bucket/new",
            folder,
            champion,
            project,
            params=tiny_project.params_of(repository),
            keep=pytest.fail,
            note=ignore,
        )
    told = "'gs://bucket/new/\\x1bevil.wav' could not be heard: timeout: took longer than 60 s\n"
    assert capsys.readouterr().err == told
    assert place.signatures() == {}


def test_without_beam_the_stage_says_what_to_install(catalogued, repository, monkeypatch):
    """The engine that is not installed is one line, and nothing was touched."""
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    with pytest.raises(NotReadyError, match="Apache Beam is not installed"):
        spectrograms.run(catalogued, tiny_project.params_of(repository, engine=BEAM))
    assert not (catalogued / "data/spectrograms").exists()


def test_place_out_of_reach_is_said_before_any_work_begins(catalogued, repository):
    """A place that nobody answers for is one line, and nothing was touched."""
    away = {**BEAM, "place": "http://127.0.0.1:1/project"}
    with pytest.raises(NotReadyError, match=r"127\.0\.0\.1:1/project cannot be reached"):
        spectrograms.run(catalogued, tiny_project.params_of(repository, engine=away))
    assert not (catalogued / "data/spectrograms").exists()
