"""Stage `atlas`: where does everything sit? A map of the catalogue and of your own music, by the champion's ears."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from soundatlas.errors import SoundatlasError
from soundatlas.files import remove_leftovers, replacing_folder, write_json, write_text
from soundatlas.stages._run import run_stage
from soundatlas.stages._store import open_store
from soundatlas.tables import INBOX, LABELS, SPLIT, TRACKS, read_table, write_table

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from soundatlas.atlas.chart import Chart, MapModel
    from soundatlas.atlas.drawing import Survey
    from soundatlas.params import Params
    from soundatlas.registry.pin import Champion
    from soundatlas.store.reading import SpectrogramStore

FOLDER = "data/atlas"
NO_CHAMPION = "<!doctype html><title>soundatlas</title><p>There is no map yet: no model has become champion.</p>\n"


def run(root: Path, params: Params) -> None:
    """Draw the map of the champion into `data/atlas/`.

    Raises:
        SoundatlasError: when the champion could hear no track of the catalogue.
    """
    from soundatlas.registry.pin import read_champion

    pinned = read_champion(root)
    if pinned is None:
        with replacing_folder(root / FOLDER) as beside:
            write_text(beside / "index.html", NO_CHAMPION)
            write_json(beside / "metrics.json", {})
        print("atlas: no map: no model has earned the champion's place yet")  # noqa: T201 - the stage's report
        return
    from soundatlas.atlas.drawing import draw_chart
    from soundatlas.atlas.remembered import LayoutMemory
    from soundatlas.history.store import open_history

    with open_history(root) as history:  # DVC may have restored `data/predictions/`, without running `classify`
        history.note_projection(pinned[0].content_sha256)
    store = open_store(root, params)
    survey = _survey(root, params, store, *pinned)
    chart = draw_chart(
        survey,
        LayoutMemory(root, params.atlas.seed),
        lambda content: _name_model(root, params, content),
        neighbours=params.atlas.neighbours,
        seed=params.atlas.seed,
        refit_share=params.atlas.refit_share,
    )
    clips, pictures, silent = _media(root, params, store, chart)
    _write(root / FOLDER, chart, clips, pictures)
    _report(chart, len(clips), silent)


def _survey(root: Path, params: Params, store: SpectrogramStore, champion: Champion, folder: Path) -> Survey:
    """Gather what the map is drawn from."""
    from soundatlas.atlas.descriptors import describe_tracks
    from soundatlas.atlas.drawing import Survey
    from soundatlas.atlas.embeddings import hear_catalogue
    from soundatlas.atlas.points import gather_points
    from soundatlas.audio.spectrogram import FrontEnd
    from soundatlas.history.audit import PREDICTION, Step, open_audit
    from soundatlas.history.watching import audited
    from soundatlas.registry.trained_models import in_heard_groups
    from soundatlas.workers import retrying

    timeout_seconds = params.spectrograms.timeout_seconds
    split = read_table(root / "data/split/split.parquet", SPLIT)[["track_id", "group", "side"]]
    tracks = pd.read_parquet(root / "data/catalog/tracks.parquet").merge(split, on="track_id", how="left")
    with open_audit(root, "atlas") as trail:
        contract, answers = hear_catalogue(
            root,
            champion,
            folder,
            tracks[[*TRACKS]],
            timeout_seconds=timeout_seconds,
            watch=lambda key: audited(
                trail,
                Step(PREDICTION, key.contract_sha256, key.model_sha256),
                retrying(params.spectrograms.retries),
            ),
        )
    heads = sorted(contract.space.classes, key=lambda head: (head != params.promote.primary[0], head))
    attributes = [*contract.space.attributes]
    points = gather_points(tracks, answers, _inbox(root, champion), heads=heads, attributes=attributes)
    if not points.catalogue_count:
        raise SoundatlasError(
            "the champion could hear no track of the catalogue: see data/spectrograms/failures.parquet"
        )
    if unheard := len(tracks) - points.catalogue_count:
        print(f"atlas: {unheard} tracks of the catalogue could not be heard and are not on the map")  # noqa: T201 - likewise
    mapped = points.table.head(points.catalogue_count)
    heard = in_heard_groups(tracks, _training_tracks(root, champion))
    front_end = FrontEnd.of(params.spectrograms)
    return Survey(
        points,
        describe_tracks(root, store, front_end, mapped["audio_sha256"].tolist(), timeout_seconds=timeout_seconds),
        mapped["point_id"].map(tracks.set_index("track_id")["group"]).astype("str").to_numpy(object),
        mapped["point_id"].map(heard.set_axis(tracks["track_id"])).to_numpy(bool),
        read_table(root / "data/catalog/labels.parquet", LABELS),
        heads,
        attributes,
        _name_model(root, params, champion.content_sha256),
    )


def _training_tracks(root: Path, champion: Champion) -> Collection[str]:
    """Return the audio SHA-256 that the champion was trained on: after another split, what are test tracks now too."""
    from soundatlas.registry.database import has_registry
    from soundatlas.registry.tracking import Tracking
    from soundatlas.registry.trained_models import tracks_heard

    return (tracks_heard(Tracking(root), champion.run_id) or {}) if has_registry(root) else {}


def _inbox(root: Path, champion: Champion) -> pd.DataFrame:
    """Return the champion's predictions for new music; where a source knows artist and title, they stand beside."""
    said = pd.read_parquet(root / "data/predictions/predictions.parquet")
    known = read_table(root / "data/catalog/inbox.parquet", INBOX)
    names = known.drop_duplicates("path").set_index("path").reindex(columns=["artist", "title"])
    names = names.add_prefix("known_")  # `artist` is what the model says
    return said[said["model_sha256"] == champion.content_sha256].join(names, on="path")


