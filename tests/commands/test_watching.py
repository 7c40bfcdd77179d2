"""A folder under watch: what arrives is heard once per audio and champion, whatever happens meanwhile."""

from __future__ import annotations

import shutil

import pytest
import tiny_project

from soundatlas.commands.watching import ATTEMPTS, Watch
from soundatlas.errors import NotReadyError
from soundatlas.files import sha256_file, write_json
from soundatlas.history.audit import open_audit
from soundatlas.history.store import open_history
from soundatlas.registry import classification
from soundatlas.registry.pin import PIN, read_champion
from soundatlas.sources.arrivals import Arrivals
from soundatlas.sources.deny_list import add_entries


@pytest.fixture
def told() -> list[dict[str, object]]:
    """Give what was told, row for row."""
    return []


@pytest.fixture
def watch(crowned, repository, told):
    """Give a function that begins to watch the inbox of a project with a champion; every file is whole at once."""

    def begin(**engine: object) -> Watch:
        params = tiny_project.params_of(repository, engine=engine)
        arrivals = Arrivals(crowned / "data/inbox", 0.0)
        return Watch(crowned, params, arrivals, lambda table, _: told.extend(table.to_dict("records")))

    return begin


def predictions(root, path) -> list[tuple[str, str]]:
    """Return all that the history has of a file's audio: model and status."""
    with open_history(root) as history:
        return [(each.key.model_sha256, each.answer.status) for each in history.of_audio(sha256_file(path))]


@pytest.mark.parametrize("engine", [{"kind": "local"}, {"kind": "beam", "runner": "DirectRunner"}])
def test_what_arrives_is_heard_once(watch, crowned, told, engine):
    """Each file gets a row when it arrives; equal bytes are heard once, and a second watch hears nothing again."""
    inbox = crowned / "data/inbox"
    tiny_project.write_clip(inbox / "a.wav", 1)
    (inbox / "text.mp3").write_text("no music", encoding="utf-8")
    (inbox / "empty.wav").touch()
    first = watch(**engine)
    assert first.look() == 2
    assert [(row["path"], row["status"]) for row in told] == [
        ("data/inbox/a.wav", "classified"),
        ("data/inbox/empty.wav", "empty"),
        ("data/inbox/text.mp3", "not_audio"),
    ]
    assert first.look() == 0
    assert first.quiet
    shutil.copy(inbox / "a.wav", inbox / "again.wav")
    tiny_project.write_clip(inbox / "b.wav", 2)
    told.clear()
    assert first.look() == 1
    assert [row["path"] for row in told] == ["data/inbox/again.wav", "data/inbox/b.wav"]
    assert {row["status"] for row in told} == {"classified"}
    told.clear()
    assert watch(**engine).look() == 0
    assert [row["path"] for row in told] == ["data/inbox/empty.wav"]  # of which no audio is known
    assert len(predictions(crowned, inbox / "a.wav")) == 1
    with open_audit(crowned, "test") as trail:
        told_of = [(each.by, each.outcome) for each in trail.of_audio(sha256_file(inbox / "text.mp3"))]
    assert told_of == [("watch", "not_audio")]


def test_champion_that_changes_hears_what_lies_there_once(watch, crowned, told, model, tmp_path):
    """A new champion hears all files, once each; what the old one said stays, and is what counts after a rollback."""
    inbox = crowned / "data/inbox"
    tiny_project.write_clip(inbox / "a.wav", 1)
    old, _ = read_champion(crowned)
    pin = (crowned / PIN).read_bytes()
    watching = watch()
    assert watching.look() == 1
    other = shutil.copytree(model, tmp_path / "other")
    contract = (other / "contract.json").read_text(encoding="utf-8")
    (other / "contract.json").write_text(contract + "\n", encoding="utf-8")  # the same model by another hash
    new = tiny_project.install_champion(crowned, other)
    tiny_project.write_clip(inbox / "b.wav", 2)
    assert watching.look() == 2
    assert watching.look() == 0
    assert {row["model_sha256"] for row in told[1:]} == {new}
    assert predictions(crowned, inbox / "a.wav") == [(old.content_sha256, "classified"), (new, "classified")]
    assert predictions(crowned, inbox / "b.wav") == [(new, "classified")]
    (crowned / PIN).write_bytes(pin)
    assert watching.look() == 1  # b.wav, which the old one never heard
    assert len(predictions(crowned, inbox / "a.wav")) == 2


