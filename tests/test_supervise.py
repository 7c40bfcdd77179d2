"""Supervision: a command and all that it starts end with whoever started it."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from soundatlas import supervise

RESOURCES = Path(__file__).parent / "resources"
FAMILY = [sys.executable, str(RESOURCES / "process_family.py")]

pytestmark = pytest.mark.timeout(120)


def is_alive(pid: int) -> bool:
    """A process that nobody has buried yet is not alive."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def read_pids(path: Path) -> dict[str, int]:
    """Wait until a process has written whom it started."""
    while not path.exists():
        time.sleep(0.02)
    return json.loads(path.read_text(encoding="utf-8"))


def wait_until_gone(pids: dict[str, int]) -> None:
    """Wait, at most as long as the test may last."""
    while any(is_alive(pid) for pid in pids.values()):
        time.sleep(0.02)


@pytest.fixture
def pids(tmp_path: Path):
    """Give the file for the ids; afterwards nothing of the test is left, however it went."""
    yield tmp_path / "pids.json"
    for path in tmp_path.glob("*.json"):
        for pid in json.loads(path.read_text(encoding="utf-8")).values():
            with contextlib.suppress(psutil.Error):
                psutil.Process(pid).kill() if pid else None


@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -KILL $$", 137), ("kill -TERM $$", 143)]
)
def test_the_exit_code_is_the_commands(script: str, code: int) -> None:
    """The supervisor ends with the command's exit code, or 128 and the signal that killed it."""
    process = supervise.start(["sh", "-c", script])
    assert process.wait() == code


def test_a_command_that_cannot_start_is_one_line(tmp_path: Path) -> None:
    """An unknown command gives 127, a file that is no program 126, each with one line that names it."""
    for command, code in (("no-such-command", 127), (str(tmp_path), 126)):
        process = supervise.start([command], stderr=subprocess.PIPE)
        said = process.stderr.read().decode()
        assert process.wait() == code
        assert len(said.splitlines()) == 1
        assert command in said


