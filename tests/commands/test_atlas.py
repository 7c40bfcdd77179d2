"""`soundatlas atlas`: the map is served to this machine, or one line says what is missing."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys

import httpx
import pytest
from synthetic_chart import make_chart

from soundatlas.atlas.page import write_page
from soundatlas.files import write_json


@pytest.fixture
def project(tmp_path):
    """Give a project with a champion's pin and a map."""
    (tmp_path / "dvc.yaml").write_text("stages: {}\n", encoding="utf-8")
    write_json(tmp_path / "data/champion.json", {"name": "soundatlas", "content_sha256": "b" * 64})
    write_page(make_chart(20), tmp_path / "data/atlas", {}, {})
    return tmp_path


@pytest.mark.parametrize("pin", [None, {"name": "soundatlas", "content_sha256": None}])
def test_without_a_champion_there_is_no_map(tmp_path, command, pin):
    """Exit code 3, and what to run, whether nothing was ever promoted or nothing is any more."""
    (tmp_path / "dvc.yaml").write_text("stages: {}\n", encoding="utf-8")
    if pin is not None:
        write_json(tmp_path / "data/champion.json", pin)
    code, _, errors = command(tmp_path, "atlas", "--no-browser")
    assert code == 3
    assert "no champion yet" in errors
    assert "dvc repro" in errors
    assert errors.count("\n") == 1


def test_a_map_that_was_not_drawn_yet(project, command):
    """Exit code 3, and the stage that draws it."""
    (project / "data/atlas/index.html").unlink()
    code, _, errors = command(project, "atlas", "--no-browser")
    assert (code, errors) == (3, "soundatlas: there is no map yet: `dvc repro atlas` draws it\n")


def test_a_taken_port(project, command):
    """Exit code 3, and how to take another."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, _, errors = command(project, "atlas", "--no-browser", "--port", str(port))
    assert code == 3
    assert f"port {port} is taken" in errors
    assert "--port 0" in errors


def test_a_map_of_a_former_champion_is_said_to_be(project, command):
    """Between a change of the champion and the next map, one line on stderr says whose map is served."""
    write_json(project / "data/atlas/metrics.json", {"model": "a" * 64})
    with socket.socket() as taken:  # so that it does not go on to serve
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        _, _, errors = command(project, "atlas", "--no-browser", "--port", str(taken.getsockname()[1]))
    assert errors.startswith("soundatlas: this map is of model aaaaaaaaaaaa, and the champion is model bbbbbbbbbbbb")


@pytest.mark.slow
def test_it_serves_until_it_is_stopped(project):
    """The address that it prints shows the map, on this machine alone; Ctrl-C ends it."""
    served = subprocess.Popen(
        [sys.executable, "-c", "from soundatlas.cli import main; main()", "atlas", "--no-browser", "--port", "0"],
        cwd=project,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        line = served.stdout.readline()
        address = line.split()[2]
        assert address.startswith("http://127.0.0.1:")
        assert "<title>soundatlas" in httpx.get(address, timeout=60).text
        assert httpx.get(f"{address}../../champion.json", timeout=60).status_code == 404
    finally:
        served.send_signal(signal.SIGINT)
        assert served.wait(60) in {0, 130, -signal.SIGINT}
