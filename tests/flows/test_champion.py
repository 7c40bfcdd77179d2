"""The event that a champion changed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

import flows.champion
from flows.champion import CHANGED, NOTICED_BY, announcing_champion
from soundatlas.files import write_json

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """Collect events instead of sending them to a server."""
    sent: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(flows.champion, "emit_event", lambda event, **rest: sent.append((event, rest)))
    monkeypatch.setattr(flows.champion, "get_run_logger", logging.getLogger)
    return sent


def pin(root: Path, content: str | None) -> None:
    """Write the pin."""
    write_json(root / "data/champion.json", {"content_sha256": content})


def test_another_champion_is_announced(tmp_path: Path, events) -> None:
    """The event says which model was champion and which is, and which flow noticed."""
    pin(tmp_path, "a" * 64)
    with announcing_champion(tmp_path, "pipeline"):
        pin(tmp_path, "b" * 64)
    [(event, about)] = events
    assert event == CHANGED
    assert about["payload"] == {"before": "a" * 64, "after": "b" * 64}
    assert about["resource"][NOTICED_BY] == "pipeline"


def test_the_first_champion_is_announced(tmp_path: Path, events) -> None:
    """From no pin, and from a pin without a champion, to one is a change."""
    with announcing_champion(tmp_path, "pipeline"):
        pin(tmp_path, None)
    assert events == []
    with announcing_champion(tmp_path, "pipeline"):
        pin(tmp_path, "b" * 64)
    assert events[0][1]["payload"]["before"] is None


def test_the_same_champion_is_not(tmp_path: Path, events) -> None:
    """A pin that was written anew with the same model is no change."""
    pin(tmp_path, "a" * 64)
    with announcing_champion(tmp_path, "pipeline"):
        pin(tmp_path, "a" * 64)
    assert events == []


def test_a_later_failure_does_not_hide_it(tmp_path: Path, events) -> None:
    """When a stage after `promote` fails, the change has happened all the same."""

    def promote_and_fail() -> None:
        with announcing_champion(tmp_path, "pipeline"):
            pin(tmp_path, "b" * 64)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        promote_and_fail()
    assert len(events) == 1
