"""`soundatlas spectrograms` and `soundatlas store verify`."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile

from soundatlas.tables import FAILURES, read_table


@pytest.fixture
def music(tmp_path):
    """Give a folder with three clips, of which two are equal, and a file that is no audio."""
    folder = tmp_path / "my music"
    (folder / "deeper").mkdir(parents=True)
    for seed, name in ((1, "one.wav"), (2, "deeper/two ♫.wav"), (2, "the same.wav")):
        soundfile.write(folder / name, np.random.default_rng(seed).normal(0, 0.1, 32_000), 16_000)
    (folder / "page.mp3").write_text("<html>not found</html>")
    return folder


def test_loose_audio_becomes_a_store(project, music, tmp_path, command) -> None:
    """Readable files are computed once, the others named with their reason; the second time nothing is computed."""
    arguments = ("spectrograms", str(music), "--store", str(tmp_path / "store"), "--workers", "1")
    code, out, _ = command(project, *arguments)
    assert code == 0
    assert "page.mp3: not_audio: " in out
    assert out.splitlines()[-1] == "2 computed, 0 kept, 0 removed, 1 failed"
    assert command(project, *arguments)[1].splitlines()[-1] == "0 computed, 2 kept, 0 removed, 1 failed"
    code, out, _ = command(project, "store", "verify", "--store", str(tmp_path / "store"))
    assert (code, out) == (0, "2 spectrograms in 1 shards, each as it was written\n")


def test_a_profile_is_printed_and_written(project, music, tmp_path, command) -> None:
    """With `--profile` a table follows the summary, with `--profile-json` the numbers are in a file too."""
    arguments = ("spectrograms", str(music), "--store", str(tmp_path / "store"), "--workers", "1")
    code, out, _ = command(project, *arguments, "--profile-json", str(tmp_path / "profile.json"))
    assert code == 0
    assert "Where the time went" in out
    told = json.loads((tmp_path / "profile.json").read_text())
    assert (told["tracks"], told["workers"]) == (2, 1)
    assert told["worker_seconds"]["decode"] > 0
    assert "0 tracks" in command(project, *arguments, "--profile")[1]


def test_store_within_the_audio_is_refused(project, music, command) -> None:
    """What is computed would be listed as audio the next time; and a folder of the user's is never written to."""
    code, _, err = command(project, "spectrograms", str(music), "--store", str(music / "store"))
    assert code == 2
    assert "choose another place" in err
    assert not (music / "store").exists()
    assert command(project, "spectrograms", str(music / "one.wav"), "--store", "store")[0] == 2


def test_damage_is_named_and_repaired_on_request(project, music, tmp_path, command) -> None:
    """Exit code 1 and the shard's name; with --repair it is gone, and computing again brings it back."""
    store = tmp_path / "store"
    arguments = ("spectrograms", str(music), "--store", str(store), "--workers", "1")
    command(project, *arguments)
    (shard,) = store.glob("*.safetensors")
    content = shard.read_bytes()
    shard.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    code, _, err = command(project, "store", "verify", "--store", str(store))
    assert code == 1
    repair, fill = (
        f"`soundatlas store verify --store {store} --repair`",
        f"`soundatlas spectrograms FOLDER --store {store}`",
    )
    assert err.endswith(f"damaged: {shard.name}; {repair} removes it, for {fill} to compute\n")
    code, out, _ = command(project, "store", "verify", "--store", str(store), "--repair")
    assert code == 0
    assert f"removed {shard.name}: {fill} computes what they held" in out
    assert "dvc" not in out
    command(project, *arguments)
    assert shard.read_bytes() == content


