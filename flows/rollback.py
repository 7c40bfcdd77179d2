"""Make a former champion champion again.

    python -m flows.rollback                                      the one before the present champion
    python -m flows.rollback --to 1 --reason "calls every reel a jig"

The same flow is started from the Prefect UI; see `make ui`. `soundatlas rollback` does the same without Prefect.
"""

from __future__ import annotations

from prefect import flow

from flows.moves import moving_champion


@flow(name="rollback", validate_parameters=True)
def rollback(to: str = "", reason: str = "") -> None:
    """Make a former champion champion again; what it has classified comes back from the cache, by `reclassify`.

    Args:
        to: Number of a version that once was champion. Empty is the champion before the present one.
        reason: Why, for the history.
    """
    from soundatlas.commands.succession import roll_back_to

    moving_champion("rollback", lambda root, on_wait: roll_back_to(root, to.strip() or None, reason, on_wait))


if __name__ == "__main__":
    from flows.terminal import run_from_terminal

    run_from_terminal(rollback)
