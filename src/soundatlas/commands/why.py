"""`soundatlas why`: what a prediction rests on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.markup import escape
from rich.table import Table

from soundatlas.commands.terminal import printable, wide_console
from soundatlas.errors import NotReadyError, UsageError
from soundatlas.files import project_root, refuse_no_file, replacing_file, sha256_file
from soundatlas.progress import progress
from soundatlas.tables import TRACKS, read_table, track_title

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soundatlas.learning.explanation_figure import Panel, Scene
    from soundatlas.registry.bundle import Bundle, TrackPrediction
    from soundatlas.registry.listening import Listener

FINE = (0.5, 16)  # seconds of a patch, and patches one above the other
COARSE = (1.0, 8)  # where hearing a track once more takes long: with a backbone, or beyond MOST_SECONDS
MOST_SECONDS = 30.0  # that are looked at closely
SUFFIX = ".png"


@dataclass(frozen=True)
class Subject:
    """What is explained: its name, its audio's hash, and part of the model -> spectrogram (frames, n_mels), dB."""

    name: str
    audio_sha256: str
    log_mels: dict[str, NDArray[np.float32]]


def explain_prediction(what: str, *, out: Path | None, as_json: bool) -> None:
    """Explain the champion's prediction for a file or a track, on the terminal and in a picture.

    Args:
        what: path of an audio file, or the id of a track of the catalogue.
        out: where the picture goes; by default `why-<name>.png` here.
        as_json: print everything as JSON.

    Raises:
        UsageError: when there is no such file or track, or the picture cannot be written there.
        TrackError: when the file cannot be used.
        NotReadyError: when there is no champion yet.
    """
    from soundatlas.learning.explanation_figure import write_explanation
    from soundatlas.registry.bundle import Bundle
    from soundatlas.registry.listening import Listener
    from soundatlas.registry.neighbours import nearest_training_tracks
    from soundatlas.registry.pin import read_champion

    root = project_root()
    pinned = read_champion(root)
    if pinned is None:
        raise NotReadyError("there is no champion yet: `dvc repro` trains one")
    champion, folder = pinned
    path, name = _find(what, root)
    picture = out or Path(f"why-{path.stem}.png")
    refuse_no_file(picture)
    if picture.suffix.lower() != SUFFIX:
        raise UsageError(f"{picture} does not end with {SUFFIX}, as the picture is")
    if not picture.parent.is_dir():
        raise UsageError(f"{picture.parent} is not a folder that the picture could be put into")
    bundle = Bundle(folder, champion.content_sha256)
    subject = _hear(path, name, bundle)
    prediction = bundle.classify_log_mels(subject.log_mels)
    scene, panels = _explain(subject, prediction, Listener(bundle))
    neighbours = nearest_training_tracks(root, subject.audio_sha256, prediction.embedding, bundle)
    with replacing_file(picture) as beside:
        write_explanation(beside, scene, panels)
    if as_json:
        told = _as_json(subject, prediction, scene, panels, neighbours)
        print(json.dumps({**told, "picture": str(picture)}, ensure_ascii=False, indent=2))  # noqa: T201 - the command's output
        return
    console = wide_console()
    console.print(class_table(subject.name, scene, panels))
    console.print(neighbour_table(neighbours))
    console.print(f"Picture: {escape(printable(str(picture)))}", soft_wrap=True)


def _find(what: str, root: Path) -> tuple[Path, str]:
    """Return the audio file that is meant, and what to call it."""
    if Path(what).is_file():
        return Path(what), Path(what).name
    catalogue = root / "data/catalog/tracks.parquet"
    if catalogue.is_file():
        tracks = read_table(catalogue, TRACKS)
        for track in tracks[tracks["track_id"] == what].to_dict("records"):
            return root / str(track["path"]), track_title(track)
    raise UsageError(f"{printable(what)} is neither a file nor a track_id of the catalogue")


def _hear(path: Path, name: str, bundle: Bundle) -> Subject:
    from soundatlas.audio.stems import analyse

    log_mels = bundle.analyse(lambda front_end: analyse(path, front_end).log_mel)
    return Subject(name, sha256_file(path), log_mels)


