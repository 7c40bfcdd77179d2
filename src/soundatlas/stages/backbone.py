"""Stage `backbone`: what does a network that others trained hear in each track?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from soundatlas.errors import TooManyFailuresError
from soundatlas.files import sha256_json
from soundatlas.history.audit import FEATURES, Step, open_audit
from soundatlas.history.watching import audited
from soundatlas.learning.backbone import NONE, backbone_front_end, backbone_of, feature_contract
from soundatlas.learning.backbone_features import FAILURES_NAME, update_features
from soundatlas.profiling import profiled
from soundatlas.progress import progress
from soundatlas.stages._run import run_profiled_stage
from soundatlas.tables import TRACKS, read_table
from soundatlas.workers import retrying

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.params import Params
    from soundatlas.profiling import Profile


def run(root: Path, params: Params, profile: Profile | None = None) -> None:
    """Bring `data/backbone/` up to date with the catalogue and `train.backbone`; for `none` it is an empty table.

    Raises:
        BackboneUnavailableError: when the weights cannot be fetched.
        TooManyFailuresError: when more tracks failed than `backbone.max_failure_rate` allows.
    """
    section, folder, name = params.backbone, root / "data/backbone", backbone_of(params.train.backbone)
    tracks = read_table(root / "data/catalog/tracks.parquet", TRACKS)
    wanted = {} if name == NONE else dict(zip(tracks["audio_sha256"], tracks["path"], strict=True))
    front_end = backbone_front_end(params.spectrograms.min_seconds, params.spectrograms.max_seconds)
    step = Step(FEATURES, sha256_json(feature_contract(name, front_end)))
    with open_audit(root, "backbone") as trail, progress(f"listening with {name}", len(wanted)) as advance:
        update = update_features(
            folder,
            wanted,
            name,
            front_end,
            root=root,
            timeout_seconds=section.timeout_seconds,
            map_jobs=audited(trail, step, profiled(profile, retrying(section.retries))),
            advance=advance,
        )
    print(  # noqa: T201 - the stage's report
        f"backbone: {name}: {update.computed} computed, {update.kept} kept, {update.removed} removed, "
        f"{update.failed} failed"
    )
    if update.failed > section.max_failure_rate * len(wanted):
        reasons = pd.read_parquet(folder / FAILURES_NAME)["reason"].value_counts()
        told = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
        raise TooManyFailuresError(
            f"{update.failed} of {len(wanted)} tracks failed ({told}): see data/backbone/{FAILURES_NAME}, "
            "or raise backbone.max_failure_rate"
        )


if __name__ == "__main__":
    run_profiled_stage(run)
