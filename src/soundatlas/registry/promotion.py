"""The registered model: registering a bundle once, and getting at versions, the champion and their files."""

from __future__ import annotations

import os
import shutil
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema

import soundatlas
from soundatlas.errors import BundleError, OutdatedBundleError, UsageError
from soundatlas.files import replacing_folder, write_json
from soundatlas.registry import pyfunc_model
from soundatlas.registry.contract import check_files, content_sha256, contract_sha256, files_of, read_contract
from soundatlas.registry.database import ALIAS
from soundatlas.registry.pin import REGISTERED_NAME, Champion, bundle_folder
from soundatlas.registry.tracking import CONTENT_TAG

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

    from soundatlas.registry.tracking import Tracking

ABSENT = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}
PAGE = 200
RUNTIME_PACKAGES = (  # to serve, not to train
    "ai-edge-litert",
    "mlflow",
    "numpy",
    "pandas",
    "scipy",
    "soundfile",
    "soxr",
)


class ModelRegistry:
    """The registered model `name` of the project's MLflow."""

    def __init__(self, tracking: Tracking, name: str) -> None:
        self.tracking = tracking
        self.client = tracking.client
        self.name = name

    def champion(self) -> Champion | None:
        """Return the version that the alias points to, or None while there is none.

        Raises:
            BundleError: when soundatlas did not register that version.
        """
        version = self.version_of_alias()
        return None if version is None else self.as_champion(version)

    def version_of_alias(self) -> ModelVersion | None:
        """Return the version that the alias points to, whoever registered it, or None while there is none."""
        try:
            return self.client.get_model_version_by_alias(self.name, ALIAS)
        except MlflowException as error:
            if error.error_code in ABSENT:
                return None
            raise

    def version(self, number: str) -> ModelVersion:
        """Return a version by its number.

        Raises:
            UsageError: when there is none; the message lists those that there are.
        """
        there = sorted(self.versions(), key=lambda version: int(version.version))
        for version in there:
            if str(version.version) == number:
                return version
        known = ", ".join(str(version.version) for version in there) or "none yet"
        raise UsageError(f"{self.name} has no version {number}; there are: {known}")

    def versions(self) -> list[ModelVersion]:
        """Return all versions, those that were deleted not counted."""
        found, token = [], None
        while True:
            page = self.client.search_model_versions(f"name = '{self.name}'", max_results=PAGE, page_token=token)
            found += page
            token = page.token
            if not token:
                return found

    def find(self, content: str) -> ModelVersion | None:
        """Return the version that holds the model with this content hash."""
        found = self.client.search_model_versions(f"name = '{self.name}' and tags.`{CONTENT_TAG}` = '{content}'")
        return found[0] if found else None

    def register(self, folder: Path, run_id: str) -> ModelVersion:
        """Log the bundle in `folder` to its run as a pyfunc and register it; a bundle is registered once."""
        content = content_sha256(folder)
        if (found := self.find(content)) is not None:
            return found
        try:
            self.client.create_registered_model(self.name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        ended = self.client.get_run(run_id).info.end_time
        try:
            with mlflow.start_run(run_id=run_id), warnings.catch_warnings():
                warnings.filterwarnings("ignore", message=".*input example was not provided")  # a path is no example
                info = mlflow.pyfunc.log_model(
                    name="bundle",
                    python_model=pyfunc_model.__file__,
                    artifacts={"bundle": str(folder)},
                    code_paths=[str(Path(soundatlas.__file__).parent)],
                    pip_requirements=_requirements(),
                    signature=ModelSignature(inputs=Schema([ColSpec(DataType.string, "path")])),
                )
        finally:  # MLflow has opened the run again; whatever becomes of this, the training ended well, and then
            self.client.set_terminated(run_id, "FINISHED", ended)
        tags = {CONTENT_TAG: content, "contract_sha256": contract_sha256(folder)}
        return self.client.create_model_version(self.name, info.model_uri, run_id=run_id, tags=tags)

    def fetch(self, champion: Champion) -> Path:
        """Return the folder with the champion's bundle, copied once out of the registry and named by its content.

        Raises:
            OutdatedBundleError: when another version of soundatlas wrote it.
            BundleError: when what the registry holds is not what was registered.
        """
        folder = bundle_folder(self.tracking.root, champion.content_sha256)
        if not folder.is_dir():
            source = self._artifacts(champion)
            check_files(source)
            with replacing_folder(folder) as beside:
                for name in files_of(source):
                    shutil.copyfile(source / name, beside / name)
                if content_sha256(beside) != champion.content_sha256:
                    raise BundleError(
                        f"version {champion.version} of {self.name} is not what was registered: its files changed"
                    )
        write_json(folder / REGISTERED_NAME, asdict(champion))
        return folder

    def fetch_usable(self, champion: Champion) -> Path:
        """Return the folder of a champion that this version of soundatlas can load.

        Raises:
            OutdatedBundleError: when another version of soundatlas wrote it.
            BundleError: when its files are not those that were registered.
        """
        try:
            folder = self.fetch(champion)
            read_contract(folder, champion.content_sha256)
        except OutdatedBundleError as error:
            raise OutdatedBundleError(
                f"version {champion.version} has the champion's alias and cannot be used: {error}"
            ) from None
        return folder

    def _artifacts(self, champion: Champion) -> Path:
        """Return where the registry holds the bundle; below our own `mlruns/` even when the folder was moved."""
        version = self.client.get_model_version(self.name, champion.version)
        model_id = str(version.model_id or version.source.rpartition("/")[2])
        local = self.tracking.folder / "artifacts" / "models" / model_id / "artifacts" / "artifacts"
        if self.tracking.is_local and local.is_dir():
            found = [path.parent for path in local.rglob("contract.json")]
            if found:
                return found[0]
        fetched = Path(mlflow.artifacts.download_artifacts(f"models:/{self.name}/{champion.version}"))
        found = [path.parent for path in fetched.rglob("contract.json")]
        if not found:
            raise BundleError(f"version {champion.version} of {self.name} holds no bundle")
        return found[0]

    def as_champion(self, version: ModelVersion) -> Champion:
        """Return a version as it would be champion.

        Raises:
            BundleError: when soundatlas did not register it.
        """
        content = version.tags.get(CONTENT_TAG)
        if content is None:
            raise BundleError(
                f"the champion of {self.name} is version {version.version}, which soundatlas did not register: "
                "point the alias to a version with the tag content_sha256"
            )
        return Champion(self.name, str(version.version), content, version.run_id)


def in_experiment() -> bool:
    """Whether this is a DVC experiment: nothing is promoted from one."""
    return bool(os.environ.get("DVC_EXP_NAME"))


def _requirements() -> list[str]:
    from importlib.metadata import version

    return [f"{package}=={version(package)}" for package in RUNTIME_PACKAGES]
