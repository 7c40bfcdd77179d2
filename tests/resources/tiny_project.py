"""A project in miniature: parameters, clips, a catalogue of twelve tracks and a model that was never trained."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import soundfile
from ruamel.yaml import YAML

from soundatlas.audio.spectrogram import FrontEnd
from soundatlas.files import read_json, sha256_file, write_json
from soundatlas.learning.labels import LabelSpace, Scale
from soundatlas.params import Params, parse_params
from soundatlas.registry.contract import content_sha256
from soundatlas.tables import DUPLICATES, FAILURES, INBOX, LABELS, SIDES, SPLIT, TRACKS, conform, empty, write_table

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.learning.linear_heads import LinearHeads

SPACE = LabelSpace(
    {"genre": ("chorale", "reel", "waltz"), "artist": ("anna", "bela", "clara")},
    {"tempo_bpm": Scale(110.0, 20.0), "mean_pitch": Scale(64.0, 6.0)},
)
SPECTROGRAMS = {
    "sample_rate": 8_000,
    "n_fft": 256,
    "hop_length": 128,
    "n_mels": 16,
    "fmax": 4_000.0,
    "min_seconds": 0.3,
    "max_seconds": 20.0,
}
TRAIN = {
    "classes": [*SPACE.classes],
    "attributes": [*SPACE.attributes],
    "window_seconds": 0.6,
    "channels": [4],
    "embedding": 8,
    "epochs": 2,
    "windows_per_epoch": 8,
    "batch_size": 4,
}
MEAN_DB, STD_DB = -50.0, 20.0


def values(repository: Path, **changes: dict[str, Any]) -> dict[str, Any]:
    """Return the repository's parameters, made tiny; `train={"epochs": 1}` changes more of a section."""
    mapping = YAML(typ="safe").load((repository / "params.yaml").read_text(encoding="utf-8"))
    mapping["spectrograms"] |= SPECTROGRAMS
    mapping["train"] |= TRAIN
    mapping["repeats"] |= {"seeds": 1, "random_split": False}
    mapping["validate"] |= {"min_seconds": SPECTROGRAMS["min_seconds"]}
    mapping["evaluate"]["bootstrap_resamples"] = mapping["promote"]["bootstrap_resamples"] = 100
    mapping["promote"]["max_slowdown"] = 1000.0  # no test judges by the clock
    for section, keys in changes.items():
        mapping[section] |= keys
    return mapping


def params_of(repository: Path, **changes: dict[str, Any]) -> Params:
    """Return `values` as checked parameters."""
    return parse_params(values(repository, **changes))


