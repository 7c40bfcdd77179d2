"""What a flow does around a move of the champion: hold the workspace, announce the change, leave artifacts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.logging import get_run_logger

from flows.artifacts import publish_models, publish_move
from flows.champion import announcing_champion
from flows.workspace import holding_workspace
from soundatlas.files import project_root
from soundatlas.params import load_params
from soundatlas.registry.story import tell_versions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from soundatlas.registry.ledger import Entry


def moving_champion(flow_name: str, move: Callable[[Path, Callable[[], object]], Entry]) -> None:
    """Move the champion while no other run is at work, and let `reclassify` know.

    Args:
        flow_name: of the flow that does it.
        move: given the project and what to call when a `dvc repro` is at work; returns the history's entry.
    """
    root, logger = project_root(), get_run_logger()
    with holding_workspace(root):
        with announcing_champion(root, flow_name):
            entry = move(root, lambda: logger.info("`dvc repro` is at work in this project: waiting for it"))
        logger.info(entry.sentence())
        publish_move(entry)
        publish_models(tell_versions(root, load_params(root / "params.yaml").promote.model_name))