def _explain(subject: Subject, prediction: TrackPrediction, listener: Listener) -> tuple[Scene, list[Panel]]:
    """Look closely at (at most) the 30 s that speak most for the prediction."""
    from threadpoolctl import threadpool_limits

    from soundatlas.audio.stems import mix_of
    from soundatlas.learning.blend import BACKBONE
    from soundatlas.learning.explanation import Patches, most_telling_stretch, occlusion, window_probabilities
    from soundatlas.learning.explanation_figure import Panel, Scene

    ear = listener.ears[0]
    front_end, whole = ear.front_end.mix, subject.log_mels[ear.part]
    order = {head: sorted(p, key=p.__getitem__, reverse=True) for head, p in prediction.probabilities.items()}
    index = {head: [ear.bundle.space.classes[head].index(name) for name in names] for head, names in order.items()}
    best = {head: positions[0] for head, positions in index.items()}

    everywhere = window_probabilities(listener.hear[ear.part](ear.windows(whole)))
    support = np.mean([everywhere[head][:, position] for head, position in best.items()], axis=0)
    most = front_end.frames(MOST_SECONDS)
    first = most_telling_stretch(support, ear.starts(len(whole)), len(whole), most)
    log_mel = whole[first : first + most]

    seconds, rows = COARSE if BACKBONE in subject.log_mels or len(whole) > most else FINE
    stretch = range(first, first + len(log_mel))
    patches = Patches.over(stretch, front_end.n_mels, front_end.frames(seconds), max(1, front_end.n_mels // rows))
    throughout = Patches(np.array([0, len(whole)]), patches.bands)
    with (
        threadpool_limits(1),  # the products are small: several threads would wait for each other
        progress("listening closely", sum(grid.shape[0] * grid.shape[1] for grid in (patches, throughout))) as advance,
    ):
        drops, band_drops = (
            occlusion(subject.log_mels, listener.grids(grid), listener.logits, best, advance)
            for grid in (patches, throughout)
        )
    here = window_probabilities(ear.logits(ear.windows(log_mel)))
    frame_seconds = front_end.hop_length / front_end.sample_rate
    middles = (first + ear.starts(len(log_mel)) + np.minimum(ear.window_frames, len(log_mel)) / 2) * frame_seconds
    scene = Scene(subject.name, mix_of(log_mel), front_end.band_hertz(), frame_seconds, ear.part, middles, patches)
    panels = [
        Panel(
            head,
            tuple(names),
            np.array([prediction.probabilities[head][name] for name in names]),
            here[head][:, index[head]],
            listener.shares(head),
            drops[head],
            band_drops[head][0],
        )
        for head, names in order.items()
    ]
    return scene, panels


def strongest_patch(drops: NDArray[np.float64], scene: Scene) -> dict[str, float]:
    """Return where the sound speaks most for the class: seconds in the track, hertz, and the factor that is lost."""
    column, row = np.unravel_index(int(np.argmax(drops)), drops.shape)
    begin, end = scene.patches.frames[column : column + 2] * scene.frame_seconds
    return {"from_seconds": float(begin), "to_seconds": float(end), **_lost(scene, int(row), drops[column, row])}


def strongest_band(drops: NDArray[np.float64], scene: Scene) -> dict[str, float]:
    """Return which row of patches, throughout the track, speaks most for the class: hertz, and the factor."""
    row = int(np.argmax(drops))
    return _lost(scene, row, drops[row])


def _lost(scene: Scene, row: int, drop: float) -> dict[str, float]:
    low, high = scene.hertz(row)
    return {"from_hertz": low, "to_hertz": high, "times_less_likely": float(np.exp(drop))}


def _as_json(
    subject: Subject,
    prediction: TrackPrediction,
    scene: Scene,
    panels: list[Panel],
    neighbours: list[dict[str, Any]],
) -> dict[str, Any]:
    """Return all that is known, as JSON-like values."""
    edges = scene.patches.frames * scene.frame_seconds
    return {
        "name": subject.name,
        "audio_sha256": subject.audio_sha256,
        "attributes": prediction.values,
        "window_part": scene.part,
        "window_middles_seconds": scene.window_seconds.tolist(),
        "patch_edges_seconds": edges.tolist(),
        "patch_edges_bands": scene.patches.bands.tolist(),
        "band_hertz": scene.band_hertz.tolist(),
        "heads": {
            panel.head: {
                "probabilities": dict(zip(panel.names, panel.track.tolist(), strict=True)),
                "part_weights": panel.shares,
                "window_probabilities": dict(zip(panel.names, panel.windows.T.tolist(), strict=True)),
                "log_probability_drops": panel.drops.tolist(),
                "band_log_probability_drops": panel.band_drops.tolist(),
                "strongest": strongest_patch(panel.drops, scene),
                "strongest_band": strongest_band(panel.band_drops, scene),
            }
            for panel in panels
        },
        "nearest_training_tracks": neighbours,
    }


def class_table(name: str, scene: Scene, panels: list[Panel]) -> Table:
    """Return per head what is said, where in the sound most of it comes from, and how many windows of a part agree."""
    shown = Table(title=escape(printable(name)), title_justify="left")
    for column in (
        "label",
        "prediction",
        "then",
        "times less likely without",
        f"windows of the {scene.part} that agree",
    ):
        shown.add_column(column)
    for panel in panels:
        agree = int((panel.windows.argmax(axis=1) == 0).sum())
        band, spot = strongest_band(panel.band_drops, scene), strongest_patch(panel.drops, scene)
        moment = f"{spot['from_seconds']:.1f}-{spot['to_seconds']:.1f} s"
        shown.add_row(
            panel.head,
            f"[bold]{escape(printable(panel.names[0]))}[/] {panel.track[0]:.0%}",
            f"{escape(printable(panel.names[1]))} {panel.track[1]:.0%}",
            f"{_hertz_and_factor(band)} throughout\n{_hertz_and_factor(spot)} at {moment}",
            f"{agree} of {len(panel.windows)} (weight {panel.shares[scene.part]:.0%})",
        )
    return shown


def _hertz_and_factor(found: dict[str, float]) -> str:
    return f"{found['times_less_likely']:.2f}: {found['from_hertz']:.0f}-{found['to_hertz']:.0f} Hz"


def neighbour_table(neighbours: list[dict[str, Any]]) -> Table:
    """Return the training tracks that sound most alike to the model."""
    shown = Table(title="Nearest training tracks", title_justify="left")
    if not neighbours:
        shown.add_column("none: this project holds no training tracks")
        return shown
    heads = [key for key in neighbours[0] if key not in {"track_id", "similarity", "name"}]
    for column in ("similarity", "track", *heads):
        shown.add_column(column)
    for row in neighbours:
        labels = [escape(printable(row.get(head, ""))) for head in heads]
        shown.add_row(f"{row['similarity']:.2f}", escape(printable(row["name"])), *labels)
    return shown
