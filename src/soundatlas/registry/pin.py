"""The pin `data/champion.json`: which model is champion, by content. Reading it needs no MLflow and no path.

The alias in the registry is the truth and the pin its export, since DVC can hash a file and not an alias.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from soundatlas.errors import BundleError, SoundatlasError
from soundatlas.files import read_json, registry_root, write_json
from soundatlas.registry.contract import content_sha256, contract_sha256

if TYPE_CHECKING:
    from pathlib import Path

PIN = PurePosixPath("data/champion.json")
REGISTERED_NAME = "registered.json"


@dataclass(frozen=True)
class Champion:
    """A registered version of the model.

    Attributes:
        name: registered name.
        version: in this registry.
        content_sha256: identity of the bundle, the same in every registry.
        run_id: of the MLflow run that made it.
    """

    name: str
    version: str
    content_sha256: str
    run_id: str


def bundle_folder(root: Path, content: str) -> Path:
    """Return where the bundle with this content hash lies once `promote` has fetched it."""
    return registry_root(root) / "mlruns" / "bundles" / content


def export_pin(root: Path, name: str, folder: Path | None) -> None:
    """Write the pin, rewritten only when it changes; without a `folder` it says that there is no champion."""
    pin: dict[str, Any] = {"name": name, "content_sha256": None, "contract_sha256": None}
    if folder is not None:
        pin |= {"content_sha256": content_sha256(folder), "contract_sha256": contract_sha256(folder)}
    write_json(root / PIN, pin)


def read_champion(root: Path) -> tuple[Champion, Path] | None:
    """Return the champion and its bundle's folder, or None while there is no champion.

    Raises:
        SoundatlasError: when there is no pin yet.
        BundleError: when the pin is not one, or names a bundle that is not here.
    """
    if not (root / PIN).is_file():
        raise SoundatlasError(f"{PIN} is missing: train and promote a model first, with `dvc repro promote`")
    try:
        content = read_json(root / PIN)["content_sha256"]
    except (ValueError, KeyError, TypeError):
        raise BundleError(f"{PIN} is damaged: delete it and run `dvc repro promote`, which exports it again") from None
    if content is None:
        return None
    if not re.fullmatch("[0-9a-f]{64}", str(content)):
        raise BundleError(f"{PIN} does not name a model by its SHA-256: delete it and run `dvc repro promote`")
    folder = bundle_folder(root, content)
    if not (folder / REGISTERED_NAME).is_file():
        raise BundleError(f"the champion's bundle {content[:12]} is not in mlruns/bundles: run `dvc repro promote`")
    return _read_registered(folder / REGISTERED_NAME), folder


def name_model(root: Path, content: str) -> str:
    """Return what to call the model with this content hash: its version where it was champion here, and its hash."""
    registered = read_registered(root, content)
    if registered is None:
        return f"model {content[:12]}"
    return f"{registered.name} version {registered.version} ({content[:12]})"


def read_registered(root: Path, content: str) -> Champion | None:
    """Return what the registry knew of the model with this content hash; None where it never was champion here."""
    path = bundle_folder(root, content) / REGISTERED_NAME
    return _read_registered(path) if path.is_file() else None


def _read_registered(path: Path) -> Champion:
    try:
        return Champion(**read_json(path))
    except (ValueError, TypeError):
        raise BundleError(
            f"mlruns/bundles/{path.parent.name}/{path.name} is damaged: delete that folder and run `dvc repro promote`"
        ) from None