def test_no_store_yet(project, tmp_path, command) -> None:
    """A missing store, or a folder that is none, is told with what makes one, exit code 3; nothing is removed."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/manifest.parquet").write_bytes(b"theirs")
    for name in ("none", "photos"):
        code, _, err = command(project, "store", "verify", "--store", str(tmp_path / name), "--repair")
        assert code == 3
        assert (
            f"is no store of spectrograms: `soundatlas spectrograms FOLDER --store {tmp_path / name}` makes one" in err
        )
    assert (tmp_path / "photos/manifest.parquet").read_bytes() == b"theirs"
    code, _, err = command(project, "store", "verify")
    assert code == 3
    assert "`dvc repro` makes one" in err


@pytest.mark.parametrize("name", ["data/spectrograms", "data/stems", "data/spectrograms/mine"])
def test_projects_own_store_is_refused(name, project, music, command) -> None:
    """What the catalogue is made of is not replaced by loose audio, and nothing is left there."""
    (project / "data/spectrograms").mkdir()
    code, _, err = command(project, "spectrograms", str(music), "--store", name)
    assert code == 2
    assert err == f"soundatlas: the store {name} is a project's, which `dvc repro` fills: name another folder\n"
    assert list((project / "data/spectrograms").iterdir()) == []


def test_folder_of_other_things_is_no_store(project, music, tmp_path, command) -> None:
    """What somebody else has put into a folder is named, and stays as it is; no lock is left among it."""
    folder = tmp_path / "models"
    (folder / ".photos.partial").mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"theirs")
    code, _, err = command(project, "spectrograms", str(music), "--store", str(folder))
    assert code == 2
    assert f"{folder} is no store of spectrograms, and holds .photos.partial" in err
    assert sorted(path.name for path in folder.iterdir()) == [".photos.partial", "model.safetensors"]


@pytest.mark.parametrize("left", ["nothing", "notes", "a hollow file"])
def test_folder_that_is_not_mounted_empties_no_store(left, project, music, tmp_path, command) -> None:
    """Without any audio that can be read, the store keeps its tracks; with a folder that has some it goes on."""
    store, away = tmp_path / "store", tmp_path / "away"
    arguments = ("spectrograms", str(music), "--store", str(store), "--workers", "1")
    assert command(project, *arguments)[0] == 0
    known = (store / "known-files.json").read_bytes()
    music.rename(away)
    music.mkdir()
    if left != "nothing":
        (music / ("notes.txt" if left == "notes" else "hollow.wav")).touch()
    code, out, err = command(project, *arguments)
    assert code == 2
    assert err.startswith(f"soundatlas: {music} holds no audio that can be read, and the store {store} would lose all")
    assert ("hollow.wav: empty: the file holds no bytes" in out) == (left == "a hollow file")
    assert ((store / "known-files.json").read_bytes() == known) == (left != "a hollow file")
    code, out, _ = command(project, "spectrograms", str(away), "--store", str(store), "--workers", "1")
    assert (code, out.splitlines()[-1]) == (0, "0 computed, 2 kept, 0 removed, 1 failed")


def test_nothing_makes_a_store_of_nothing(project, tmp_path, command) -> None:
    """An empty folder makes an empty store, and may do so again: there is nothing to lose."""
    (tmp_path / "empty").mkdir()
    for _ in range(2):
        code, out, _ = command(project, "spectrograms", str(tmp_path / "empty"), "--store", str(tmp_path / "store"))
        assert (code, out) == (0, "0 computed, 0 kept, 0 removed, 0 failed\n")


def test_failures_are_shown_fairly_and_written_down(project, music, tmp_path, command) -> None:
    """Of those that cannot be listed and of those that cannot be decoded some are shown; a table names all of them."""
    store = tmp_path / "store"
    for number in range(12):
        (music / f"hollow {number:02}.wav").touch()
        (music / f"text {number:02}.wav").write_text(f"no music {number}")
    code, out, _ = command(project, "spectrograms", str(music), "--store", str(store), "--workers", "1")
    *shown, more, last = out.splitlines()
    assert (code, last) == (0, "2 computed, 0 kept, 0 removed, 25 failed")
    assert more == f"and 15 more, all of which {store / 'failures.parquet'} names"
    assert [sum(reason in line for line in shown) for reason in (": empty: ", ": not_audio: ")] == [5, 5]
    assert len(read_table(store / "failures.parquet", FAILURES)) == 25


@pytest.mark.parametrize("content", ["", "no music"])
def test_run_without_any_usable_file_is_a_fault(content, project, tmp_path, command) -> None:
    """Where there are files and none can be used, the exit code says so, and the last line where to look."""
    (tmp_path / "music").mkdir()
    (tmp_path / "music/a.wav").write_text(content)
    store = tmp_path / "store"
    code, out, err = command(project, "spectrograms", str(tmp_path / "music"), "--store", str(store), "--workers", "1")
    assert (code, out.splitlines()[-1]) == (1, "0 computed, 0 kept, 0 removed, 1 failed")
    assert err.splitlines()[-1] == f"soundatlas: none of 1 files can be used: see {store / 'failures.parquet'}"


def test_place_where_no_store_can_be_is_one_line(project, music, tmp_path, command) -> None:
    """A link that leads nowhere, and a folder where a shard belongs, are named."""
    (tmp_path / "link").symlink_to(tmp_path / "gone/disk")
    code, _, err = command(project, "spectrograms", str(music), "--store", str(tmp_path / "link"), "--workers", "1")
    assert (code, err.count("\n")) == (1, 1)
    assert f"{tmp_path / 'link'}: nothing can be made here" in err
    shard = tmp_path / "store/0-bits-0.safetensors"
    shard.mkdir(parents=True)
    (shard / "theirs").touch()
    (shard.parent / ".lock").touch()
    for arguments in (("spectrograms", str(music), "--workers", "1"), ("store", "verify", "--repair")):
        code, _, err = command(project, *arguments, "--store", str(shard.parent))
        assert code == 1
        assert err.splitlines()[-1].startswith(f"soundatlas: {shard}: a folder lies where a file belongs: move it away")
    assert (shard / "theirs").exists()
