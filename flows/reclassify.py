"""Bring predictions and map up to date with the champion and the inbox; on a schedule, and when the champion changed.

python -m flows.reclassify
"""

from __future__ import annotations

from prefect import flow
from prefect.logging import get_run_logger

from flows.artifacts import publish_predictions, read_predictions
from flows.champion import announcing_champion
from flows.flips import publish_flips
from flows.stage_tasks import reproduce
from flows.workspace import holding_workspace
from soundatlas.attempts import PASSING_REASONS
from soundatlas.dag import read_stages, refreshing
from soundatlas.errors import NotReadyError
from soundatlas.files import project_root
from soundatlas.params import load_params

TARGETS = ("classify", "atlas")
MODEL = "data/model/about.json"


@flow(name="reclassify")
def reclassify() -> None:
    """List the inbox, follow the champion alias, classify what is new or stale, draw the map, show what flipped.

    Nothing is trained, and what the champion has heard before is not heard again, except for files that failed for a
    reason that may have passed, such as a timeout.
    """
    root = project_root()
    if not (root / MODEL).is_file():
        raise NotReadyError(
            "there is no model here: run the pipeline first, with the deployment `pipeline` or `dvc repro`, "
            "or wait for the one that is training"
        )
    with holding_workspace(root):
        before = read_predictions(root)
        again = sum(row["status"] in PASSING_REASONS and row["audio_sha256"] != "" for row in before.values())
        if again:  # DVC sees no change, and would leave out the stage
            get_run_logger().info("files that failed for a passing reason, tried again: %d", again)
        with announcing_champion(root, "reclassify"):
            for stage in refreshing(read_stages(root), TARGETS):
                force = ["--force"] if again and stage.name == TARGETS[0] else []
                reproduce(root, ["repro", "--single-item", *force, stage.name])
        publish_predictions(root, before)
        publish_flips(root, load_params(root / "params.yaml").reclassify.max_psi)


if __name__ == "__main__":
    from flows.terminal import run_from_terminal

    run_from_terminal(reclassify)
