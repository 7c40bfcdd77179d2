"""All checks, in the order in which one reads them, none of which can bring down the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from soundatlas.doctor import codecs, machine, packages, pipeline, project, services
from soundatlas.doctor.finding import Finding, Status, one_line
from soundatlas.errors import SoundatlasError

Check = Callable[[Path], Sequence[Finding]]

GROUPS: dict[str, tuple[Check, ...]] = {
    "Machine": (machine.check_python, packages.check_packages, machine.check_memory, machine.check_processors),
    "Storage": (machine.check_disk, machine.check_folders),
    "Audio": (codecs.check_codecs,),
    "Project": (
        project.check_params,
        project.check_deny_list,
        project.check_git,
        pipeline.check_dvc_lock,
        pipeline.check_stages,
    ),
    "Services": (services.check_mlflow, project.check_champion, services.check_prefect),
    "Credentials": (services.check_credentials,),
}


def examine(root: Path) -> dict[str, list[Finding]]:
    """Run every check on a project; return the findings by group.

    Args:
        root: the project's folder.
    """
    return {
        group: [finding.without_logins() for check in checks for finding in run_check(check, root)]
        for group, checks in GROUPS.items()
    }


def run_check(check: Check, root: Path) -> Sequence[Finding]:
    """Run a check; where it ends with an exception, that is what it found."""
    name = getattr(check, "__name__", "check").removeprefix("check_").replace("_", " ")
    try:
        return check(root)
    except SoundatlasError as error:  # says itself what to do
        return [Finding(name, Status.FAULT, one_line(error))]
    except ImportError as error:
        return [Finding(name, Status.FAULT, one_line(error), "`make setup` installs what is missing")]
    except Exception as error:  # noqa: BLE001 - whatever it is, the other checks shall still be made
        said = one_line(f"{type(error).__name__}: {error}")
        return [Finding(name, Status.FAULT, f"this check itself failed: {said}", "report it, with this line")]
