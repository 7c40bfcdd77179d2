"""The installed packages against the lock."""

from __future__ import annotations

from importlib.metadata import version

from soundatlas.doctor.finding import Status
from soundatlas.doctor.packages import check_packages, read_lock

HASHED = """# made by make lock
{name}=={version}{marker} \\
    --hash=sha256:{digest} \\
    --hash=sha256:{digest}
    # via
    #   soundatlas
"""


def entry(name: str, number: str, marker: str = "") -> str:
    """Return a package as a lock has it."""
    return HASHED.format(name=name, version=number, marker=marker and f" ; {marker}", digest="0" * 64)


def locked(folder, *entries: str):
    """Write a lock and check it."""
    (folder / "requirements.lock").write_text("".join(entries), encoding="utf-8")
    return check_packages(folder)


def test_installed_as_locked(tmp_path):
    """Packages of the locked version are counted, whichever way their names are spelt."""
    (found,) = locked(tmp_path, entry("numpy", version("numpy")), entry("Ruamel_YAML", version("ruamel.yaml")))
    assert (found.status, found.message) == (Status.OK, "all 2 are here as requirements.lock has them")


def test_missing_package(tmp_path):
    """A package that is not installed is a fault with its name."""
    (found,) = locked(tmp_path, entry("numpy", version("numpy")), entry("no-such-package", "1.0"))
    assert (found.status, found.message) == (Status.FAULT, "1 of 2 are missing: no-such-package")
    assert found.todo == "`make setup`"


def test_other_version(tmp_path):
    """A package of another version is a warning with both versions."""
    (found,) = locked(tmp_path, entry("numpy", "1.0.0"))
    assert found.status is Status.WARNING
    assert found.message == f"1 of 1 differ from requirements.lock: numpy {version('numpy')} (==1.0.0)"
    assert found.todo == "`make setup`"


def test_many_are_summed_up(tmp_path):
    """Of many missing packages the first are named and the rest counted."""
    (found,) = locked(tmp_path, *(entry(f"no-such-package-{number}", "1.0") for number in range(7)))
    assert found.message.startswith("7 of 7 are missing: no-such-package-0, ")
    assert found.message.endswith("no-such-package-3 and 3 more")


def test_package_for_other_machines(tmp_path):
    """What the lock wants only on another system or Python is not missed here."""
    (found,) = locked(tmp_path, entry("no-such-package", "1.0", "sys_platform == 'nowhere'"))
    assert found.status is Status.OK


def test_no_lock_is_a_warning(tmp_path):
    """Installed as a library, soundatlas has no lock to compare with."""
    (found,) = check_packages(tmp_path)
    assert found.status is Status.WARNING
    assert "no requirements.lock" in found.message


def test_damaged_lock(tmp_path):
    """A lock that holds no requirements is a fault, not a crash."""
    (found,) = locked(tmp_path, "<<<<<<< HEAD\n")
    assert found.status is Status.FAULT
    assert found.message.startswith("requirements.lock cannot be read: ")


def test_the_projects_own_lock_can_be_read(repository):
    """Every package of the repository's lock is pinned to one version."""
    requirements = read_lock((repository / "requirements.lock").read_text(encoding="utf-8"))
    assert {"numpy", "dvc", "mlflow", "prefect", "tensorflow"} <= {each.name for each in requirements}
    assert all(len(each.specifier) == 1 for each in requirements)
