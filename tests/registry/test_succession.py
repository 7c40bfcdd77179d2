"""Judging once, moving the alias, and what the ledger says of it: also after a kill, and after somebody's own hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from soundatlas.errors import UsageError
from soundatlas.registry.database import ALIAS
from soundatlas.registry.gate import Verdict
from soundatlas.registry.ledger import Event
from soundatlas.registry.succession import GATE_TAG, REASON_TAG, Succession

if TYPE_CHECKING:
    from soundatlas.registry.pin import Champion

NAME = "soundatlas"


@pytest.fixture
def line(registry) -> Succession:
    """Give the succession of a project with two versions, neither judged."""
    return Succession(registry)


def verdict(*, promoted: bool):
    """Return a gate that always says the same, and the list of champions that it was asked about."""
    asked: list[Champion | None] = []

    def judge(champion: Champion | None) -> Verdict:
        asked.append(champion)
        return Verdict(promoted, "a reason")

    return judge, asked


def version(line: Succession, number: int):
    """Return a version as the registry has it now."""
    return line.client.get_model_version(NAME, str(number))


def judge(line: Succession, number: int, *, promoted: bool = True) -> str | None:
    """Let the gate say the same whatever it sees."""
    return line.judge(version(line, number), verdict(promoted=promoted)[0])


def story(line: Succession) -> list[tuple[str, str | None, str | None]]:
    """Return event, champion before and champion after, of each entry; the chain must be whole."""
    chain = line.ledger.read()
    assert chain.problems == ()
    return [
        (str(entry.event), *(each.version if each else None for each in (entry.before, entry.after)))
        for entry in chain.entries
    ]


class Killed(BaseException):
    """What a process does not survive."""


def kill_at(monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> None:
    """Let the process die where it would call something."""

    def die(*_: object, **__: object) -> None:
        raise Killed

    monkeypatch.setattr(owner, name, die)


def test_winner_gets_the_alias(line, registry):
    """The first promoted model becomes champion; its version says so, since when and why; so does the ledger."""
    gate, asked = verdict(promoted=True)
    assert line.judge(version(line, 1), gate) == "version 1 promoted: a reason"
    assert asked == [None]
    assert registry.champion().version == "1"
    tags = version(line, 1).tags
    assert (tags[GATE_TAG], tags[REASON_TAG], tags["champion_because"]) == (
        "promoted",
        "a reason",
        "promoted: a reason",
    )
    [entry] = line.ledger.read().entries
    assert (entry.event, entry.before, entry.after.version, entry.why) == (Event.PROMOTED, None, "1", "a reason")
    assert tags["champion_since"] == entry.time


def test_loser_does_not(line, registry):
    """A refused model leaves the alias where it was, is told who the champion is, and is entered."""
    judge(line, 1)
    gate, asked = verdict(promoted=False)
    assert line.judge(version(line, 2), gate) == "version 2 refused: a reason"
    assert asked == [registry.champion()]
    assert registry.champion().version == "1"
    assert version(line, 2).tags[GATE_TAG] == "refused"
    assert story(line) == [("promoted", None, "1"), ("refused", "1", "1")]
    assert line.ledger.read().entries[-1].subject.version == "2"


@pytest.mark.parametrize("promoted", [True, False])
def test_model_is_judged_once(line, registry, promoted):
    """A second look at a judged version asks nobody, changes nothing and enters nothing."""
    judge(line, 1, promoted=promoted)
    gate, asked = verdict(promoted=not promoted)
    assert line.judge(version(line, 1), gate) is None
    assert asked == []
    assert (registry.champion() is not None) == promoted
    assert len(story(line)) == 1


def test_the_report_lies_beside_the_run_and_its_hash_in_the_ledger(line, tmp_path):
    """A refusal too leaves its report; the entry says where, and what its bytes hash to."""
    from soundatlas.files import sha256_file

    judge(line, 1, promoted=False)
    [entry] = line.ledger.read().entries
    assert entry.gate_report == f"runs:/{version(line, 1).run_id}/gate/soundatlas-v1/report.json"
    fetched = line.client.download_artifacts(version(line, 1).run_id, "gate/soundatlas-v1/report.json", str(tmp_path))
    assert sha256_file(type(tmp_path)(fetched)) == entry.gate_report_sha256


def test_a_version_that_is_registered_again_keeps_the_earlier_report(line, root, tmp_path):
    """Somebody deletes a refused version, and it is registered from the same run: two reports, each with its hash."""
    from soundatlas.files import sha256_file

    judge(line, 2, promoted=False)
    run = version(line, 2).run_id
    line.client.delete_model_version(NAME, "2")
    again = line.registry.register(root / "data/model", run)
    line.judge(again, lambda _: Verdict(False, "another reason"))
    entries = line.ledger.read().entries
    assert len({entry.gate_report for entry in entries}) == len(entries) == 2
    for entry in entries:
        fetched = line.client.download_artifacts(run, entry.gate_report.partition(f"{run}/")[2], str(tmp_path))
        assert sha256_file(type(tmp_path)(fetched)) == entry.gate_report_sha256


def test_a_champion_from_before_the_ledger_is_its_beginning(line):
    """A registry that soundatlas knew before it kept a ledger gets one from its present champion on."""
    assert line.sync() == []
    assert story(line) == []
    line.client.set_registered_model_alias(NAME, ALIAS, "2")
    line.sync()
    line.sync()
    assert story(line) == [("found", None, "2")]


def test_alias_that_was_moved_by_hand_is_entered_and_stands(line, registry):
    """A move in MLflow's pages is noticed at the next sync; the newer version does not take the alias back."""
    for number in (1, 2):
        judge(line, number)
    line.client.set_registered_model_alias(NAME, ALIAS, "1")
    assert line.sync() == [
        "version 1 moved by hand: the alias was moved from version 2 to version 1 outside soundatlas"
    ]
    assert judge(line, 2) is None
    assert registry.champion().version == "1"
    assert line.sync() == []
    line.client.delete_registered_model_alias(NAME, ALIAS)
    line.sync()
    assert story(line)[2:] == [("moved by hand", "2", "1"), ("moved by hand", "1", None)]


