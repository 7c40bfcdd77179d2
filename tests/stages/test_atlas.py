"""Stage `atlas`: a map that is whole, that stays where it lay, and that costs little the second time."""

from __future__ import annotations

import contextlib
import io
import shutil
from pathlib import Path

import pandas as pd
import pytest
import soundfile
import tiny_project

from soundatlas.errors import SoundatlasError
from soundatlas.files import read_json, write_json
from soundatlas.history.store import open_history
from soundatlas.registry.pin import REGISTERED_NAME, bundle_folder, export_pin, read_champion
from soundatlas.registry.tracking import Tracking
from soundatlas.registry.training_tracks import write_training_tracks
from soundatlas.stages import atlas, classify, ingest, spectrograms
from soundatlas.tables import SPLIT, TRACKS, conform, read_table, write_table

FOLDER = "data/atlas"


@pytest.fixture(scope="module")
def drawn_once(tmp_path_factory, computed, model, tiny_params) -> tuple[Path, str]:
    """Give a project with a champion, two files in the inbox, one of them no audio, and its map; and what was said."""
    root = shutil.copytree(computed, tmp_path_factory.mktemp("drawn") / "project")
    tiny_project.install_champion(root, model)
    (root / "data/inbox").mkdir(exist_ok=True)
    tiny_project.write_clip(root / "data/inbox/own.wav", 20)
    (root / "data/inbox/bad.mp3").write_text("no music")
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said):
        patch.setenv("SOUNDATLAS_WORKERS", "1")
        ingest.run(root, tiny_params)
        classify.run(root, tiny_params)
        atlas.run(root, tiny_params)
    return root, said.getvalue()


@pytest.fixture
def drawn(drawn_once, tmp_path) -> Path:
    """Give a copy of that project."""
    return Path(shutil.copytree(drawn_once[0], tmp_path / "drawn"))


def similar(root: Path) -> pd.DataFrame:
    """Return the neighbours."""
    return pd.read_parquet(root / FOLDER / "similar.parquet")


def files_of(root: Path) -> dict[str, bytes]:
    """Return all files of the map."""
    folder = root / FOLDER
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_champion_of_another_split_is_not_asked_about_what_it_was_trained_on(drawn, tiny_params, empty_database):
    """What MLflow says that the champion heard counts for its group, whatever side that is on now."""
    shutil.copyfile(empty_database, drawn / "mlruns/mlflow.db")
    tracking, (champion, _) = Tracking(drawn), read_champion(drawn)
    tracks = pd.read_parquet(drawn / "data/catalog/tracks.parquet")
    run = tracking.start_training({"params": {}})
    write_training_tracks(drawn / "data", {"train": tracks.iloc[8:9]})
    tracking.log_training_tracks(run, drawn / "data")
    registered = bundle_folder(drawn, champion.content_sha256) / REGISTERED_NAME
    write_json(registered, read_json(registered) | {"run_id": run})
    atlas.run(drawn, tiny_params)
    assert read_json(drawn / FOLDER / "metrics.json")["label_agreement"]["genre"]["tracks"] == 3


def test_a_map_is_whole_and_the_same_again(drawn_once, drawn, tiny_params):
    """Page, neighbours, metrics, clips, pictures are there for tracks and own music; drawn again, no byte differs."""
    table, first = similar(drawn), files_of(drawn)
    assert table["kind"].value_counts().to_dict() == {"track": 12, "file": 1, "artist": 3, "genre": 3}
    assert {"index.html", "metrics.json", "similar.parquet"} <= set(first)
    assert sum(name.startswith("clips/") for name in first) == 13
    assert sum(name.startswith("pictures/") for name in first) == 13
    metrics = read_json(drawn / FOLDER / "metrics.json")
    assert metrics["about"]["tracks"] == 12
    assert metrics["model"] == read_json(drawn / "data/champion.json")["content_sha256"]
    assert metrics["label_agreement"]["genre"]["tracks"] == 4
    assert "atlas: 12 tracks and 1 files of the inbox, 13 clips; trustworthiness" in drawn_once[1]
    atlas.run(drawn, tiny_params)
    assert files_of(drawn) == first


@pytest.mark.slow
def test_one_more_track_moves_nothing_and_cuts_one_clip(drawn, tiny_params, capsys):
    """With a new track, one is heard, described, drawn and cut; a clip that nobody shows any more goes."""
    before = files_of(drawn)
    (drawn / FOLDER / "clips/0000000000000000-30s.ogg").write_text("of a track that went")
    add_track(drawn)
    spectrograms.run(drawn, tiny_params)
    capsys.readouterr()
    atlas.run(drawn, tiny_params)
    told = capsys.readouterr()
    after = files_of(drawn)
    media = {name for name in after if name.startswith(("clips/", "pictures/"))}
    assert len(media - set(before)) == 2
    assert all(after[name] == before[name] for name in media & set(before))
    assert "13 tracks" in told.out
    assert read_json(drawn / FOLDER / "metrics.json")["about"]["placed_after_fitting"] == 1