def test_the_command_speaks_for_itself(tmp_path: Path) -> None:
    """Standard output and error, folder and environment are the command's; its standard input is empty."""
    process = supervise.start(
        ["sh", "-c", "pwd; echo $GREETING; cat; echo trouble >&2"],
        cwd=tmp_path,
        env={"GREETING": "hello", "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout.read().decode().splitlines() == [str(tmp_path), "hello", "trouble"]
    assert process.wait() == 0


def test_arguments_reach_the_command_untouched() -> None:
    """Options and dashes after the first `--` are the command's own."""
    process = supervise.start(["printf", "%s\n", "--mark", "--", "--grace", "a b"], stdout=subprocess.PIPE)
    assert process.stdout.read().decode().splitlines() == ["--mark", "--", "--grace", "a b"]
    assert process.wait() == 0


def test_stop_ends_the_whole_family(pids: Path) -> None:
    """When stop returns, the command, its child and a process in a session of its own are gone."""
    process = supervise.start([*FAMILY, "command", str(pids)])
    family = read_pids(pids)
    assert all(is_alive(pid) for pid in family.values())
    assert supervise.stop(process) == 128 + signal.SIGTERM
    assert not any(is_alive(pid) for pid in family.values())


def test_a_command_may_say_goodbye(pids: Path) -> None:
    """Within the grace the command ends in its own way, with its own exit code."""
    process = supervise.start([*FAMILY, "command", str(pids), "--polite"], stdout=subprocess.PIPE)
    read_pids(pids)
    assert supervise.stop(process) == 5
    assert process.stdout.read() == b"goodbye\n"


def test_a_command_that_does_not_listen_is_killed(pids: Path) -> None:
    """After the grace a command that ignores SIGTERM gets SIGKILL."""
    process = supervise.start([*FAMILY, "command", str(pids), "--stubborn"], grace=0.2)
    family = read_pids(pids)
    assert supervise.stop(process) == 128 + signal.SIGKILL
    assert not any(is_alive(pid) for pid in family.values())


def test_kill_does_not_wait(pids: Path) -> None:
    """Kill ends the family without any grace."""
    process = supervise.start([*FAMILY, "command", str(pids), "--stubborn"], grace=1000)
    family = read_pids(pids)
    supervise.kill(process)
    assert not any(is_alive(pid) for pid in family.values())


def test_a_command_leaves_nobody_behind(pids: Path) -> None:
    """When the command ends by itself, what it started ends too, and the exit code is still the command's."""
    process = supervise.start([*FAMILY, "command", str(pids), "--exit", "3"])
    family = read_pids(pids)
    assert process.wait() == 3
    assert not any(is_alive(pid) for pid in family.values())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_the_supervisor_ends_the_family(pids: Path, number: signal.Signals) -> None:
    """SIGTERM, SIGINT and SIGHUP stop the command as the end of the leash does."""
    process = supervise.start([*FAMILY, "command", str(pids), "--polite"], stdout=subprocess.DEVNULL)
    family = read_pids(pids)
    process.send_signal(number)
    assert process.wait() == 5
    assert not any(is_alive(pid) for pid in family.values())


@pytest.mark.parametrize("options", [[], ["--fork"]])
def test_the_family_ends_with_a_killed_caller(pids: Path, options: list[str]) -> None:
    """Kill -9 of the caller ends all, even if a fork of the caller still holds the leash."""
    caller = subprocess.Popen([*FAMILY, "caller", str(pids), *options])
    supervisor = read_pids(pids)["supervisor"]
    family = read_pids(pids.with_name("family.json"))
    caller.kill()
    caller.wait()
    wait_until_gone(family | {"supervisor": supervisor})


def test_the_outer_supervisor_answers_for_the_inner(pids: Path) -> None:
    """Where a supervised command supervises another, the outer one finds all, even when the inner one was killed."""
    process = supervise.start([*FAMILY, "caller", str(pids)])
    inner = read_pids(pids)["supervisor"]
    family = read_pids(pids.with_name("family.json"))
    psutil.Process(inner).kill()
    wait_until_gone({"supervisor": inner})
    assert all(is_alive(pid) for pid in family.values())
    supervise.stop(process)
    assert not any(is_alive(pid) for pid in family.values())


def test_stop_ends_what_a_killed_supervisor_left(pids: Path) -> None:
    """Should the supervisor itself be killed, stop finds its family all the same."""
    process = supervise.start([*FAMILY, "command", str(pids)])
    family = read_pids(pids)
    process.kill()
    process.wait()
    supervise.stop(process)
    assert not any(is_alive(pid) for pid in family.values())


def test_others_are_left_alone(pids: Path) -> None:
    """Whatever else the caller has started stays, supervised or not."""
    stranger = subprocess.Popen(["sleep", "1000"])
    sibling = supervise.start(["sleep", "1000"])
    process = supervise.start([*FAMILY, "command", str(pids), "--exit", "0"])
    process.wait()
    assert stranger.poll() is None
    assert sibling.poll() is None
    assert supervise.stop(sibling) == 128 + signal.SIGTERM
    stranger.kill()
    stranger.wait()


def test_it_is_a_command_too() -> None:
    """`python -m soundatlas.supervise -- COMMAND` stops when its standard input ends."""
    command = [sys.executable, "-m", "soundatlas.supervise", "--grace", "5", "--", "sleep", "1000"]
    done = subprocess.run(command, input=b"whatever", check=False)
    assert done.returncode == 128 + signal.SIGTERM


def test_it_loads_little() -> None:
    """The supervisor imports psutil and nothing else that is not Python's: there is one beside every command."""
    script = "import sys, soundatlas.supervise; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run(
        [sys.executable, "-S", "-c", script],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert set(loaded) - set(sys.stdlib_module_names) - {"__main__"} == {"psutil", "soundatlas"}