def test_killed_before_the_alias_moved(line, registry, monkeypatch):
    """The entry is there and the alias is not: the next sync lets it move, and the model is not judged again."""
    with monkeypatch.context() as patch:
        kill_at(patch, line.client, "set_registered_model_alias")
        with pytest.raises(Killed):
            judge(line, 1)
    assert registry.champion() is None
    assert line.sync() == ["finished what was cut off: version 1 promoted: a reason"]
    assert registry.champion().version == "1"
    assert judge(line, 1, promoted=False) == "version 1 is the champion"
    assert version(line, 1).tags[REASON_TAG] == "a reason"
    assert story(line) == [("promoted", None, "1")]


@pytest.mark.parametrize("name", ["set_model_version_tag", "set_registered_model_tag"])
def test_killed_after_the_entry_or_after_the_alias(line, registry, monkeypatch, name):
    """Wherever else it dies, the next run ends with one entry, the alias and the tag."""
    with monkeypatch.context() as patch:
        kill_at(patch, line.client, name)
        with pytest.raises(Killed):
            judge(line, 1)
    line.sync()
    judge(line, 1)
    assert (registry.champion().version, version(line, 1).tags[GATE_TAG]) == ("1", "promoted")
    assert story(line) == [("promoted", None, "1")]


def test_killed_after_a_refusal_was_entered(line, monkeypatch):
    """The refusal stands in the ledger once, and nobody is asked again: its report keeps its hash."""
    judge(line, 1)
    with monkeypatch.context() as patch:
        kill_at(patch, line.client, "set_model_version_tag")
        with pytest.raises(Killed):
            judge(line, 2, promoted=False)
    line.sync()
    gate, asked = verdict(promoted=True)
    assert line.judge(version(line, 2), gate) == "version 2 refused: a reason"
    assert asked == []
    assert version(line, 2).tags[GATE_TAG] == "refused"
    assert story(line) == [("promoted", None, "1"), ("refused", "1", "1")]


