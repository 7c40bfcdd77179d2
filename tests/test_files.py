"""Finding the project, and writing whole or not at all."""

from __future__ import annotations

import json
import os
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundatlas.errors import UsageError
from soundatlas.files import (
    expand_home,
    making_in,
    project_root,
    read_json,
    registry_root,
    remove_leftovers,
    replacing_file,
    replacing_file_apart,
    replacing_folder,
    restore_replaced,
    sha256_file,
    sha256_json,
    write_json,
    write_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

ABC_SHA256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


class PowerCutError(Exception):
    """Something that ends a write halfway."""


def _permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_project_is_found_from_a_folder_below(tmp_path: Path) -> None:
    """From anywhere inside, the project is the nearest folder above that holds dvc.yaml."""
    (tmp_path / "dvc.yaml").touch()
    below = tmp_path / "data" / "catalog"
    below.mkdir(parents=True)
    assert project_root(below) == tmp_path.resolve()
    assert project_root(tmp_path) == tmp_path.resolve()


def test_project_is_found_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a start, the search begins in the working directory."""
    (tmp_path / "dvc.yaml").touch()
    monkeypatch.chdir(tmp_path)
    assert project_root() == tmp_path.resolve()


def test_nearest_project_wins(tmp_path: Path) -> None:
    """A project inside another one is itself."""
    inner = tmp_path / "copy"
    inner.mkdir()
    (tmp_path / "dvc.yaml").touch()
    (inner / "dvc.yaml").touch()
    assert project_root(inner) == inner.resolve()


def test_no_project_is_wrong_use(tmp_path: Path) -> None:
    """Outside a project the message names the folder and what is missing; a folder called dvc.yaml is none."""
    (tmp_path / "dvc.yaml").mkdir()
    with pytest.raises(UsageError, match=r"no dvc\.yaml in ") as caught:
        project_root(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_registry_is_the_projects_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside DVC, `mlruns/` belongs to the project."""
    monkeypatch.delenv("DVC_ROOT", raising=False)
    assert registry_root(tmp_path) == tmp_path


def test_registry_of_an_experiment_is_that_of_the_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where DVC names its root, that root's `mlruns/` is the registry."""
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "workspace"))
    assert registry_root(tmp_path) == tmp_path / "workspace"


def test_sha256_of_known_bytes(tmp_path: Path) -> None:
    """The hash of a file is the published SHA-256 of its bytes."""
    (tmp_path / "abc").write_bytes(b"abc")
    (tmp_path / "empty").touch()
    assert sha256_file(tmp_path / "abc") == ABC_SHA256
    assert sha256_file(tmp_path / "empty") == EMPTY_SHA256


def test_sha256_sees_every_block(tmp_path: Path) -> None:
    """A file longer than one block differs from one whose last byte differs."""
    (tmp_path / "one").write_bytes(bytes(1 << 20) + b"1")
    (tmp_path / "two").write_bytes(bytes(1 << 20) + b"2")
    assert sha256_file(tmp_path / "one") != sha256_file(tmp_path / "two")


def test_sha256_of_json_ignores_the_order_of_keys() -> None:
    """Equal settings have equal hashes; the order of a list does count."""
    assert sha256_json({"a": 1, "b": [1, 2]}) == sha256_json({"b": [1, 2], "a": 1})
    assert sha256_json({"a": 1, "b": [1, 2]}) != sha256_json({"a": 1, "b": [2, 1]})


def test_replaced_file_appears_at_the_end(tmp_path: Path) -> None:
    """While it is written the old file stands; afterwards the new one does, and nothing beside it."""
    target = tmp_path / "report.txt"
    target.write_text("old")
    with replacing_file(target) as beside:
        beside.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert _names(tmp_path) == ["report.txt"]


def test_failed_file_leaves_the_old_one(tmp_path: Path) -> None:
    """An exception halfway leaves the file as it was and no half-written one."""
    target = tmp_path / "report.txt"
    target.write_text("old")

    def write_half() -> None:
        with replacing_file(target) as beside:
            beside.write_text("ne")
            raise PowerCutError

    with pytest.raises(PowerCutError):
        write_half()
    assert target.read_text() == "old"
    assert _names(tmp_path) == ["report.txt"]


def test_failed_first_file_leaves_nothing(tmp_path: Path) -> None:
    """Where there was no file, an exception leaves none."""

    def write_half() -> None:
        with replacing_file(tmp_path / "report.txt") as beside:
            beside.write_text("ne")
            raise PowerCutError

    with pytest.raises(PowerCutError):
        write_half()
    assert _names(tmp_path) == []


def test_file_is_readable_by_all_and_its_folder_made(tmp_path: Path) -> None:
    """A file gets mode 0644, not the private mode of temporary files, in folders made on the way."""
    target = tmp_path / "a" / "b" / "report.txt"
    with replacing_file(target) as beside:
        beside.write_text("new")
    assert _permissions(target) == 0o644


