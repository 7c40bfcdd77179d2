"""Taking a track off the map."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import synthetic

from soundatlas.atlas.similar import SIMILAR, SIMILAR_NAME
from soundatlas.attempts import Attempt
from soundatlas.history.audit import Step, audit_path, open_audit
from soundatlas.learning.contact_sheet import Card, ClassRow, write_contact_sheet
from soundatlas.lineage import erasure
from soundatlas.lineage.erasure import erasing_steps
from soundatlas.lineage.holding import Traces
from soundatlas.store.reading import SpectrogramStore
from soundatlas.tables import conform, write_table

OWN, OTHER = "a" * 64, "b" * 64


@pytest.fixture
def mapped(project):
    """Give a project whose map shows two tracks, with their clips, pictures, places and descriptors."""
    atlas = project / "data/atlas"
    for sha in (OWN, OTHER):
        for name in (f"clips/{sha[:16]}-30s.ogg", f"pictures/{sha[:16]}-abcdef.webp"):
            (atlas / name).parent.mkdir(parents=True, exist_ok=True)
            (atlas / name).write_text("made of it")
    for name in ("index.html", "data/map.js", "data/details/0.js"):
        (atlas / name).parent.mkdir(parents=True, exist_ok=True)
        (atlas / name).write_text("shows it")
    rows = pd.DataFrame({"kind": "track", "id": ["t:0", "t:1"], "name": ["one", "two"]})
    write_table(conform(rows, SIMILAR), atlas / SIMILAR_NAME)
    for folder in ("layouts", "descriptors"):
        table = pd.DataFrame({"audio_sha256": [OWN, OTHER], "x": [0.0, 1.0]})
        write_table(table, project / f"data/history/{folder}/m.parquet")
    return project


def erase(root, traces: Traces) -> list[str]:
    """Erase a track; return what was done."""
    done = []
    for words, step in erasing_steps(root, traces):
        step()
        done.append(words)
    return done


def files_of(root) -> set[str]:
    """Return the map's files."""
    folder = root / "data/atlas"
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_map_forgets_a_track(mapped):
    """Clip, picture, place and descriptors go, and the pages that show it; what was made of other tracks stays."""
    done = erase(mapped, Traces(OWN, ("t:0",), ("a.wav",)))
    assert files_of(mapped) == {f"clips/{OTHER[:16]}-30s.ogg", f"pictures/{OTHER[:16]}-abcdef.webp"}
    for folder in ("layouts", "descriptors"):
        left = pd.read_parquet(mapped / f"data/history/{folder}/m.parquet")
        assert left["audio_sha256"].tolist() == [OTHER]
    assert "remove the map, which shows it; `dvc repro atlas` draws another" in done


def test_another_track_leaves_the_map_alone(mapped):
    """What the map does not show changes nothing of it."""
    before = files_of(mapped)
    assert erase(mapped, Traces("c" * 64, ("t:9",), ("c.wav",))) == []
    assert files_of(mapped) == before


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("removals", [0, 1])
def test_a_kill_while_the_map_goes_is_made_up_for(mapped, monkeypatch, backwards, removals):
    """Wherever the removal is cut off, and in whatever order a folder is read, the next call removes what is left."""
    traces, listed, done = Traces(OWN, ("t:0",), ("a.wav",)), Path.iterdir, []

    def die(path, remove):
        if len(done) == removals:
            raise KeyboardInterrupt
        done.append(path)
        remove(path)

    remove_map = next(step for words, step in erasing_steps(mapped, traces) if "the map" in words)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "iterdir", lambda self: iter(sorted(listed(self), reverse=backwards)))
        unlink, rmtree = Path.unlink, erasure.shutil.rmtree
        patch.setattr(Path, "unlink", lambda self, **_options: die(self, unlink))
        patch.setattr(erasure.shutil, "rmtree", lambda path: die(path, rmtree))
        with pytest.raises(KeyboardInterrupt):
            remove_map()
    assert len(files_of(mapped)) > 4
    erase(mapped, traces)
    assert files_of(mapped) == {f"clips/{OTHER[:16]}-30s.ogg", f"pictures/{OTHER[:16]}-abcdef.webp"}


