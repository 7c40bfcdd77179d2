"""The ledger where MLflow keeps it: what survives, what is noticed, and two who write at once."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from typing import TYPE_CHECKING

import git
import pytest

from soundatlas.registry.ledger import BEGINNING, Event, Version
from soundatlas.registry.ledger_author import name_author, read_git_commit, read_lock_sha256
from soundatlas.registry.ledger_store import Ledger
from soundatlas.registry.tracking import Tracking

if TYPE_CHECKING:
    from pathlib import Path

ONE = Version("1", "1" * 64)


@pytest.fixture
def ledger(tmp_path: Path, empty_database: Path) -> Ledger:
    """Give an empty ledger in a registry of its own."""
    (tmp_path / "mlruns").mkdir()
    shutil.copyfile(empty_database, tmp_path / "mlruns/mlflow.db")
    return Ledger(Tracking(tmp_path).client, "soundatlas", tmp_path)


def enter(ledger: Ledger, why: str = "a reason"):
    """Enter something."""
    return ledger.append(Event.PROMOTED, why, before=None, after=ONE, subject=ONE)


def test_entries_are_read_back_in_order(ledger):
    """Also beyond ten, where the order of texts and of numbers differ; nothing is there before the first."""
    assert ledger.read().entries == ()
    written = [enter(ledger, f"reason {number}") for number in range(12)]
    chain = ledger.read()
    assert (list(chain.entries), chain.problems) == (written, ())
    assert [entry.sequence for entry in written] == list(range(1, 13))
    assert written[0].previous == BEGINNING


def test_an_entry_says_who_and_at_which_state(ledger, tmp_path):
    """Git's name, the commit and the hash of dvc.lock; without them the system's user, and nothing."""
    assert enter(ledger).git_commit is None
    assert "@" in name_author(tmp_path)
    repository = git.Repo.init(tmp_path)
    with repository.config_writer() as settings:
        settings.set_value("user", "name", "Ann [b]")
        settings.set_value("user", "email", "ann@example.org")
    (tmp_path / "dvc.lock").write_text("schema: '2.0'\n")
    repository.index.add(["dvc.lock"])
    repository.index.commit("start")
    entry = enter(ledger)
    assert entry.who == "Ann [b] <ann@example.org>"
    assert entry.git_commit == read_git_commit(tmp_path) == repository.head.commit.hexsha
    assert entry.dvc_lock_sha256 == read_lock_sha256(tmp_path)
    assert ledger.read().problems == ()


def test_two_writers_at_once_make_one_chain(ledger, tmp_path):
    """Whoever comes second writes again behind the first: no fork, and no entry is lost."""
    others = [Ledger(Tracking(tmp_path).client, "soundatlas", tmp_path) for _ in range(3)]
    enter(ledger)
    threads = [
        threading.Thread(target=lambda each=each: [enter(each, f"of {id(each)}, {number}") for number in range(4)])
        for each in others
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    chain = ledger.read()
    assert chain.problems == ()
    assert len(chain.entries) == 13
    assert len({entry.why for entry in chain.entries}) == 13


def test_a_changed_byte_in_the_database_is_noticed(ledger, tmp_path):
    """Whoever edits the database is found out, and can still read what is left."""
    for _ in range(3):
        enter(ledger)
    with sqlite3.connect(tmp_path / "mlruns/mlflow.db") as connection:
        connection.execute(
            "UPDATE model_version_tags SET value = replace(value, 'a reason', 'a reasom') "
            "WHERE version = 2 AND key = 'entry'"
        )
    chain = ledger.read()
    assert chain.problems == ("entry 2: it was changed: its hash does not fit",)
    assert [entry.sequence for entry in chain.entries] == [1, 3]
    enter(ledger)
    assert ledger.read().problems == chain.problems


def test_a_deleted_entry_is_noticed(ledger):
    """One in the middle by the link after it, the last one by the mark of where the ledger ends."""
    for _ in range(4):
        enter(ledger)
    ledger.client.delete_model_version(ledger.name, "4")
    assert ledger.read().problems == ("entry 4: it is missing, or another stands in its place",)
    ledger.client.delete_model_version(ledger.name, "2")
    assert ledger.read().problems[0] == "entry 3: what stood between entry 1 and it is missing"


def test_writing_goes_on_after_the_last_entry_was_deleted(ledger):
    """MLflow gives no number twice: the entry is written where its number says, and what is missing stays noticed."""
    enter(ledger)
    enter(ledger)
    ledger.client.delete_model_version(ledger.name, "2")
    entry = enter(ledger, "after the deletion")
    assert ledger.client.get_model_version(ledger.name, str(entry.sequence)).tags["entry"] == entry.text()


def test_a_description_that_was_edited_is_noticed(ledger):
    """What MLflow's pages show is the entry in words; words of somebody else are told."""
    entry = enter(ledger)
    assert ledger.client.get_model_version(ledger.name, "1").description == entry.sentence()
    ledger.client.update_model_version(ledger.name, "1", description="all was well")
    assert ledger.read().problems == ("entry 1: its description in MLflow was changed",)


def test_what_was_applied_is_noted_beside_the_entry(ledger):
    """The note is no part of the entry, whose bytes stay."""
    entry = enter(ledger)
    assert not ledger.is_applied(entry)
    ledger.mark_applied(entry)
    assert ledger.is_applied(entry)
    assert ledger.read().entries == (entry,)
