"""Stage `promote`: does the registry's champion change? Runs at every `dvc repro`, since an alias may have moved."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from soundatlas.errors import OutdatedBundleError
from soundatlas.stages._run import run_stage

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.params import Params
    from soundatlas.registry.gate import Verdict
    from soundatlas.registry.pin import Champion
    from soundatlas.registry.promotion import ModelRegistry

EXAMPLES = 8  # tracks on which the export is compared with the network


def run(root: Path, params: Params) -> None:
    """Register `data/model/`, judge it if it was never judged, and export the alias to `data/champion.json`.

    A champion that another version of soundatlas wrote cannot be loaded by this one: it is no rival, the pin says that
    there is no champion, and the reason is printed and stands with the verdict.
    """
    from soundatlas.registry.contract import content_sha256
    from soundatlas.registry.pin import export_pin
    from soundatlas.registry.promotion import ModelRegistry, in_experiment
    from soundatlas.registry.tracking import Tracking

    tracking = Tracking(root)
    registry = ModelRegistry(tracking, params.promote.model_name)
    if not in_experiment():
        version = registry.find(content_sha256(root / "data/model"))
        if version is None:
            _check_export(root, params)
        if version is None or tracking.find_run(content_sha256(root / "data/model")) is None:
            run_id = tracking.publish(root / "data/model", root / "data/evaluation")
            version = registry.register(root / "data/model", run_id)
        decision = registry.judge(version, lambda champion: _verdict(root, params, registry, champion))
        if decision is not None:
            print(f"promote: {decision}")  # noqa: T201 - the stage's report
    champion = registry.champion()
    try:
        folder = None if champion is None else _fetch(registry, champion)
    except OutdatedBundleError as error:
        folder, champion = None, None
        print(f"promote: {error}")  # noqa: T201 - the stage's report
    export_pin(root, registry.name, folder)
    print(f"promote: the champion is {'none yet' if champion is None else f'version {champion.version}'}")  # noqa: T201


def _fetch(registry: ModelRegistry, champion: Champion) -> Path:
    """Return the folder of a champion that this version of soundatlas can load."""
    from soundatlas.registry.contract import read_contract

    try:
        folder = registry.fetch(champion)
        read_contract(folder, champion.content_sha256)
    except OutdatedBundleError as error:
        raise OutdatedBundleError(
            f"version {champion.version} has the champion's alias and cannot be used: {error}"
        ) from None
    return folder


def _check_export(root: Path, params: Params) -> None:
    """Compare the model's export with its Keras network on test tracks, before anybody can load it by name."""
    from soundatlas.registry.bundle_writing import check_export
    from soundatlas.stages._inputs import load_sides, open_inputs

    inputs = open_inputs(root, params)
    shas = load_sides(root, inputs)["test"]["audio_sha256"].head(EXAMPLES)
    check_export(root / "data/model", [inputs.store.log_mel(sha) for sha in shas])


def _verdict(root: Path, params: Params, registry: ModelRegistry, champion: Champion | None) -> Verdict:
    """Compare `data/model/` with the champion, or with the majority class while there is none that can be loaded."""
    from soundatlas.registry.bundle import Bundle
    from soundatlas.registry.gate import judge_against, judge_first
    from soundatlas.stages._inputs import load_sides, open_inputs

    inputs = open_inputs(root, params)
    sides = load_sides(root, inputs)
    test, heads = sides["test"], params.promote.primary
    predictions = pd.read_parquet(root / "data/evaluation/predictions.parquet").set_index("track_id")
    challenger = predictions.loc[test["track_id"], heads].reset_index(drop=True)
    truth, groups = test[heads], test["group"].to_numpy()
    outdated = ""
    try:
        bundle = None if champion is None else Bundle(_fetch(registry, champion), champion.content_sha256)
    except OutdatedBundleError as error:
        bundle, outdated = None, f" ({error})"
    if bundle is None:
        majority = {head: str(sides["train"][head].value_counts().idxmax()) for head in heads}
        verdict = judge_first(truth, challenger, majority, groups, params.promote)
        return replace(verdict, reason=verdict.reason + outdated)
    stored = bundle.reads(inputs)
    rows = [
        bundle.classify_stored(inputs, sha) if stored else bundle.classify_file(root / path)
        for sha, path in zip(test["audio_sha256"], test["path"], strict=True)
    ]
    rival = pd.DataFrame([prediction.row() for prediction in rows])
    return judge_against(truth, challenger, rival, groups, params.promote)


if __name__ == "__main__":
    run_stage(run)
