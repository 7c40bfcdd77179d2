"""`soundatlas spectrograms` and `soundatlas store verify`."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile


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
