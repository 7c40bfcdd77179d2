"""The ledger as a chain: what is sealed, what a change of a byte does, and who was champion when."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from soundatlas.errors import LedgerError
from soundatlas.registry.ledger import (
    BEGINNING,
    Event,
    Version,
    champion_at,
    champions,
    ever_champion,
    link,
    read_entry,
    seal,
    shorten,
)

ONE, TWO, THREE = (Version(str(number), f"{number}" * 64) for number in (1, 2, 3))
MOVES = (
    (Event.PROMOTED, None, ONE),
    (Event.REFUSED, ONE, ONE),
    (Event.PROMOTED, ONE, TWO),
    (Event.PROMOTED, TWO, THREE),
)


def chain(*moves):
    """Return sealed entries, a day apart."""
    entries = []
    for number, (event, before, after) in enumerate(moves, start=1):
        entries.append(
            seal(
                sequence=number,
                time=f"2026-11-{number:02d}T12:00:00+00:00",
                who="Ann <ann@example.org>",
                model="soundatlas",
                event=event,
                before=before,
                after=after,
                subject=after,
                why="ein Grund mit Ä und \udcff",
                gate_report=None,
                gate_report_sha256=None,
                git_commit=None,
                dvc_lock_sha256=None,
                previous=entries[-1].sha256 if entries else BEGINNING,
            )
        )
    return entries


def kept(entries):
    """Return them as they are kept."""
    return [(entry.sequence, entry.text()) for entry in entries]


def test_an_entry_is_read_as_it_was_written():
    """Text and entry are two forms of one thing, of ASCII alone, whatever the reason holds."""
    for entry in chain(*MOVES):
        assert read_entry(entry.text()) == entry
        assert entry.text().isascii()


def test_a_whole_chain_has_no_problems():
    """Each entry carries the hash of the one before."""
    assert link(kept(chain(*MOVES))).problems == ()
    assert link([]).entries == ()


def test_any_changed_byte_is_found():
    """Whichever byte of whichever entry becomes another, that entry is named."""
    entries = chain(*MOVES)
    for index, entry in enumerate(entries):
        text = entry.text()
        for place in range(0, len(text), 7):
            other = "x" if text[place] != "x" else "y"
            changed = kept(entries)
            changed[index] = (entry.sequence, text[:place] + other + text[place + 1 :])
            problems = link(changed).problems
            assert len(problems) == 1, (index, place)
            assert problems[0].startswith(f"entry {entry.sequence}: ")


def test_a_changed_entry_with_a_new_hash_breaks_the_next_link():
    """Who alters an entry and its hash must alter all that follow."""
    entries = chain(*MOVES)
    forged = chain((Event.PROMOTED, None, TWO))[0]
    assert link([(1, forged.text()), *kept(entries)[1:]]).problems == (
        "entry 2: what stood between entry 1 and it is missing",
    )


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_removed_entry_is_found(lost):
    """The first, and any between two others; what follows it says so."""
    rest = kept(chain(*MOVES))
    del rest[lost]
    [problem] = link(rest).problems
    assert problem.startswith(f"entry {lost + 2}: what stood between ")


def test_entries_of_a_lost_race_do_not_count():
    """Two writers met: the entry that was pushed to another place than it says was written again after it."""
    first, second = chain(*MOVES[:2])
    loser = seal(**{**_values(second), "why": "of the slower writer"})
    again = seal(**{**_values(loser), "sequence": 4, "previous": second.sha256})
    linked = link([(1, first.text()), (2, second.text()), (3, loser.text()), (4, again.text())])
    assert [entry.sequence for entry in linked.entries] == [1, 2, 4]
    assert linked.problems == ()


def test_text_of_another_format_is_refused():
    """An entry of a later version of soundatlas is not guessed at."""
    text = chain(*MOVES)[0].text().replace('"format":1', '"format":2')
    with pytest.raises(LedgerError, match="format 2"):
        read_entry(text)
    with pytest.raises(LedgerError, match="cannot be read"):
        read_entry("no JSON")


def test_champion_at_a_moment():
    """Who was champion at noon of a day, or nobody before the ledger began."""
    entries = chain(*MOVES)
    assert champion_at(entries, datetime(2026, 10, 31, tzinfo=UTC)) is None
    for day, expected in ((1, ONE), (2, ONE), (3, TWO), (30, THREE)):
        assert champion_at(entries, datetime(2026, 11, day, 12, tzinfo=UTC)).after == expected


def test_two_rollbacks_go_back_twice():
    """After a rollback the one before comes next, not the one that was rolled back from."""
    back = (*MOVES, (Event.ROLLED_BACK, THREE, TWO))
    assert champions(chain(*back)) == [ONE, TWO]
    assert champions(chain(*back, (Event.ROLLED_BACK, TWO, ONE))) == [ONE]


def test_an_old_model_that_was_promoted_again_has_the_others_behind_it():
    """Against the gate or by hand: the champion before is the one that was in place before."""
    assert champions(chain(*MOVES, (Event.OVERRIDDEN, THREE, ONE))) == [TWO, THREE, ONE]
    assert champions(chain(*MOVES, (Event.BY_HAND, THREE, None))) == [ONE, TWO, THREE]
    assert set(ever_champion(chain(*MOVES))) == {"1", "2", "3"}


def test_long_reasons_are_cut():
    """An entry fits MLflow's columns, escapes included; a short reason is one line and otherwise as it was."""
    assert shorten("  a\n reason ") == "a reason"
    for text in ("x" * 9_000, "\N{GRINNING FACE}" * 3_000):
        assert shorten(text).endswith("…")
        [entry] = chain((Event.PROMOTED, None, ONE))
        assert len(seal(**{**_values(entry), "why": text}).text()) < 3_000


def _values(entry):
    return {name: value for name, value in vars(entry).items() if name != "sha256"}
