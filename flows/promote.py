"""Make a version champion whatever the gate said.

    python -m flows.promote --version 2 --reason "the test side lacks what it is good at"

The same flow is started from the Prefect UI; see `make ui`. `soundatlas promote` does the same without Prefect.
"""

from __future__ import annotations

from prefect import flow

from flows.moves import moving_champion


@flow(name="promote", validate_parameters=True)
def promote(version: str, reason: str) -> None:
    """Make a version champion whatever the gate said; the history says so, with the reason.

    Args:
        version: Number of the version in the registry; the artifact `models` of a pipeline run lists them.
        reason: Why, for the history. It must be given.
    """
    from soundatlas.commands.succession import promote_version

    moving_champion("promote", lambda root, on_wait: promote_version(root, version.strip(), reason, on_wait))


if __name__ == "__main__":
    from flows.terminal import run_from_terminal

    run_from_terminal(promote)
