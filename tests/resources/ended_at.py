"""Ending what is done at every moment at which a signal could."""

from __future__ import annotations

import itertools
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class EndedError(BaseException):
    """What a signal's handler raises."""


def ends_at(moment: int, doing: Callable[[], object]) -> bool:
    """Do something, and end it at its n-th moment; return whether there was one.

    Python runs the handler of a signal where a function begins, and where one that is written in C returns.
    """
    moments = itertools.count()

    def end(_frame: object, event: str, _argument: object) -> None:
        if event in {"call", "c_return", "c_exception"} and next(moments) == moment:
            sys.setprofile(None)
            raise EndedError

    sys.setprofile(end)
    try:
        doing()
    except EndedError:
        pass
    except OSError as error:  # `shutil.rmtree` closes what it has closed already when it is ended just there
        if not isinstance(error.__context__, EndedError):
            raise
    finally:
        sys.setprofile(None)
    return next(moments) > moment
