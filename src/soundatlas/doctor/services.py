"""What runs beside the pipeline: MLflow, Prefect, and who may log in where. No value of a credential is ever shown."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from urllib.parse import unquote, urlsplit

from soundatlas.doctor.finding import Finding, Status, one_line
from soundatlas.files import read_json, registry_root

TIMEOUT_SECONDS = 3.0
OWN_HOSTS = ("127.0.0.1", "localhost", "::1")
PREFECT_API = "http://127.0.0.1:4200/api"
PREFECT_RECORD = ".prefect/ui.json"  # where a running `make ui` answers, should it not be there
CREDENTIALS = {  # whose, the variables that go together, and what they are needed for
    "spotify": (("SPOTIPY_CLIENT_ID", "SPOTIPY_CLIENT_SECRET"), "Spotify"),
    "contact": (("SOUNDATLAS_CONTACT",), "web services that want to know who asks"),
    "mlflow login": (("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"), "an MLflow server with a login"),
    "s3 login": (("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "S3, where ~/.aws does not have them"),
}


def check_mlflow(root: Path) -> list[Finding]:
    """Say whether MLflow can be used: the project's database, or the server in MLFLOW_TRACKING_URI."""
    uri = os.environ.get("MLFLOW_TRACKING_URI")
    if uri is None:
        return _local_mlflow(registry_root(root) / "mlruns")
    if uri.lower().startswith(("http://", "https://")):
        problem = _ask(f"{uri.rstrip('/')}/health")
        if problem is None:
            return [Finding("mlflow", Status.OK, f"the server at {uri} answers")]
        todo = "start that server, or unset MLFLOW_TRACKING_URI to use mlruns/mlflow.db"
        return [Finding("mlflow", Status.FAULT, f"MLFLOW_TRACKING_URI is {uri}: {problem}", todo)]
    if not uri.strip():
        message = "MLFLOW_TRACKING_URI is set and empty: MLflow would choose a place of its own"
        return [Finding("mlflow", Status.WARNING, message, "unset MLFLOW_TRACKING_URI")]
    return [Finding("mlflow", Status.OK, f"MLFLOW_TRACKING_URI is {uri}, not looked into")]


def check_prefect(root: Path) -> list[Finding]:
    """Say whether a Prefect server answers; none is needed unless PREFECT_API_URL names it."""
    chosen = os.environ.get("PREFECT_API_URL")
    api = chosen or _recorded_api(root) or PREFECT_API
    problem = _ask(f"{api.rstrip('/')}/health")
    if problem is None:
        return [Finding("prefect", Status.OK, f"the server at {api} answers")]
    if not chosen:
        return [Finding("prefect", Status.OK, "no server is running, nor needed: `make ui` starts one")]
    todo = "start that server, or unset PREFECT_API_URL"
    return [Finding("prefect", Status.FAULT, f"PREFECT_API_URL is {chosen}: {problem}", todo)]


def check_credentials(_root: Path) -> list[Finding]:
    """Say which credentials are in the environment, by name."""
    return [_credential(check, names, purpose) for check, (names, purpose) in CREDENTIALS.items()]


def _credential(check: str, names: tuple[str, ...], purpose: str) -> Finding:
    absent = [name for name in names if not os.environ.get(name)]
    present = [name for name in names if name not in absent]
    if absent and present:
        message = f"{', '.join(present)} is set, {', '.join(absent)} is not"
        return Finding(check, Status.WARNING, message, f"set both for {purpose}, or neither")
    state = "not set; only needed" if absent else "set,"
    return Finding(check, Status.OK, f"{', '.join(names)}: {state} for {purpose}")


def _local_mlflow(folder: Path) -> list[Finding]:
    from soundatlas.registry.database import EXPERIMENT, read_state
    from soundatlas.registry.relocation import moved_from, relocate

    database, artifacts = folder / "mlflow.db", folder / "artifacts"
    if not database.is_file():
        return [Finding("mlflow", Status.OK, "no mlruns/mlflow.db yet: the first training makes it")]
    findings = []
    histories: list[Finding] = []
    try:
        if (before := moved_from(database, EXPERIMENT, artifacts)) is not None:
            relocate(database, EXPERIMENT, artifacts)
            message = f"the project was moved from {_project_of(before)}: repaired"
            findings.append(Finding("mlflow", Status.OK, message))
        state = read_state(database)
        if state.problem is None:
            histories = _histories(database)
    except sqlite3.OperationalError as error:  # locked, or not to be written to
        todo = "stop what is using it, and see that you may write to mlruns/"
        return [Finding("mlflow", Status.FAULT, f"mlruns/mlflow.db cannot be used: {one_line(error)}", todo)]
    except sqlite3.DatabaseError as error:
        return [_damaged(error)]
    if state.problem is not None:
        return [_damaged(state.problem)]
    champion = f"champion is {', '.join(state.champions)}" if state.champions else "no champion"
    message = f"mlruns/mlflow.db is sound; runs: {state.runs}, versions: {state.versions}, {champion}"
    return [*findings, Finding("mlflow", Status.OK, message), *histories]


def _histories(database: Path) -> list[Finding]:
    """Say whether the histories of champions are as they were written."""
    from soundatlas.registry.database import read_histories
    from soundatlas.registry.ledger import link, missing_end

    findings = []
    for model, (kept, head) in read_histories(database).items():
        chain = link(kept)
        if problems := [*chain.problems, *missing_end(chain.entries, head)]:
            message = f"the history of {model} is not as it was written: {one_line(problems[0])}"
            todo = "`soundatlas history --verify` lists all; `make restore FILE=…` brings back a backup"
            findings.append(Finding("history", Status.FAULT, message, todo))
        else:
            message = f"the history of {model} is as it was written; entries: {len(chain.entries)}"
            findings.append(Finding("history", Status.OK, message))
    return findings


def _damaged(problem: object) -> Finding:
    todo = "move mlruns/mlflow.db away; `dvc repro promote` makes a new one with the present model"
    return Finding("mlflow", Status.FAULT, f"mlruns/mlflow.db is damaged: {one_line(problem)}", todo)


def _project_of(artifacts: str) -> str:
    """Return the project whose artifacts once lay at this URI."""
    path = Path(unquote(urlsplit(artifacts).path))
    return str(path.parents[1]) if path.parts[-2:] == ("mlruns", "artifacts") else artifacts


def _recorded_api(root: Path) -> str | None:
    try:
        return str(read_json(root / PREFECT_RECORD)["addresses"]["prefect_api"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _ask(url: str) -> str | None:
    """Ask a server whether it is well; say what is wrong, or None. The address may hold a login: it is not repeated."""
    import httpx

    try:
        is_own = urlsplit(url).hostname in OWN_HOSTS  # which a proxy could not reach
        answer = httpx.get(url, timeout=TIMEOUT_SECONDS, trust_env=not is_own, follow_redirects=True)
    except httpx.TimeoutException:
        return f"no answer within {TIMEOUT_SECONDS:g} s"
    except httpx.ConnectError as error:
        return f"nobody answers ({one_line(error)})"
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return f"it cannot be asked ({type(error).__name__})"
    return None if answer.is_success else f"it answers {answer.status_code} {answer.reason_phrase}".rstrip()