def start_project(root: Path, repository: Path, **changes: dict[str, Any]) -> Params:
    """Make the files that a project starts with."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "dvc.yaml").write_text("stages: {}\n", encoding="utf-8")
    with (root / "params.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(values(repository, **changes), file)
    return params_of(repository, **changes)


def write_model(folder: Path, params: Params, *, seed: int = 1, statistics: bool = False) -> None:
    """Write the bundle of an untrained network, with what `train` writes beside it.

    With `statistics`, linear heads that were never fitted have their say beside the network, by uneven factors.
    """
    import keras

    from soundatlas.learning.blend import NETWORK, STATISTICS, Calibration
    from soundatlas.learning.fit import Fitted
    from soundatlas.learning.network import build_network
    from soundatlas.learning.open_set import OpenSet
    from soundatlas.learning.statistics import statistics_groups
    from soundatlas.learning.training import Trained
    from soundatlas.registry.bundle_writing import write_bundle

    keras.utils.clear_session()  # layers are numbered per process
    keras.utils.set_random_seed(seed)
    front_end = FrontEnd.of(params.spectrograms)
    network = build_network(
        window_frames=front_end.frames(params.train.window_seconds),
        n_mels=front_end.n_mels,
        space=SPACE,
        channels=params.train.channels,
        embedding=params.train.embedding,
        dropout=params.train.dropout,
        mean_db=MEAN_DB,
        std_db=STD_DB,
    )
    folder.mkdir(parents=True, exist_ok=True)
    history = [{"epoch": epoch, "loss": 2.0 / epoch, "val_loss": 3.0 / epoch} for epoch in (1.0, 2.0)]
    fitted = Fitted(network, MEAN_DB, STD_DB, history, 2)
    ones = dict.fromkeys([*SPACE.classes, *SPACE.attributes], 1.0)
    calibration, linear = Calibration({NETWORK: ones}, {NETWORK: ones}), {}
    if statistics:
        linear = {STATISTICS: draw_heads(sum(statistics_groups(front_end.n_mels)), seed)}
        factors = {part: dict.fromkeys(ones, factor) for part, factor in ((NETWORK, 0.3), (STATISTICS, 0.6))}
        calibration = Calibration(factors, {NETWORK: dict.fromkeys(ones, 1.5), STATISTICS: dict.fromkeys(ones, 2.0)})
    open_set = OpenSet("artist", 0.4, Scale(0.5, 0.2), None, 1.0)
    trained = Trained(SPACE, fitted, linear, calibration, open_set, None, None)
    write_bundle(folder, trained, front_end, params.train)
    pd.DataFrame(history).to_csv(folder / "history.csv", index=False)
    settings = {name: params.model_dump(by_alias=True)[name] for name in ("spectrograms", "train")}
    write_json(folder / "about.json", {"params": settings, "kept_epoch": 2})


def draw_heads(features: int, seed: int) -> LinearHeads:
    """Return random linear heads."""
    from soundatlas.learning.linear_heads import Linear, LinearHeads

    generator = np.random.default_rng(seed)

    def draw(outputs: int) -> Linear:
        weights = generator.normal(0, 0.02, (features, outputs)).astype(np.float32)
        return Linear(weights, np.zeros(outputs, np.float32))

    classes = {head: draw(len(names)) for head, names in SPACE.classes.items()}
    return LinearHeads(classes, {name: draw(1) for name in SPACE.attributes}, draw(TRAIN["embedding"]))


def make_outdated(folder: Path) -> None:
    """Turn a bundle into one of the first format, which had no LiteRT export."""
    write_json(folder / "contract.json", {**read_json(folder / "contract.json"), "format": 1})
    (folder / "network.tflite").unlink()


def write_evaluation(folder: Path, tracks: pd.DataFrame, *, right: bool = True) -> None:
    """Write an evaluation of the model beside it whose predictions are all right, or all wrong."""
    folder.mkdir(parents=True, exist_ok=True)
    model = content_sha256(folder.parent / "model") if (folder.parent / "model").is_dir() else None
    predictions = tracks[["track_id", "audio_sha256", "path"]].assign(model_sha256=model)
    for head, names in SPACE.classes.items():
        following = dict(zip(names, (*names[1:], names[0]), strict=True))
        predictions[head] = tracks[head] if right else tracks[head].map(following)
        predictions[f"{head}_confidence"] = 0.9 if right else 0.1
    predictions.to_parquet(folder / "predictions.parquet", index=False)
    figures = {"macro_f1": 0.5, "macro_f1_low": 0.4, "macro_f1_high": 0.6, "accuracy": 0.5, "classes": 3, "tracks": 4}
    about = {"tracks": 4, "split": "test, grouped by work", "seeds": 1, "confidence": 0.95, "interval": "bootstrap"}
    baselines = {name: dict.fromkeys(SPACE.classes, figures) for name in ("majority", "mfcc_logistic_regression")}
    metrics = {"classes": dict.fromkeys(SPACE.classes, figures), "baselines": baselines, "about": about}
    write_json(folder / "metrics.json", metrics)
    rows = [
        {"head": head, "class": name, "f1": 0.5, "tracks": 4} for head, names in SPACE.classes.items() for name in names
    ]
    pd.DataFrame(rows).to_csv(folder / "per_class.csv", index=False)


def write_clip(path: Path, number: int = 0, *, seconds: float = 0.8, rate: int = 8_000, channels: int = 1) -> None:
    """Write a clip of noise around a tone; the number decides which."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count = int(seconds * rate)
    tone = 0.3 * np.sin(2 * np.pi * (200 + 50 * number) * np.arange(count) / rate)
    noise = np.random.default_rng(number).normal(0, 0.05, (count, channels))
    soundfile.write(path, tone[:, None] + noise, rate)


def write_catalogue(root: Path, *, audio: bool = True) -> pd.DataFrame:
    """Write twelve tracks of twelve works, four to a side, with labels of all classes on every side."""
    rows = []
    for number in range(12):
        path = f"data/audio/{number:02d}.wav"
        if audio:
            write_clip(root / path, number)
        sha = sha256_file(root / path) if audio else hashlib.sha256(path.encode()).hexdigest()
        rows.append(
            {
                "track_id": f"demo:{number:02d}",
                "source": "demo",
                "source_id": f"{number:02d}",
                "path": path,
                "audio_sha256": sha,
                "duration_seconds": 0.8,
                "licence": "CC0-1.0",
                "ml_use": "allowed",
                "work": f"work {number}",
                "album": f"album {number}",
                "title": f"piece {number}",
                "genre": SPACE.classes["genre"][number % 3],
                "artist": SPACE.classes["artist"][number % 3],
                "decade": "1780s",
                "tempo_bpm": 100.0 + number,
                "mean_pitch": 60.0 + number,
            }
        )
    tracks = conform(pd.DataFrame(rows), TRACKS)
    catalog = root / "data/catalog"
    write_table(tracks, catalog / "tracks.parquet")
    for name, schema in (("labels", LABELS), ("failures", FAILURES), ("inbox", INBOX)):
        write_table(empty(schema), catalog / f"{name}.parquet")
    sides = pd.DataFrame(
        {
            "track_id": tracks["track_id"],
            "audio_sha256": tracks["audio_sha256"],
            "group": tracks["work"],
            "side": [SIDES[number // 4] for number in range(12)],
        }
    )
    write_table(conform(sides, SPLIT), root / "data/split/split.parquet")
    write_table(empty(DUPLICATES), root / "data/split/duplicates.parquet")
    write_json(root / "data/validation/report.json", {"passed": True})
    return tracks


def install_champion(root: Path, model: Path) -> str:
    """Put a bundle where `promote` would, with its pin; return its content hash."""
    import shutil

    from soundatlas.registry.contract import content_sha256
    from soundatlas.registry.pin import bundle_folder, export_pin

    content = content_sha256(model)
    folder = bundle_folder(root, content)
    shutil.copytree(model, folder)
    registered = {"name": "soundatlas", "version": "1", "content_sha256": content, "run_id": "r"}
    write_json(folder / "registered.json", registered)
    export_pin(root, "soundatlas", folder)
    return content