def add_track(root: Path) -> None:
    """Add a track to the catalogue and to a side."""
    from soundatlas.files import sha256_file

    path = root / "data/audio/12.wav"
    tiny_project.write_clip(path, 12)
    tracks = read_table(root / "data/catalog/tracks.parquet", TRACKS)
    row = {**tracks.iloc[0].to_dict(), "track_id": "demo:12", "path": "data/audio/12.wav"}
    row["audio_sha256"] = sha256_file(path)
    write_table(conform(pd.concat([tracks, pd.DataFrame([row])]), TRACKS), root / "data/catalog/tracks.parquet")
    split = read_table(root / "data/split/split.parquet", SPLIT)
    added = {"track_id": "demo:12", "audio_sha256": row["audio_sha256"], "group": "work 12", "side": "train"}
    write_table(conform(pd.concat([split, pd.DataFrame([added])]), SPLIT), root / "data/split/split.parquet")


def test_one_undecodable_file_costs_only_its_clip(drawn, tiny_params, capsys):
    """A track whose audio is damaged after it was heard stays on the map, without a sound."""
    (drawn / "data/audio/03.wav").write_text("no music any more")
    sha = read_table(drawn / "data/catalog/tracks.parquet", TRACKS)["audio_sha256"][3]
    next((drawn / FOLDER / "clips").glob(f"{sha[:16]}-*")).unlink()
    atlas.run(drawn, tiny_params)
    assert sum(name.startswith("clips/") for name in files_of(drawn)) == 12
    assert len(similar(drawn).query("kind == 'track'")) == 12
    assert "; 1 clips or pictures could not be made" in capsys.readouterr().out


def test_clips_can_be_switched_off_and_shortened(drawn, repository):
    """With 0 seconds there are none; with fewer, they are as short as that."""
    atlas.run(drawn, tiny_project.params_of(repository, atlas={"clip_seconds": 0.0}))
    assert not [name for name in files_of(drawn) if name.startswith("clips/")]
    atlas.run(drawn, tiny_project.params_of(repository, atlas={"clip_seconds": 0.25}))
    clips = sorted((drawn / FOLDER / "clips").iterdir())
    assert len(clips) == 13
    assert soundfile.info(clips[0]).duration == pytest.approx(0.25, abs=0.01)


def test_without_champion_there_is_no_map_and_no_fault(catalogued, tiny_params, capsys):
    """Before any model passed the gate, the stage says so and leaves a page that says so."""
    export_pin(catalogued, "soundatlas", None)
    atlas.run(catalogued, tiny_params)
    assert read_json(catalogued / FOLDER / "metrics.json") == {}
    assert "no model has become champion" in (catalogued / FOLDER / "index.html").read_text(encoding="utf-8")
    assert "atlas: no map" in capsys.readouterr().out


def test_another_champion_has_another_map_and_arrows(drawn, tiny_params, tmp_path):
    """With a new champion the map is the new one's, and names the one before; back again, its own map is back.

    DVC restores the predictions of a champion that comes back, and `classify` does not run.
    """
    predictions = shutil.copytree(drawn / "data/predictions", tmp_path / "predictions")
    first, before = similar(drawn), read_json(drawn / "data/champion.json")
    tiny_project.write_model(tmp_path / "other", tiny_params, seed=5)
    tiny_project.install_champion(drawn, tmp_path / "other")
    classify.run(drawn, tiny_params)
    atlas.run(drawn, tiny_params)
    assert before["content_sha256"] in (drawn / FOLDER / "data/map.js").read_text(encoding="utf-8")
    assert not similar(drawn)["similarities"].equals(first["similarities"])
    export_pin(drawn, "soundatlas", drawn / "mlruns/bundles" / before["content_sha256"])
    shutil.copytree(predictions, drawn / "data/predictions", dirs_exist_ok=True)
    atlas.run(drawn, tiny_params)
    pd.testing.assert_frame_equal(similar(drawn), first)
    with open_history(drawn) as history:
        assert history.projections()[-1].model_sha256 == before["content_sha256"]


@pytest.mark.slow
def test_another_front_end_in_the_store_is_passed_by(drawn, repository):
    """Where the store no longer holds what the champion hears, the catalogue is heard from its files."""
    params = tiny_project.params_of(repository, spectrograms={"n_mels": 24})
    spectrograms.run(drawn, params)
    atlas.run(drawn, params)
    assert len(similar(drawn).query("kind == 'track'")) == 12


def test_a_catalogue_that_cannot_be_heard_is_one_line(drawn, tiny_params):
    """Where no track can be heard, the stage says where to look, and the map before stays."""
    before = files_of(drawn)
    write_table(
        read_table(drawn / "data/catalog/tracks.parquet", TRACKS).iloc[:0], drawn / "data/catalog/tracks.parquet"
    )
    with pytest.raises(SoundatlasError, match="could hear no track of the catalogue"):
        atlas.run(drawn, tiny_params)
    assert files_of(drawn) == before
