"""Timing models against each other: who hears which clip when."""

from __future__ import annotations

import soundatlas.registry.stopwatch
from soundatlas.registry.stopwatch import clip_milliseconds


def test_models_take_turns_on_the_same_clips() -> None:
    """Each hears every clip once, after one clip that does not count; who goes first changes with each clip."""
    heard: list[tuple[str, int]] = []
    clip_milliseconds([lambda clip: heard.append(("a", clip)), lambda clip: heard.append(("b", clip))], [1, 2, 3])
    assert heard[:2] == [("a", 1), ("b", 1)]
    assert heard[2:] == [("a", 1), ("b", 1), ("b", 2), ("a", 2), ("a", 3), ("b", 3)]


def test_the_median_ignores_a_hiccup(monkeypatch) -> None:
    """One clip that took a thousand times as long, for whatever reason, changes nothing."""
    clock = {"now": 0.0}
    monkeypatch.setattr(soundatlas.registry.stopwatch.time, "perf_counter", lambda: clock["now"])

    def hear(clip: float) -> None:
        clock["now"] += clip

    assert [round(each, 6) for each in clip_milliseconds([hear], [0.002, 2.0, 0.002])] == [2.0]
