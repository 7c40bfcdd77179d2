"""Where the `soundatlas` command begins."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from soundatlas import start
from soundatlas.cli import app
from soundatlas.start import PlainCall, parse_plain_call

WORDS = [
    "spectrograms",
    "music",
    "a b",
    "",
    "-",
    "--",
    "--store",
    "--store=x",
    "--workers",
    "--workers=2",
    "0",
    "3",
    "٣",
    "-1",
]


@pytest.mark.parametrize(
    ("line", "called"),
    [
        ("spectrograms music --store out", PlainCall(Path("music"), Path("out"), None)),
        ("spectrograms --workers 3 --store=out music", PlainCall(Path("music"), Path("out"), 3)),
        ("spectrograms music", None),
        ("spectrograms music --store out --help", None),
        ("spectrograms music more --store out", None),
        ("spectrograms music --store out --store other", None),
        ("spectrograms music --store out --workers 0", None),
        ("spectrograms music --store out --workers", None),
        ("store verify", None),
        ("", None),
    ],
)
def test_plain_call_is_recognised_and_nothing_else(line, called) -> None:
    """What is spelled out is understood; whatever is missing, doubled or unknown is left to typer."""
    assert parse_plain_call(line.split()) == called


@settings(max_examples=60, deadline=None)
@given(arguments=st.lists(st.sampled_from(WORDS), max_size=6))
def test_plain_call_is_what_typer_understands(arguments) -> None:
    """Whatever stands on a line that is taken for plain, typer calls the same with it."""
    plain = parse_plain_call(["spectrograms", *arguments])
    if plain is None:
        return
    calls = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("soundatlas.commands.store.compute_folder", lambda *given: calls.append(given))
        CliRunner().invoke(app, ["spectrograms", *arguments], catch_exceptions=False)
    assert [tuple(call)[:3] for call in calls] == [tuple(plain)]


@pytest.mark.parametrize(("folder", "code", "said"), [("none", 2, "is no folder"), (".", 2, "choose another place")])
def test_fault_is_one_line_and_an_exit_code(folder, code, said, tmp_path, monkeypatch, capsys) -> None:
    """Past the command line too, a known fault is told as everywhere."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["soundatlas", "spectrograms", folder, "--store", "store"])
    with pytest.raises(SystemExit) as ended:
        start.main()
    assert ended.value.code == code
    err = capsys.readouterr().err
    assert err.startswith("soundatlas: ")
    assert said in err


def test_other_commands_go_to_typer(monkeypatch) -> None:
    """Everything else runs as if it had not passed here."""
    ran = []
    monkeypatch.setattr("soundatlas.cli.main", lambda: ran.append(True))
    monkeypatch.setattr(sys, "argv", ["soundatlas", "spectrograms", "--help"])
    start.main()
    assert ran == [True]


@pytest.mark.parametrize("arguments", [["spectrograms", "music", "--store", "store"], ["--help"]])
def test_ctrl_c_is_one_line_even_while_the_command_is_imported(arguments, tmp_path) -> None:
    """From its first moment on, the command ends with 130 and without a traceback."""
    program = (
        "import os, signal, sys\nfrom soundatlas.start import main\n"
        "class Interrupting:\n"
        "    def find_spec(self, *_):\n        os.kill(os.getpid(), signal.SIGINT)\n"
        f"sys.argv[1:] = {arguments!r}\nsys.meta_path.insert(0, Interrupting())\nmain()"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (130, "soundatlas: ended by Ctrl-C; run it again to go on\n")


def test_plain_call_waits_for_no_library(tmp_path) -> None:
    """On the way to the first track, neither the command line's library nor a table's is imported."""
    program = (
        "import sys\nfrom soundatlas.start import main\nsys.argv[1:] = ['spectrograms', 'none', '--store', 'store']\n"
        "try:\n    main()\nexcept SystemExit:\n    print(*{'typer', 'pydantic', 'numpy', 'pandas'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []
    assert "none is no folder" in ran.stderr


@pytest.mark.parametrize("closed", ["import os; os.close(1)", "import signal as s; s.signal(s.SIGCHLD, s.SIG_IGN)"])
def test_whatever_the_caller_gives_the_command_ends_well(closed, tmp_path, repository) -> None:
    """A closed output, or a caller that ignores the end of children, take nothing from what was done."""
    (tmp_path / "music").mkdir()
    soundfile.write(tmp_path / "music/a.wav", np.random.default_rng(0).normal(0, 0.1, 16_000), 8_000)
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(repository / name, tmp_path / name)
    begin = f"{closed}; import sys, os; os.execv(sys.executable, [sys.executable, '-c', sys.argv[1], *sys.argv[2:]])"
    program = "from soundatlas.start import main; main()"
    arguments = ["spectrograms", "music", "--store", "store", "--workers", "2"]
    command = [sys.executable, "-c", begin, program, *arguments]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "store/manifest.parquet").is_file()