def test_file_beside_keeps_the_extension(tmp_path: Path) -> None:
    """Libraries that look at the extension see the right one while they write."""
    with replacing_file(tmp_path / "model.weights.h5") as beside:
        assert beside.suffix == ".h5"
        assert beside.parent == tmp_path


def test_file_replaces_a_hard_link_not_its_twin(tmp_path: Path) -> None:
    """Writing over a file that DVC's cache is linked to leaves the cache's bytes alone."""
    cached = tmp_path / "cached"
    cached.write_text("old")
    target = tmp_path / "report.txt"
    target.hardlink_to(cached)
    write_text(target, "new")
    assert (cached.read_text(), target.read_text()) == ("old", "new")


def test_replaced_folder_appears_at_the_end(tmp_path: Path) -> None:
    """While it is filled the old folder stands; afterwards only the new content does."""
    target = tmp_path / "bundle"
    target.mkdir()
    (target / "old").touch()
    with replacing_folder(target) as beside:
        assert _names(beside) == []
        (beside / "new").touch()
        assert _names(target) == ["old"]
    assert _names(target) == ["new"]
    assert _names(tmp_path) == ["bundle"]
    assert _permissions(target) == 0o755


def test_failed_folder_leaves_the_old_one(tmp_path: Path) -> None:
    """An exception halfway leaves the folder as it was and nothing beside it."""
    target = tmp_path / "bundle"
    target.mkdir()
    (target / "old").touch()

    def fill_half() -> None:
        with replacing_folder(target) as beside:
            (beside / "new").touch()
            raise PowerCutError

    with pytest.raises(PowerCutError):
        fill_half()
    assert _names(target) == ["old"]
    assert _names(tmp_path) == ["bundle"]


def test_failed_first_folder_leaves_nothing(tmp_path: Path) -> None:
    """Where there was no folder, an exception leaves none."""

    def fill_half() -> None:
        with replacing_folder(tmp_path / "bundle") as beside:
            (beside / "new").touch()
            raise PowerCutError

    with pytest.raises(PowerCutError):
        fill_half()
    assert _names(tmp_path) == []


def test_identical_text_is_left_untouched(tmp_path: Path) -> None:
    """Writing what already stands there changes neither the file nor its time, so that DVC sees no change."""
    target = tmp_path / "champion.json"
    write_json(target, {"name": "soundatlas"})
    before = target.stat()
    write_json(target, {"name": "soundatlas"})
    after = target.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_other_text_is_written(tmp_path: Path) -> None:
    """A changed value replaces the file."""
    target = tmp_path / "champion.json"
    write_json(target, {"version": 1})
    write_json(target, {"version": 2})
    assert read_json(target) == {"version": 2}
    assert _permissions(target) == 0o644


def test_text_has_the_same_bytes_on_every_system(tmp_path: Path) -> None:
    """Text is UTF-8 with bare line feeds."""
    write_text(tmp_path / "note.txt", "Dvořák\n")
    assert (tmp_path / "note.txt").read_bytes() == b"Dvo\xc5\x99\xc3\xa1k\n"


