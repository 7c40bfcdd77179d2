"""Stage `promote`: does the registry's champion change? Runs at every `dvc repro`, since an alias may have moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soundatlas.stages._run import run_stage

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.params import Params
    from soundatlas.registry.promotion import ModelRegistry
    from soundatlas.registry.succession import Succession

EXAMPLES = 8  # tracks on which the export is compared with the network


def run(root: Path, params: Params) -> None:
    """Register `data/model/`, judge it if it was never judged, and export the alias to `data/champion.json`.

    A champion that another version of soundatlas wrote cannot be loaded by this one: it is no rival, the pin says that
    there is no champion, and the reason is printed and stands with the verdict. One whose files changed is a fault.
    A model that `data/evaluation/` is not of is left for the run that evaluates it.
    """
    from soundatlas.registry.contract import content_sha256
    from soundatlas.registry.promotion import ModelRegistry, in_experiment
    from soundatlas.registry.succession import Succession
    from soundatlas.registry.tracking import Tracking
    from soundatlas.stages._trial import evaluated_model

    registry = ModelRegistry(Tracking(root), params.promote.model_name)
    if not in_experiment():
        succession = Succession(registry)
        for line in succession.sync():
            print(f"promote: {line}")  # noqa: T201 - the stage's report
        content = content_sha256(root / "data/model")
        if evaluated_model(root) == content:
            _judge(root, params, succession, content)
        else:  # asked for alone, or beside a run that has trained and not evaluated yet
            said = "data/evaluation is not of data/model, which is not judged: run `dvc repro`"
            print(f"promote: {said}")  # noqa: T201 - the stage's report
    export_champion(root, registry)


def _judge(root: Path, params: Params, succession: Succession, content: str) -> None:
    """Register `data/model/`, which has this content, and judge it, where that has not been done."""
    from soundatlas.registry.comparison import describe_version
    from soundatlas.stages._trial import try_challenger

    registry = succession.registry
    version = registry.find(content)
    if version is None:
        _check_export(root, params)
    run_id = registry.tracking.publish(root / "data/model", root / "data/evaluation")
    if version is None:
        version = registry.register(root / "data/model", run_id)
    decision = succession.judge(version, lambda champion: try_challenger(root, params, registry, champion))
    describe_version(registry, version, params.promote.primary)
    if decision is not None:
        print(f"promote: {decision}")  # noqa: T201 - the stage's report


def export_champion(root: Path, registry: ModelRegistry) -> None:
    """Export the alias to the pin, with the champion's bundle beside it, and say who is champion."""
    from soundatlas.errors import OutdatedBundleError
    from soundatlas.registry.pin import export_pin

    champion = registry.champion()
    try:
        folder = None if champion is None else registry.fetch_usable(champion)
    except OutdatedBundleError as error:
        folder, champion = None, None
        print(f"promote: {error}")  # noqa: T201 - the stage's report
    export_pin(root, registry.name, folder)
    print(f"promote: the champion is {'none yet' if champion is None else f'version {champion.version}'}")  # noqa: T201


def _check_export(root: Path, params: Params) -> None:
    """Compare the model's export with its Keras network on test tracks, before anybody can load it by name."""
    from soundatlas.registry.bundle_writing import check_export
    from soundatlas.stages._inputs import open_inputs
    from soundatlas.stages._trial import load_test

    inputs = open_inputs(root, params)
    shas = load_test(root, inputs)["test"]["audio_sha256"].head(EXAMPLES)
    check_export(root / "data/model", [inputs.store.log_mel(sha) for sha in shas])


if __name__ == "__main__":
    run_stage(run)
