"""A track's audio as a worker reaches it."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from soundatlas.errors import TrackError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from soundatlas.scale.places import Place


@contextmanager
def reachable_audio(project: Place, path: str) -> Iterator[tuple[Path, str]]:
    """Give where audio lies that a table names, as root and path: in place, or a copy for a while.

    Args:
        project: what relative paths are relative to.
        path: as in the table; an absolute one is the worker's own.

    Raises:
        TrackError: when it cannot be fetched.
    """
    if project.local is not None or Path(path).is_absolute():
        yield project.local or Path("/"), path
        return
    with ExitStack() as stack:
        try:
            copy = stack.enter_context(project.fetched(path))
        except OSError as error:
            raise TrackError("unreadable", error.strerror or type(error).__name__) from None
        yield copy.parent, copy.name
