"""What a bundle says of itself: its files, their hash, and the contract. Reading it needs neither model nor decoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from soundatlas.audio.stems import front_end_from_contract
from soundatlas.errors import BundleError, OutdatedBundleError
from soundatlas.files import read_json, sha256_file, sha256_json
from soundatlas.learning.beat import BeatPicker
from soundatlas.learning.blend import BACKBONE, NETWORK, STATISTICS, Calibration
from soundatlas.learning.labels import LabelSpace
from soundatlas.learning.open_set import OpenSet
from soundatlas.learning.references import NAME as REFERENCES_NAME
from soundatlas.learning.track import EMBEDDING

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.audio.stems import AnyFrontEnd

CONTRACT_NAME = "contract.json"
CONTRACT_FORMAT = 3  # 1 had neither LiteRT exports nor parts; 2 neither intervals, nor a beat, nor weighted parts
EXPORT_NAME = "network.tflite"
BACKBONE_NAME = "backbone.tflite"
PART_FILES = {
    NETWORK: ("architecture.json", "network.weights.h5", EXPORT_NAME, "golden-network.npy"),
    STATISTICS: ("statistics_heads.safetensors", "golden-statistics.npy"),
    BACKBONE: (BACKBONE_NAME, "backbone_heads.safetensors", "golden-backbone.npy"),
}
FILES = (CONTRACT_NAME, "golden.flac")


def heads_name(part: str) -> str:
    """Return the name of the file with a part's linear heads."""
    return f"{part}_heads.safetensors"


@dataclass(frozen=True)
class Contract:
    """A bundle's contract, checked.

    Attributes:
        content_sha256: of all the bundle's files.
        front_ends: part -> from audio to its log-mel.
        space: ordered classes, and attributes with their scales.
        calibration: how much each part counts.
        open_set: how a class that was never heard is told; None where that was not asked for.
        beat: how the beat is picked; None where no tempo was learned.
        backbone: whose features the part "backbone" hears, as `feature_contract` describes them; None without one.
        window_frames: length of the network's windows; `hop_frames` between the starts of two.
        mean_db: of the training tracks, dB; `std_db` their standard deviation.
        embedding: length of the network's embedding.
    """

    content_sha256: str
    front_ends: dict[str, AnyFrontEnd]
    space: LabelSpace
    calibration: Calibration
    open_set: OpenSet | None
    beat: BeatPicker | None
    backbone: dict[str, Any] | None
    window_frames: int
    hop_frames: int
    mean_db: float
    std_db: float
    embedding: int

    @property
    def outputs(self) -> dict[str, int]:
        """Return the network's outputs by name, with their number of values per window."""
        classes = {head: len(names) for head, names in self.space.classes.items()}
        return {**classes, **dict.fromkeys(self.space.attributes, 1), EMBEDDING: self.embedding}


def check_files(folder: Path) -> None:
    """Look whether all of a bundle's files are there.

    Raises:
        OutdatedBundleError: when an earlier version wrote it, with fewer files.
        BundleError: when one is missing.
    """
    lacking = [name for name in FILES if not (folder / name).is_file()]
    if CONTRACT_NAME not in lacking:
        _check_format(folder)
        lacking += [name for name in files_of(folder) if not (folder / name).is_file()]
    if lacking:
        raise BundleError(f"the model bundle in {folder} lacks {lacking[0]}: run `dvc repro train`")


def files_of(folder: Path) -> tuple[str, ...]:
    """Return the names of the files that make up a bundle with this contract.

    Raises:
        BundleError: when the contract names no part that there is.
    """
    try:
        contract = read_json(folder / CONTRACT_NAME)
        names = [*FILES, *(name for part in sorted(contract["parts"]) for name in PART_FILES[part])]
        if contract["open_set"] and contract["open_set"].get("nearness"):
            names.append(REFERENCES_NAME)
        return tuple(sorted(names))
    except (ValueError, KeyError, TypeError):
        raise BundleError(f"the contract in {folder} is damaged: run `dvc repro train`") from None


def content_sha256(folder: Path) -> str:
    """Return the hash of all the bundle's files: the model's identity.

    Raises:
        BundleError: when a file is missing.
    """
    check_files(folder)
    return sha256_json({name: sha256_file(folder / name) for name in files_of(folder)})


def contract_sha256(folder: Path) -> str:
    """Return the hash of the bundle's contract."""
    return sha256_json(read_json(folder / CONTRACT_NAME))


def read_contract(folder: Path, expected_sha256: str | None = None) -> Contract:
    """Read a bundle's contract, once the bundle's files were found to be whole.

    Args:
        folder: of the bundle.
        expected_sha256: the content hash that it must have; a changed file is refused.

    Raises:
        OutdatedBundleError: when another version of soundatlas wrote it.
        BundleError: when it is incomplete or changed.
    """
    content = content_sha256(folder)
    if expected_sha256 not in {None, content}:
        raise BundleError(f"the model bundle in {folder} is not the one that was registered: its files changed")
    contract = read_json(folder / CONTRACT_NAME)
    try:
        front_ends = {part: front_end_from_contract(values) for part, values in contract["parts"].items()}
        open_set = OpenSet.from_contract(contract["open_set"]) if contract["open_set"] else None
    except (ValueError, KeyError) as error:
        raise OutdatedBundleError(
            f"the model bundle in {folder} does not fit this version of soundatlas ({error}): "
            "run `dvc repro`, which trains it anew"
        ) from None
    return Contract(
        content,
        front_ends,
        LabelSpace.from_contract(contract),
        Calibration(**contract["calibration"]),
        open_set,
        BeatPicker.from_contract(contract["beat"]) if contract["beat"] else None,
        contract["backbone"],
        int(contract["window_frames"]),
        int(contract["window_hop_frames"]),
        float(contract["normalisation"]["mean_db"]),
        float(contract["normalisation"]["std_db"]),
        int(contract["embedding"]),
    )


def _check_format(folder: Path) -> None:
    """Refuse the contract of another format than this version's, before anything else of it is read."""
    try:
        found = read_json(folder / CONTRACT_NAME)["format"]
    except (ValueError, KeyError, TypeError):
        raise BundleError(f"the contract in {folder} is damaged: run `dvc repro train`") from None
    if found == CONTRACT_FORMAT:
        return
    about = f"the model bundle in {folder} has format {found}, and this version of soundatlas reads {CONTRACT_FORMAT}"
    if isinstance(found, int) and found < CONTRACT_FORMAT:
        raise OutdatedBundleError(f"{about}: run `dvc repro`, which trains it anew")
    raise BundleError(f"{about}: update soundatlas")