def test_json_has_sorted_keys_and_readable_letters(tmp_path: Path) -> None:
    """A JSON file is a function of its value: keys in order, letters as they are, one line feed at the end."""
    write_json(tmp_path / "value.json", {"b": 1, "a": "ř"})
    assert (tmp_path / "value.json").read_text(encoding="utf-8") == '{\n  "a": "ř",\n  "b": 1\n}\n'


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(value=json_values)
def test_json_comes_back_as_it_went(value: object, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Any JSON value that is written is read back equal."""
    path = tmp_path_factory.getbasetemp() / "roundtrip.json"
    write_json(path, value)
    assert read_json(path) == value


@given(value=json_values)
def test_equal_json_values_have_equal_hashes(value: object) -> None:
    """A value that has been through a file hashes as before."""
    assert sha256_json(json.loads(json.dumps(value))) == sha256_json(value)


def test_home_is_the_users_and_that_of_nobody_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`~` leads home; a name that nobody has here stays as it was written."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expand_home(Path("~/Music")) == tmp_path / "Music"
    assert expand_home(Path("~nobody-of-this-name/x")) == Path("~nobody-of-this-name/x")


def killed_in(writing: AbstractContextManager[Path], fill: Callable[[Path], object]) -> None:
    """Let a process die in the midst of a block, of which no `finally` runs then."""
    child = os.fork()
    if child == 0:
        try:
            fill(writing.__enter__())
        finally:
            os._exit(9)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.parametrize("ends", ["well", "badly", "killed"])
def test_file_apart_takes_along_what_a_library_wrote_beside_it(ends: str, tmp_path: Path) -> None:
    """However the writing ends, no file of another name stays; after a kill the next run's clearing takes it."""
    path = tmp_path / "shard.safetensors"
    path.write_text("before")
    writing = replacing_file_apart(path)
    if ends == "killed":
        killed_in(writing, lambda beside: beside.with_name(".tmpACVfgr").write_text("half"))
        assert len(list(tmp_path.iterdir())) == 2
        remove_leftovers(tmp_path)
        assert [each.name for each in tmp_path.iterdir()] == ["shard.safetensors"]
        return
    beside = writing.__enter__()
    beside.with_name(".tmpACVfgr").write_text("half")
    if ends == "well":
        beside.write_text("after")
        writing.__exit__(None, None, None)
    else:
        assert not writing.__exit__(ValueError, ValueError("bad"), None)  # the fault goes on to the caller
    assert [each.name for each in tmp_path.iterdir()] == ["shard.safetensors"]
    assert path.read_text() == ("after" if ends == "well" else "before")


def test_leftovers_of_a_killed_run_are_removed(tmp_path: Path) -> None:
    """Half-written files and folders go; finished ones and other hidden ones stay."""
    killed_in(replacing_file(tmp_path / "tracks.parquet"), lambda beside: beside.write_text("half"))
    killed_in(replacing_folder(tmp_path / "bundle"), lambda beside: (beside / "weights").touch())
    (tmp_path / "labels.parquet").touch()
    (tmp_path / ".gitignore").touch()
    assert len(_names(tmp_path)) == 4
    remove_leftovers(tmp_path)
    assert _names(tmp_path) == [".gitignore", "labels.parquet"]


@pytest.mark.parametrize("writing", [replacing_file, replacing_file_apart, replacing_folder])
def test_what_a_living_process_writes_is_no_leftover(
    writing: Callable[[Path], AbstractContextManager[Path]], tmp_path: Path
) -> None:
    """A second run that clears up does not take away what the first one has been writing for hours."""
    with writing(tmp_path / "model") as beside:
        if writing is not replacing_folder:
            beside.write_text("half")
        os.utime(beside, (0, 0))
        remove_leftovers(tmp_path)
        assert beside.exists()
    assert _names(tmp_path) == ["model"]


def test_a_link_that_is_called_as_a_leftover_is_removed_alone(tmp_path: Path) -> None:
    """What it leads to stays."""
    (tmp_path / "music.wav").touch()
    (tmp_path / ".music-12345678.part.wav").symlink_to(tmp_path / "music.wav")
    remove_leftovers(tmp_path)
    assert _names(tmp_path) == ["music.wav"]


@pytest.mark.parametrize(
    "name", [".x.part", ".photos.partial", ".song-download.part~", ".a-b.part.mp3", "a-12345678.part"]
)
def test_what_others_left_half_written_stays(name: str, tmp_path: Path) -> None:
    """Only what is called as a killed run of ours calls it is removed."""
    (tmp_path / name).mkdir()
    (tmp_path / name / "theirs").touch()
    remove_leftovers(tmp_path)
    assert _names(tmp_path) == [name]


@pytest.mark.parametrize("writing", [replacing_file, replacing_file_apart, replacing_folder, making_in])
def test_place_where_nothing_can_be_made_is_named(
    writing: Callable[[Path], AbstractContextManager], tmp_path: Path
) -> None:
    """Below a link that leads nowhere nothing can be made: that is a closed place, and no missing file of ours."""
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "gone" / "disk")
    with pytest.raises(PermissionError, match="nothing can be made here") as caught, writing(link / "store"):
        pass
    assert str(caught.value.filename).startswith(str(link))


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc")
def test_folder_that_takes_no_file_is_named() -> None:
    """So is a folder that is there, and says of each file that is made in it that it is not there."""
    with pytest.raises(PermissionError, match="nothing can be made here"), replacing_file(Path("/proc/report.txt")):
        pass


def test_folder_that_a_kill_took_away_is_put_back(tmp_path: Path) -> None:
    """Killed between the two renames, the folder as it was before is there again, and nothing else of that run."""
    place = tmp_path / "spotify-ab12cd34"
    with replacing_folder(place) as beside:
        (beside / "report.json").write_text("old")

    def take_away(beside: Path) -> None:
        (beside / "report.json").write_text("new")
        place.replace(beside.with_name(f"{beside.name}-before"))

    killed_in(replacing_folder(place), take_away)
    restore_replaced(tmp_path)
    remove_leftovers(tmp_path)
    assert _names(tmp_path) == [place.name]
    assert (place / "report.json").read_text() == "old"


def test_folder_that_was_replaced_is_not_put_back(tmp_path: Path) -> None:
    """Killed after both renames, the new folder stays, and the old one goes."""
    (tmp_path / "listing").mkdir()
    (tmp_path / ".listing-ab_d1234.part-before/old").mkdir(parents=True)
    restore_replaced(tmp_path)
    remove_leftovers(tmp_path)
    assert _names(tmp_path) == ["listing"]
    assert _names(tmp_path / "listing") == []


def test_what_another_process_writes_is_left_to_it(tmp_path: Path) -> None:
    """Of what is half-written, only what nobody has touched for a while goes."""
    for name, age_seconds in ((".incoming-aaaaaaaa.part.mp3", 10), (".incoming-bbbbbbbb.part.mp3", 7200)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time.time() - age_seconds,) * 2)
    remove_leftovers(tmp_path, untouched_seconds=3600)
    assert _names(tmp_path) == [".incoming-aaaaaaaa.part.mp3"]