def _name_model(root: Path, params: Params, content_sha256: str) -> MapModel:
    """Return what the registry knows of a model."""
    from soundatlas.atlas.chart import MapModel
    from soundatlas.registry.pin import read_registered

    name = params.promote.model_name
    registered = read_registered(root, content_sha256)
    return MapModel(name, None if registered is None else registered.version, content_sha256)


def _media(
    root: Path, params: Params, store: SpectrogramStore, chart: Chart
) -> tuple[Mapping[str, Path], Mapping[str, Path], int]:
    """Make what is missing of clips and pictures, and return both by point, and how many could not be made."""
    from soundatlas.atlas.media import ClipMaking, PictureMaking, Sound, make_files
    from soundatlas.audio.spectrogram import FrontEnd

    sounds = {
        point: Sound(sha, root / path)
        for point, sha, path in chart.points[["point_id", "audio_sha256", "path"]].itertuples(index=False)
    }
    pictures, blank = make_files(
        PictureMaking(store.folder, FrontEnd.of(params.spectrograms)),
        sounds,
        root / FOLDER / "pictures",
        what="drawing log-mels",
        timeout_seconds=params.spectrograms.timeout_seconds,
    )
    if not params.atlas.clip_seconds:
        return {}, pictures, blank
    clips, silent = make_files(
        ClipMaking(params.atlas.clip_seconds),
        sounds,
        root / FOLDER / "clips",
        what="cutting clips",
        timeout_seconds=params.spectrograms.timeout_seconds,
    )
    return clips, pictures, blank + silent


def _write(folder: Path, chart: Chart, clips: Mapping[str, Path], pictures: Mapping[str, Path]) -> None:
    """Write the folder whole; clips and pictures that nobody shows any more stay behind."""
    from soundatlas.atlas.media import take_along
    from soundatlas.atlas.page import write_page
    from soundatlas.atlas.similar import SIMILAR_NAME, similar_table

    remove_leftovers(folder.parent)
    with replacing_folder(folder) as beside:
        beside_them = [take_along(files, folder, beside) for files in (clips, pictures)]
        write_page(chart, beside, *beside_them)
        write_table(similar_table(chart), beside / SIMILAR_NAME)
        write_json(beside / "metrics.json", {**chart.quality, "model": chart.model.content_sha256})


def _report(chart: Chart, clips: int, failed: int) -> None:
    about = chart.quality["about"]
    axes = ", ".join(f"{axis.direction} R2 {axis.r2:.2f}" for axis in chart.axes)
    faithful = chart.quality.get("trustworthiness")
    said = "" if faithful is None else f"; trustworthiness {faithful:.3f}"
    others = f"; {failed} clips or pictures could not be made" if failed else ""
    print(  # noqa: T201 - the stage's report
        f"atlas: {about['tracks']} tracks and {about['inbox']} files of the inbox, {clips} clips{said}; {axes}{others}"
    )


if __name__ == "__main__":
    run_stage(run)