def test_somebody_moved_on_after_a_kill(line, registry, monkeypatch):
    """A cut-off move is not completed over what somebody has decided meanwhile: that is entered as theirs."""
    judge(line, 1)
    with monkeypatch.context() as patch:
        kill_at(patch, line.client, "set_registered_model_alias")
        with pytest.raises(Killed):
            judge(line, 2)
    line.client.delete_registered_model_alias(NAME, ALIAS)
    assert line.sync() == [
        "the champion moved by hand: the alias was moved from version 2 to nobody outside soundatlas"
    ]
    assert registry.champion() is None


def test_a_cut_off_move_to_a_version_that_was_deleted(line, monkeypatch):
    """The move can no longer be completed, and does not block what follows."""
    judge(line, 1)
    with monkeypatch.context() as patch:
        kill_at(patch, line.client, "set_registered_model_alias")
        with pytest.raises(Killed):
            judge(line, 2)
    line.client.delete_model_version(NAME, "2")
    line.sync()
    assert story(line)[-1] == ("moved by hand", "2", "1")
    assert line.sync() == []


def test_rollback_goes_to_the_champion_before(line, registry):
    """Without a number it is the one before; the gate does not undo it, and a second one finds none before that."""
    for number in (1, 2):
        judge(line, number)
    line.roll_back(line.choose_earlier(None), "calls every reel a jig")
    assert registry.champion().version == "1"
    assert judge(line, 2) is None
    assert story(line)[-1] == ("rolled back", "2", "1")
    assert version(line, 1).tags["champion_because"] == "rolled back: calls every reel a jig"
    with pytest.raises(UsageError, match="no earlier champion"):
        line.choose_earlier(None)


def test_rollback_goes_only_where_a_champion_was(line):
    """To the present champion, to one that never was, or to a version that is not there, it is refused by name."""
    judge(line, 1)
    judge(line, 2, promoted=False)
    with pytest.raises(UsageError, match="version 1 is the champion already"):
        line.choose_earlier("1")
    with pytest.raises(UsageError, match="version 2 never was champion; `soundatlas promote 2"):
        line.choose_earlier("2")
    line.override(line.choose_any("2"), "why not")
    line.client.delete_model_version(NAME, "1")
    with pytest.raises(UsageError, match="no version 1; there are: 2"):
        line.choose_earlier(None)


def test_promotion_against_the_gate_says_so(line, registry):
    """A refused model becomes champion by somebody's word; the gate's own decision stays on record."""
    judge(line, 1)
    judge(line, 2, promoted=False)
    line.override(line.choose_any("2"), "the test side lacks jigs")
    assert registry.champion().version == "2"
    assert (version(line, 2).tags[GATE_TAG], story(line)[-1]) == ("refused", ("promoted against the gate", "1", "2"))
    assert line.ledger.read().entries[-1].why == "the test side lacks jigs"
    with pytest.raises(UsageError, match="version 2 is the champion already"):
        line.choose_any("2")


def test_a_model_that_was_promoted_unseen_is_not_judged_later(line):
    """Whoever promotes a version that the gate has not seen has decided for the gate too."""
    line.override(line.choose_any("2"), "no time")
    assert judge(line, 2, promoted=False) is None
    assert version(line, 2).tags[REASON_TAG] == "not judged: no time"


def test_the_ledger_outlives_a_deleted_run_and_version(line):
    """Who deletes the run and the version of a former champion deletes nothing of its history."""
    judge(line, 1)
    judge(line, 2)
    line.client.delete_run(version(line, 1).run_id)
    line.client.delete_model_version(NAME, "1")
    assert story(line) == [("promoted", None, "1"), ("promoted", "1", "2")]
