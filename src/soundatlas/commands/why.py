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
from soundatlas.files import project_root, replacing_file, sha256_file
from soundatlas.progress import progress
from soundatlas.tables import TRACKS, read_table, track_title

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from soundatlas.learning.explanation import Patches
    from soundatlas.learning.explanation_figure import Panel, Scene
    from soundatlas.registry.bundle import Bundle, TrackPrediction
    from soundatlas.registry.listening import Ear

PATCH_SECONDS = 0.5
PATCH_ROWS = 16  # patches one above the other
MOST_SECONDS = 30.0  # that are looked at closely


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
    from soundatlas.registry.listening import Ear
    from soundatlas.registry.neighbours import nearest_training_tracks
    from soundatlas.registry.pin import read_champion

    root = project_root()
    pinned = read_champion(root)
    if pinned is None:
        raise NotReadyError("there is no champion yet: `dvc repro` trains one")
    champion, folder = pinned
    path, name = _find(what, root)
    picture = out or Path(f"why-{path.stem}.png")
    if not picture.parent.is_dir():
        raise UsageError(f"{picture.parent} is not a folder that the picture could be put into")
    bundle = Bundle(folder, champion.content_sha256)
    subject = _hear(path, name, bundle)
    prediction = bundle.classify_log_mels(subject.log_mels)
    scene, panels = _explain(subject, prediction, Ear.of(bundle))
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

    log_mels = {part: analyse(path, front_end).log_mel for part, front_end in bundle.front_ends.items()}
    return Subject(name, sha256_file(path), log_mels)


def _explain(subject: Subject, prediction: TrackPrediction, ear: Ear) -> tuple[Scene, list[Panel]]:
    """Look closely at (at most) the 30 s that speak most for the prediction."""
    from soundatlas.audio.stems import mix_of
    from soundatlas.learning.explanation import (
        Patches,
        most_telling_stretch,
        occluded_windows,
        occlusion,
        window_probabilities,
    )
    from soundatlas.learning.explanation_figure import Panel, Scene

    front_end, whole = ear.front_end.mix, subject.log_mels[ear.part]
    order = {head: sorted(p, key=p.__getitem__, reverse=True) for head, p in prediction.probabilities.items()}
    index = {head: [ear.bundle.space.classes[head].index(name) for name in names] for head, names in order.items()}
    best = {head: positions[0] for head, positions in index.items()}

    everywhere = window_probabilities(ear.logits(ear.windows(whole)))
    support = np.mean([everywhere[head][:, position] for head, position in best.items()], axis=0)
    most = front_end.frames(MOST_SECONDS)
    first = most_telling_stretch(support, ear.starts(len(whole)), len(whole), most)
    log_mel = whole[first : first + most]

    windows, starts = ear.windows(log_mel), ear.starts(len(log_mel))
    patches = Patches.over(log_mel, front_end.frames(PATCH_SECONDS), max(1, front_end.n_mels // PATCH_ROWS))
    with progress("listening closely", occluded_windows(starts, windows.shape[1], patches)) as advance:
        drops = occlusion(log_mel, windows, starts, ear.logits, best, patches, advance)
    here = window_probabilities(ear.logits(windows))
    frame_seconds = front_end.hop_length / front_end.sample_rate
    middles = (first + starts + np.minimum(windows.shape[1], len(log_mel)) / 2) * frame_seconds
    scene = Scene(
        subject.name, mix_of(log_mel), front_end.band_hertz(), frame_seconds, first * frame_seconds, middles, patches
    )
    panels = [
        Panel(
            head,
            tuple(names),
            np.array([prediction.probabilities[head][name] for name in names]),
            here[head][:, index[head]],
            drops[head],
        )
        for head, names in order.items()
    ]
    return scene, panels


def strongest_patch(drops: NDArray[np.float64], scene: Scene) -> dict[str, float]:
    """Return where the sound speaks most for the class: seconds in the track, hertz, and the factor that is lost."""
    row, column = np.unravel_index(int(np.argmax(drops)), drops.shape)
    patches: Patches = scene.patches
    begin, end = scene.first_second + patches.frames[row : row + 2] * scene.frame_seconds
    low, high = patches.bands[column], patches.bands[column + 1] - 1
    return {
        "from_seconds": float(begin),
        "to_seconds": float(end),
        "from_hertz": float(scene.band_hertz[low]),
        "to_hertz": float(scene.band_hertz[high]),
        "times_less_likely": float(np.exp(drops[row, column])),
    }


def _as_json(
    subject: Subject,
    prediction: TrackPrediction,
    scene: Scene,
    panels: list[Panel],
    neighbours: list[dict[str, Any]],
) -> dict[str, Any]:
    """Return all that is known, as JSON-like values."""
    edges = scene.first_second + scene.patches.frames * scene.frame_seconds
    return {
        "name": subject.name,
        "audio_sha256": subject.audio_sha256,
        "attributes": prediction.values,
        "window_middles_seconds": scene.window_seconds.tolist(),
        "patch_edges_seconds": edges.tolist(),
        "patch_edges_bands": scene.patches.bands.tolist(),
        "band_hertz": scene.band_hertz.tolist(),
        "heads": {
            panel.head: {
                "probabilities": dict(zip(panel.names, panel.track.tolist(), strict=True)),
                "window_probabilities": dict(zip(panel.names, panel.windows.T.tolist(), strict=True)),
                "log_probability_drops": panel.drops.tolist(),
                "strongest": strongest_patch(panel.drops, scene),
            }
            for panel in panels
        },
        "nearest_training_tracks": neighbours,
    }


def class_table(name: str, scene: Scene, panels: list[Panel]) -> Table:
    """Return per head what is said, how many windows agree, and where in the sound most of it comes from."""
    shown = Table(title=escape(printable(name)), title_justify="left")
    for column in ("label", "prediction", "then", "windows that agree", "rests most on"):
        shown.add_column(column)
    for panel in panels:
        agree = int((panel.windows.argmax(axis=1) == 0).sum())
        spot = strongest_patch(panel.drops, scene)
        shown.add_row(
            panel.head,
            f"[bold]{escape(printable(panel.names[0]))}[/] {panel.track[0]:.0%}",
            f"{escape(printable(panel.names[1]))} {panel.track[1]:.0%}",
            f"{agree} of {len(panel.windows)}",
            f"{spot['from_seconds']:.1f}-{spot['to_seconds']:.1f} s, {spot['from_hertz']:.0f}-{spot['to_hertz']:.0f} Hz"
            f" ({spot['times_less_likely']:.1f} times less likely without)",
        )
    return shown


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