def test_what_a_killed_stage_left_goes_too(mapped):
    """A map that was never finished, with its clips, and a half-written clip or picture do not outlive the track."""
    left = ("data/.atlas-k1ll3d.part/data/map.js", "data/.atlas-k1ll3d.part/clips/a.ogg")
    left += (f"data/atlas/clips/.{OWN[:16]}-30s-x.part.ogg", f"data/atlas/pictures/.{OWN[:16]}-abcdef-x.part.webp")
    for name in left:
        (mapped / name).parent.mkdir(parents=True, exist_ok=True)
        (mapped / name).write_text("shows it")
    done = erase(mapped, Traces(OWN, ("t:0",), ("a.wav",)))
    assert not [name for name in left if (mapped / name).exists()]
    assert "remove data/.atlas-k1ll3d.part, which a killed run left" in done
    assert not (mapped / "data/.atlas-k1ll3d.part").exists()


def test_state_of_a_training_goes_where_there_is_one(mapped):
    """What a training that was cut off left is removed; an empty folder is nothing to announce."""
    unfinished = mapped / "data/.unfinished"
    (unfinished / "train").mkdir(parents=True)
    (unfinished / "train/weights").write_bytes(b"heard it")
    said = "remove the state of a training that was cut off: data/.unfinished"
    assert said in erase(mapped, Traces(OWN, ("t:0",), ("a.wav",)))
    unfinished.mkdir(exist_ok=True)
    assert said not in erase(mapped, Traces(OWN, ("t:0",), ("a.wav",)))


def test_pictures_of_many_tracks_go_with_one_of_them(mapped):
    """A contact sheet that shows the track is removed, one that does not stays."""
    figures = mapped / "data/evaluation/figures"
    figures.mkdir(parents=True)
    for name, sha in (("contact_sheet_genre.png", OWN), ("contact_sheet_artist.png", OTHER)):
        rows = [ClassRow("air", 1, [Card("one", sha, None, right=False)])]
        write_contact_sheet(figures / name, "genre", rows, lambda _: np.zeros((9, 9), np.float32))
    done = erase(mapped, Traces(OWN, ("t:0",), ("a.wav",)))
    assert [path.name for path in figures.iterdir()] == ["contact_sheet_artist.png"]
    assert "remove data/evaluation/figures/contact_sheet_genre.png, which names it" in done


def test_stems_go_with_their_track(mapped):
    """The log-mels of a track's stems, and the stems as sound, go; those of another track stay."""
    front_end = "f" * 64
    log_mels = {sha: np.zeros((5, 4, 3), np.float32) for sha in (OWN, OTHER)}
    synthetic.write_store(mapped / "data/stems", log_mels, contract=front_end)
    for sha in (OWN, OTHER):
        path = mapped / f"data/stem_audio/{sha[:16]}-abcdef-foreground.flac"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"sound")
    done = erase(mapped, Traces(OWN, ("t:0",), ("a.wav",)))
    assert [path.name for path in (mapped / "data/stem_audio").iterdir()] == [f"{OTHER[:16]}-abcdef-foreground.flac"]
    store = SpectrogramStore(mapped / "data/stems", front_end)
    assert OWN not in store
    assert store.log_mel(OTHER).shape == (5, 4, 3)
    assert f"remove data/stem_audio/{OWN[:16]}-abcdef-foreground.flac" in done


def test_the_audit_trail_forgets_a_track(project):
    """What was done to it is taken out, of the file's bytes too; what was done to others stays; twice does no harm."""
    with open_audit(project, "test") as trail:
        trail.note(Step("spectrogram", "c"), [(sha, (Attempt(0.0, 0.1, None),)) for sha in (OWN, OTHER)])
    assert erase(project, Traces(OWN, ("t:0",), ("a.wav",))) == ["take 1 of the steps out of the audit trail"]
    with open_audit(project, "test") as trail:
        assert (len(trail.of_audio(OWN)), len(trail.of_audio(OTHER))) == (0, 1)
        held = b"".join(path.read_bytes() for path in audit_path(project).parent.glob("audit.db*"))
    assert OWN.encode() not in held
    assert erase(project, Traces(OWN, ("t:0",), ("a.wav",))) == []
