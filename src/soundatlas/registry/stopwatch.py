"""How long models take for a clip, measured so that they can be compared on a machine that does other things too."""

from __future__ import annotations

import time
from statistics import median
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Clip = TypeVar("Clip")


def clip_milliseconds(models: Sequence[Callable[[Clip], object]], clips: Sequence[Clip]) -> list[float]:
    """Return each model's median time per clip.

    All models take each clip in turn, the one that went first goes last on the next, and the first clip is heard once
    before, so that neither what is read from disk nor what the machine does meanwhile favours one of them.

    Args:
        models: what is timed; each is called with a clip.
        clips: at least one.

    Returns:
        milliseconds, in the order of the models.
    """
    for model in models:
        model(clips[0])
    times: list[list[float]] = [[] for _ in models]
    for turn, clip in enumerate(clips):
        for step in range(len(models)):
            index = (turn + step) % len(models)
            began = time.perf_counter()
            models[index](clip)
            times[index].append(1000 * (time.perf_counter() - began))
    return [median(each) for each in times]
