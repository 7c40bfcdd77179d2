"""Two clones on one MLflow server share one history."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from soundatlas.registry.database import ALIAS
from soundatlas.registry.ledger import Event, Version
from soundatlas.registry.ledger_store import Ledger
from soundatlas.registry.promotion import ModelRegistry
from soundatlas.registry.succession import Succession
from soundatlas.registry.tracking import Tracking

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

START_SECONDS = 180
ONE, TWO = Version("1", "1" * 64), Version("2", "2" * 64)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Give the address of an MLflow server, which the environment names as a user's would."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [
        *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", f"sqlite:///{tmp_path / 'server.db'}"),
        *("--artifacts-destination", str(tmp_path / "artifacts")),
    ]
    process = subprocess.Popen(command, env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"})
    try:
        for _ in range(START_SECONDS):
            try:
                httpx.get(f"{address}/health", trust_env=False).raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(1)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        yield address
    finally:
        process.terminate()
        process.wait()


@pytest.mark.usefixtures("server")
def test_two_clones_write_one_chain(tmp_path: Path) -> None:
    """What one enters the other reads and goes on from; a hand on the server is entered once, by whoever sees it."""
    clones = [tmp_path / name for name in ("one", "two")]
    for clone in clones:
        clone.mkdir()
    first, second = (Ledger(Tracking(clone).client, "soundatlas", clone) for clone in clones)
    entry = first.append(Event.PROMOTED, "by the first", before=None, after=ONE, subject=ONE)
    first.mark_applied(entry)
    assert second.read().entries == (entry,)
    assert second.is_applied(entry)
    after = second.append(Event.REFUSED, "by the second", before=ONE, after=ONE, subject=TWO)
    assert (after.sequence, after.previous) == (2, entry.sha256)
    assert first.read().entries == (entry, after)
    assert first.read().problems == ()

    registries = [ModelRegistry(Tracking(clone), "soundatlas") for clone in clones]
    client = registries[0].client
    client.create_registered_model("soundatlas")
    client.create_model_version("soundatlas", "soundatlas-test:/nothing", tags={"content_sha256": "2" * 64})
    client.set_registered_model_alias("soundatlas", ALIAS, "1")
    [said] = Succession(registries[1]).sync()
    assert said.startswith("version 1 moved by hand")
    assert Succession(registries[0]).sync() == []
    assert [each.event for each in first.read().entries] == [Event.PROMOTED, Event.REFUSED, Event.BY_HAND]
