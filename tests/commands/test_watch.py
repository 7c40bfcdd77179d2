"""`soundatlas watch`: what a user and a pipe get, and that a kill loses nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import tiny_project
from filelock import FileLock

from soundatlas.commands.watch import LOCK
from soundatlas.history.store import HISTORY
from soundatlas.registry.database import open_database
from tests.fakes.pubsub import serving

BELL = "\a"
PROGRAM = "from soundatlas.cli import main; main()"


def test_json_is_a_line_per_file(crowned, command):
    """Each file is a line of JSON with all that is known; the second time there is nothing new to say."""
    inbox = crowned / "data/inbox"
    tiny_project.write_clip(inbox / "a.wav", 1)
    (inbox / "bad.mp3").write_bytes(b"no music")
    arguments = ("watch", "--until-quiet", "--settle-seconds", "0", "--json")
    code, out, _ = command(crowned, *arguments)
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert {row["path"]: row["status"] for row in rows} == {
        "data/inbox/a.wav": "classified",
        "data/inbox/bad.mp3": "not_audio",
    }
    assert sum(rows[0]["genre_probabilities"].values()) == pytest.approx(1.0)
    assert command(crowned, *arguments) == (0, "", "")


def test_terminal_gets_a_harmless_sentence_per_file(crowned, command, tmp_path):
    """A folder of one's own, and a name that holds what a terminal would obey."""
    folder = tmp_path / "new music"
    tiny_project.write_clip(folder / f"a{BELL}[red].wav", 1)
    code, out, _ = command(crowned, "watch", str(folder), "--until-quiet", "--settle-seconds", "0")
    (line,) = out.splitlines()
    assert code == 0
    assert BELL not in out
    assert "[red].wav: " in line
    assert line.endswith("(version 1)")


@pytest.mark.parametrize(("folder", "said"), [("absent", "is no folder"), ("dvc.yaml", "is no folder")])
def test_what_is_no_folder_is_a_wrong_use(crowned, command, folder, said):
    """A folder that is not there is one line and exit code 2."""
    code, _, err = command(crowned, "watch", folder)
    assert code == 2
    assert said in err


def test_second_watch_is_refused(crowned, command):
    """While one is at work, another would hear every file too."""
    (crowned / LOCK).parent.mkdir(parents=True)
    with FileLock(crowned / LOCK):
        code, _, err = command(crowned, "watch", "--until-quiet")
    assert code == 2
    assert "another `soundatlas watch` is at work" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--subscription", "projects/my-project/subscriptions/new"), "--subscription needs --under"),
        (("--subscription", "new", "--under", "gs://bucket"), "names no subscription"),
        (("--subscription", "new", "--json"), "--subscription goes with --under"),
        (("--under", "gs://bucket/new"), "--under goes with --subscription"),
    ],
)
def test_subscription_that_cannot_be_watched_is_a_wrong_use(crowned, command, arguments, said):
    """What is missing or does not go together is one line and exit code 2."""
    code, _, err = command(crowned, "watch", *arguments)
    assert code == 2
    assert said in err


@pytest.mark.slow
def test_subscription_is_watched_until_ctrl_c(crowned, tmp_path):
    """Audio that messages name is heard as they come; what was heard is in the history when the watch ends."""
    for number in range(3):
        tiny_project.write_clip(tmp_path / f"incoming/{number}.wav", number)
    urls = [f"{tmp_path}/incoming/{number}.wav".encode() for number in range(3)]
    with serving() as subscription:
        subscription.publish(*urls, urls[0])
        place = ("--subscription", "projects/my-project/subscriptions/new", "--under", f"{tmp_path}/incoming")
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, "watch", *place],
            cwd=crowned,
            env={**os.environ, "PUBSUB_EMULATOR_HOST": subscription.address},
            start_new_session=True,
        )
        waiting = crowned / "data/history/answers"
        while len(list(waiting.glob("*/*.json"))) < len(urls):
            assert process.poll() is None
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        assert process.wait(180) == 0
        assert subscription.waiting == 0
    assert len(kept(crowned)) == len(urls)
    assert not list(waiting.glob("*/*.json"))


@pytest.mark.slow
@pytest.mark.parametrize("engine", [{"kind": "local"}, {"kind": "beam", "runner": "DirectRunner"}])
def test_killed_while_files_arrive(crowned, repository, engine):
    """After kill -9 at any moment while files arrive, in the end each has one prediction, and none was made twice."""
    tiny_project.start_project(crowned, repository, engine=engine)
    inbox, count = crowned / "data/inbox", 24
    arguments = [sys.executable, "-c", PROGRAM, "watch", "--settle-seconds", "0.2", "--json"]
    waits = [1.0, 3.0, 5.0, 7.0, None]
    dates: dict[str, str] = {}
    for number, wait in enumerate(waits):
        for clip in range(number * count // len(waits), (number + 1) * count // len(waits)):
            tiny_project.write_clip(inbox / f"{clip:02d}.wav", clip, seconds=1.5)
        ending = ["--until-quiet"] if wait is None else []
        process = subprocess.Popen([*arguments, *ending], cwd=crowned, stdout=subprocess.PIPE, start_new_session=True)
        if wait is None:
            process.communicate(timeout=300)
            assert process.returncode == 0
        else:
            time.sleep(wait)
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        with_dates = kept(crowned)
        assert dates.items() <= with_dates.items()  # what was kept is there as it was
        dates = with_dates
    assert len(dates) == count


def kept(root) -> dict[str, str]:
    """Return audio -> when its prediction was made, of each that the history holds."""
    if not (root / HISTORY).is_file():
        return {}
    with open_database(root / HISTORY) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'predictions'").fetchone():
            return {}
        rows = connection.execute("SELECT audio_sha256, said || made_at, status FROM predictions").fetchall()
    assert {row[2] for row in rows} <= {"classified"}
    assert len({row[0] for row in rows}) == len(rows)
    return {row[0]: row[1] for row in rows}