def test_champion_that_changes_while_files_are_heard_is_no_mixture(watch, crowned, model, tmp_path, monkeypatch):
    """What is being heard is finished and kept as the model's that began it; the new one comes at the next look."""
    inbox = crowned / "data/inbox"
    tiny_project.write_clip(inbox / "a.wav", 1)
    old, _ = read_champion(crowned)
    other = shutil.copytree(model, tmp_path / "other")
    contract = (other / "contract.json").read_text(encoding="utf-8")
    (other / "contract.json").write_text(contract + "\n", encoding="utf-8")
    hear, new = classification.hear_files, []

    def promote_meanwhile(*arguments, **settings):
        if not new:
            new.append(tiny_project.install_champion(crowned, other))
        return hear(*arguments, **settings)

    monkeypatch.setattr("soundatlas.registry.classification.hear_files", promote_meanwhile)
    watching = watch()
    assert watching.look() == 1
    assert predictions(crowned, inbox / "a.wav") == [(old.content_sha256, "classified")]
    assert watching.look() == 1
    assert predictions(crowned, inbox / "a.wav") == [(old.content_sha256, "classified"), (new[0], "classified")]


def test_file_that_fails_for_a_reason_that_may_pass_is_given_up_after_some_looks(watch, crowned, told, monkeypatch):
    """An unreadable file is tried at some looks, told of once, and tried again when it changes."""
    path = crowned / "data/inbox/a.wav"
    tiny_project.write_clip(path, 1)
    listed = sha256_file(path)
    calls = []

    def fail(*arguments, **_):
        calls.append(arguments[2]["path"].tolist())
        return {shown: classification.Answer("unreadable", "Stale file handle") for shown in calls[-1]}

    with monkeypatch.context() as patch:
        patch.setattr("soundatlas.registry.classification.hear_files", fail)
        watching = watch()
        for look in range(1, ATTEMPTS + 2):
            watching.look()
            assert watching.quiet == (look >= ATTEMPTS)
    assert len(calls) == ATTEMPTS
    assert [(row["status"], row["audio_sha256"]) for row in told] == [("unreadable", listed)]
    tiny_project.write_clip(path, 2)
    assert watching.look() == 1


def test_champion_that_changes_tries_again_what_was_given_up(watch, crowned, model, tmp_path, monkeypatch):
    """A new champion has as many looks at a file as the one before had."""
    tiny_project.write_clip(crowned / "data/inbox/a.wav", 1)
    other = shutil.copytree(model, tmp_path / "other")
    contract = (other / "contract.json").read_text(encoding="utf-8")
    (other / "contract.json").write_text(contract + "\n", encoding="utf-8")
    calls = []

    def fail(*arguments, **_):
        calls.append(arguments[1].content_sha256)
        return {shown: classification.Answer("unreadable", "Stale file handle") for shown in arguments[2]["path"]}

    monkeypatch.setattr("soundatlas.registry.classification.hear_files", fail)
    watching = watch()
    for _ in range(ATTEMPTS):
        watching.look()
    new = tiny_project.install_champion(crowned, other)
    for _ in range(ATTEMPTS + 1):
        watching.look()
    assert calls.count(new) == ATTEMPTS


def test_denied_audio_is_not_heard(watch, crowned, told):
    """What the user's deny-list names is passed over, without a row."""
    path = crowned / "data/inbox/a.wav"
    tiny_project.write_clip(path, 1)
    entry = {"audio_sha256": sha256_file(path), "track_id": "", "since": "2026-01-01", "reason": "withdrawn"}
    add_entries(crowned, [entry])
    watching = watch()
    assert watching.look() == 0
    assert watching.quiet
    assert told == []


def test_without_champion_there_is_one_line(watch, crowned):
    """A project that has promoted nothing says what to do."""
    write_json(crowned / PIN, {"name": "soundatlas", "content_sha256": None, "contract_sha256": None})
    with pytest.raises(NotReadyError, match="no champion yet"):
        watch().look()
