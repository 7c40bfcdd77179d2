"""Fitting the network."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fit_once
import keras
import numpy as np
import pytest
import synthetic

from soundatlas.audio.windows import cut_windows
from soundatlas.learning import fit
from soundatlas.learning.dataset import Targets, Windows
from soundatlas.learning.fit import balance_heads, compiled_heads, fit_network
from soundatlas.learning.labels import LabelSpace
from soundatlas.learning.network import ARCHITECTURE_NAME, WEIGHTS_NAME, build_network, load_network, run_network
from soundatlas.learning.resume import Checkpoint
from soundatlas.learning.track import predict_track
from soundatlas.store.reading import SpectrogramStore

SEED = 3
PARAMS = fit_once.PARAMS


@pytest.fixture(scope="module")
def fits(tmp_path_factory) -> list[Path]:
    """Give the folders of two fits with one seed, each of a fresh process."""
    folders = [tmp_path_factory.mktemp("fit") for _ in range(2)]
    command = [sys.executable, str(Path(fit_once.__file__))]
    running = [
        subprocess.Popen([*command, str(folder), str(SEED)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for folder in folders
    ]
    said = [process.communicate()[0].decode() for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    return folders


@pytest.fixture(scope="module")
def summary(fits):
    """Give what the first fit said of itself."""
    return json.loads((fits[0] / "summary.json").read_text())


def test_same_seed_gives_the_same_bytes(fits) -> None:
    """Two fresh processes fit the same data with the same seed to the same weights, bit for bit."""
    for name in (WEIGHTS_NAME, ARCHITECTURE_NAME, "network.tflite", "summary.json"):
        assert fits[0].joinpath(name).read_bytes() == fits[1].joinpath(name).read_bytes()


def test_separable_classes_are_learned(fits, summary) -> None:
    """After two epochs the network tells tracks apart that it never heard, and hears what the tempo follows from."""
    space = LabelSpace.from_contract(summary["space"])
    run = run_network(load_network(fits[0]))
    tracks, log_mels = synthetic.separable(16, first=100)
    outputs = [
        predict_track(run, space, cut_windows(log_mels[sha], fit_once.WINDOW_FRAMES, 8))
        for sha in tracks["audio_sha256"]
    ]
    for head, truth in space.class_targets(tracks).items():
        known = truth >= 0
        guess = np.array([output.logits[head].argmax() for output in outputs])
        assert np.mean(guess[known] == truth[known]) > 0.9
    tempo = space.attribute_targets(tracks)["tempo_bpm"]
    known = np.isfinite(tempo)
    assert np.corrcoef(tempo[known], np.array([output.values["tempo_bpm"] for output in outputs])[known])[0, 1] > 0.5


def test_history_has_a_row_per_epoch(summary) -> None:
    """Each epoch is reported as it ends, with finite losses and accuracies of training and validation."""
    history = summary["history"]
    assert [row["epoch"] for row in history] == [1.0, 2.0]
    assert summary["seen"] == [[1, history[0]], [2, history[1]]]
    heads = [*PARAMS.classes, *PARAMS.attributes]
    expected = {"epoch", "loss", "val_loss"}
    expected |= {f"{side}{head}_loss" for side in ("", "val_") for head in heads}
    expected |= {f"{side}{head}_accuracy" for side in ("", "val_") for head in PARAMS.classes}
    assert all(set(row) == expected for row in history)
    assert np.isfinite([value for row in history for value in row.values()]).all()
    assert history[1]["loss"] < history[0]["loss"]


def _validation_loss(network, space: LabelSpace, store: SpectrogramStore, validation) -> float:
    """Compute a network's loss over every window of the validation tracks."""
    shas, targets = validation["audio_sha256"].tolist(), Targets.of(validation, space)
    windows = Windows(store, shas, targets, fit_once.WINDOW_FRAMES, synthetic.N_MELS, PARAMS.batch_size)
    heads = compiled_heads(network, space, PARAMS, total_steps=10)
    return heads.evaluate(windows.every(), verbose=0, return_dict=True)["loss"]


def test_last_epoch_is_kept(fits, summary) -> None:
    """A fit that ran to its end keeps its last weights: on disk they give the last validation loss again."""
    assert summary["kept_epoch"] == 2
    space = LabelSpace.from_contract(summary["space"])
    tracks, _ = synthetic.separable(fit_once.TRAIN + fit_once.VALIDATION)
    store = SpectrogramStore(fits[0] / "store", synthetic.CONTRACT)
    found = _validation_loss(load_network(fits[0]), space, store, tracks.iloc[fit_once.TRAIN :])
    assert found == pytest.approx(summary["history"][1]["val_loss"], rel=1e-4)


STALE = {"classes": ["genre"], "attributes": [], "epochs": 9, "windows_per_epoch": 256, "patience": 2}


@pytest.fixture
def contradicted(store_of):
    """Give store, training tracks, validation tracks that contradict them, and the classes."""
    tracks, log_mels = synthetic.separable(16)
    validation = tracks.assign(genre=tracks["genre"].map({"low": "high", "high": "low"}))
    return store_of(log_mels), tracks, validation, LabelSpace.of(tracks, ["genre"], [])


def _fit(project, checkpoint=None, on_epoch=lambda _epoch, _row: None, **changed):
    params = PARAMS.model_copy(update={**STALE, **changed})
    sizes = {"window_frames": fit_once.WINDOW_FRAMES, "n_mels": synthetic.N_MELS}
    return fit_network(*project, params, **sizes, checkpoint=checkpoint, on_epoch=on_epoch)


def test_fit_that_gets_no_better_stops_and_keeps_its_best_epoch(contradicted) -> None:
    """Where validation contradicts training, accuracy only falls: after `patience` epochs the best one is kept."""
    store, _, validation, space = contradicted
    fitted = _fit(contradicted)
    accuracies = [row["val_genre_accuracy"] for row in fitted.history]
    assert fitted.kept_epoch == accuracies.index(max(accuracies)) + 1
    assert len(fitted.history) == fitted.kept_epoch + 2 < 9
    kept = fitted.history[fitted.kept_epoch - 1]["val_loss"]
    assert _validation_loss(fitted.network, space, store, validation) == pytest.approx(kept, rel=1e-4)


class KilledError(Exception):
    """Stands for a kill between two epochs."""


@pytest.mark.parametrize("weight_averaging", [0.0, 0.9])
@pytest.mark.parametrize("after", [1, 3])
def test_killed_fit_goes_on_to_the_same_weights(contradicted, tmp_path, after, weight_averaging) -> None:
    """A fit that is cut off and begun again fits only the epochs that are missing, to the same bits as undisturbed.

    The second cut lies after the best epoch of all, which is then taken from the checkpoint.
    """

    def kill(epoch: int, _row: dict[str, float]) -> None:
        if epoch == after:
            raise KilledError

    averaging = {"weight_averaging": weight_averaging}
    undisturbed = _fit(contradicted, **averaging)
    with pytest.raises(KilledError):
        _fit(contradicted, Checkpoint(tmp_path / "checkpoint", "key"), kill, **averaging)
    seen: list[int] = []
    checkpoint = Checkpoint(tmp_path / "checkpoint", "key")
    again = _fit(contradicted, checkpoint, lambda epoch, _row: seen.append(epoch), **averaging)
    assert seen == list(range(after + 1, len(undisturbed.history) + 1))
    assert again.history == undisturbed.history
    assert again.kept_epoch == undisturbed.kept_epoch
    for one, other in zip(again.network.get_weights(), undisturbed.network.get_weights(), strict=True):
        assert np.array_equal(one, other)


@pytest.fixture
def another_thread():
    """Give an executor whose thread is there already."""
    with ThreadPoolExecutor(max_workers=1) as threads:
        threads.submit(int).result()
        yield threads


def _dense_and_dropout() -> keras.Model:
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dropout(0.5)])


def test_draws_of_another_thread_change_no_weight(another_thread) -> None:
    """Where one draws from Python's generator while a network is built, that is built again, to the same weights."""
    draws = iter([1, 2, 0, 0])

    def build() -> keras.Model:
        another_thread.submit(random.sample, range(9), next(draws)).result()
        return _dense_and_dropout()

    disturbed = fit.drawn_alone(SEED, build)
    assert next(draws, None) is None
    keras.utils.set_random_seed(SEED)
    alone = _dense_and_dropout()
    assert len(alone.variables) > len(alone.weights)  # the seed of the dropout, too
    for one, other in zip(disturbed.variables, alone.variables, strict=True):
        assert np.array_equal(one, other)


def test_draws_without_end_are_an_error(another_thread, monkeypatch) -> None:
    """No network is taken for one that the seed gives when another thread never lets it be."""
    monkeypatch.setattr(fit, "MOST_BUILDS", 2)
    draws = iter([1, 2])

    def build() -> keras.Model:
        another_thread.submit(random.sample, range(9), next(draws)).result()
        return _dense_and_dropout()

    with pytest.raises(RuntimeError, match="no training can be repeated"):
        fit.drawn_alone(SEED, build)


@pytest.mark.parametrize("patience", [9, 2])
def test_what_is_kept_is_the_average_of_the_weights(contradicted, monkeypatch, patience) -> None:
    """With a step per epoch: 0.9 of the average so far and 0.1 of the weights, up to the epoch that is kept."""
    epochs: list[np.ndarray] = []
    end_epoch = fit._Keeper.on_epoch_end

    def note(self, epoch, logs):
        epochs.append(self.model.get_layer("embedding").get_weights()[0])
        end_epoch(self, epoch, logs)

    monkeypatch.setattr(fit._Keeper, "on_epoch_end", note)
    changed = {"weight_averaging": 0.9, "windows_per_epoch": PARAMS.batch_size, "patience": patience}
    fitted = _fit(contradicted, **changed)
    average = epochs[0]
    for weights in epochs[1 : fitted.kept_epoch]:
        average = 0.9 * average + 0.1 * weights
    assert (len(epochs) > fitted.kept_epoch) == (patience == 2)
    np.testing.assert_allclose(fitted.network.get_layer("embedding").get_weights()[0], average, atol=1e-6)


def test_half_written_checkpoint_is_cleared_away(contradicted, tmp_path) -> None:
    """What a kill left beside the checkpoint goes with the next start, and the checkpoint itself stays."""
    _fit(contradicted, Checkpoint(tmp_path / "checkpoint", "one"), epochs=1)
    (tmp_path / ".checkpoint-abcd1234.part").mkdir()
    assert len(Checkpoint(tmp_path / "checkpoint", "one").history) == 1
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_checkpoint_of_another_training_is_dropped(contradicted, tmp_path) -> None:
    """Other data or parameters make another key: nothing of the old training is taken over."""
    _fit(contradicted, Checkpoint(tmp_path / "checkpoint", "one"), epochs=1)
    assert len(Checkpoint(tmp_path / "checkpoint", "one").history) == 1
    assert Checkpoint(tmp_path / "checkpoint", "another").history == []
    assert not (tmp_path / "checkpoint").exists()


def test_levels_are_those_of_the_training_tracks(fits, summary) -> None:
    """What the network is standardised by comes from the training side alone."""
    tracks, log_mels = synthetic.separable(fit_once.TRAIN + fit_once.VALIDATION)
    stored = [log_mels[sha].astype(np.float16).ravel() for sha in tracks["audio_sha256"].iloc[: fit_once.TRAIN]]
    cells = np.concatenate(stored)
    assert summary["mean_db"] == pytest.approx(cells.mean(dtype=np.float64), rel=1e-6)
    assert summary["std_db"] == pytest.approx(cells.std(dtype=np.float64), rel=1e-6)
    rescaling = next(layer for layer in load_network(fits[0]).layers if isinstance(layer, keras.layers.Rescaling))
    assert rescaling.scale == pytest.approx(1 / summary["std_db"])


@pytest.fixture
def batch():
    """Give one batch of windows whose artist and tempo are all missing, with the label space."""
    tracks, log_mels = synthetic.separable(16)
    space = LabelSpace.of(tracks, PARAMS.classes, PARAMS.attributes)
    tracks = tracks.assign(artist=None, tempo_bpm=np.nan)
    inputs = np.stack([log_mels[sha][: fit_once.WINDOW_FRAMES] for sha in tracks["audio_sha256"]])
    targets = Targets.of(tracks, space)
    return space, inputs, targets.wanted, targets.weights


def _heads(space: LabelSpace, **changed):
    """Build a network and its trainable heads; without weight decay only a gradient can move a weight."""
    network = build_network(
        window_frames=fit_once.WINDOW_FRAMES,
        n_mels=synthetic.N_MELS,
        space=space,
        channels=[4],
        embedding=4,
        dropout=0.0,
        mean_db=-50.0,
        std_db=10.0,
    )
    params = PARAMS.model_copy(update={"weight_decay": 0.0, **changed})
    return network, compiled_heads(network, space, params, total_steps=10)


def test_missing_labels_train_nothing(batch) -> None:
    """Heads whose labels are all missing keep their weights to the bit, and the others learn; nothing becomes NaN."""
    space, inputs, wanted, weights = batch
    network, heads = _heads(space)
    before = {name: network.get_layer(name).get_weights() for name in (*space.classes, *space.attributes)}
    for _ in range(2):
        losses = heads.train_on_batch(inputs, wanted, weights, return_dict=True)
    assert np.isfinite(list(losses.values())).all()
    moved = {
        name: any(
            not np.array_equal(one, other)
            for one, other in zip(values, network.get_layer(name).get_weights(), strict=True)
        )
        for name, values in before.items()
    }
    assert moved == {"genre": True, "artist": False, "tempo_bpm": False}
    assert all(np.isfinite(values).all() for values in network.get_weights())


def test_loss_does_not_see_what_stands_in_for_a_missing_label(batch) -> None:
    """Where the weight is 0, the wanted value is no matter."""
    space, inputs, wanted, weights = batch
    _, heads = _heads(space)
    other = {**wanted, "artist": np.roll(wanted["genre"], 1, axis=1), "tempo_bpm": wanted["tempo_bpm"] + 5}
    one, two = (heads.test_on_batch(inputs, values, weights, return_dict=True) for values in (wanted, other))
    assert one == two
    assert one["loss"] == pytest.approx(one["genre_loss"])


def test_attributes_weigh_as_much_as_they_are_told(batch) -> None:
    """`attribute_weight` scales the loss of the attributes against that of the classes."""
    space, inputs, wanted, _ = batch
    everything = {name: np.ones(len(inputs), dtype=np.float32) for name in wanted}
    shifted = {**wanted, "tempo_bpm": wanted["tempo_bpm"] + 5}
    _, heads = _heads(space, attribute_weight=0.25)
    losses = heads.test_on_batch(inputs, shifted, everything, return_dict=True)
    expected = losses["genre_loss"] + losses["artist_loss"] + 0.25 * losses["tempo_bpm_loss"]
    assert losses["tempo_bpm_loss"] > 1
    assert losses["loss"] == pytest.approx(expected, rel=1e-5)


def test_embedding_is_not_trained_as_a_head(batch) -> None:
    """Of the network's outputs only the labels have losses."""
    space, *_ = batch
    network, heads = _heads(space)
    assert set(heads.output) == {"genre", "artist", "tempo_bpm"}
    assert "embedding" in network.output


def test_balanced_heads_favour_no_class_for_its_size() -> None:
    """What is subtracted from a head's logits is the logarithm of how often its classes were drawn."""
    tracks, _ = synthetic.separable(12)
    tracks = tracks.assign(genre=["low"] * 9 + ["high"] * 3)
    space = LabelSpace.of(tracks, ["genre"], [])
    network = build_network(
        window_frames=16, n_mels=16, space=space, channels=[4], embedding=4, dropout=0.0, mean_db=-60.0, std_db=5.0
    )
    window = np.zeros((1, 16, 16), np.float32)
    before = np.asarray(network(window)["genre"])[0]
    balance_heads(network, space, tracks, np.full(12, 1 / 12))
    after = np.asarray(network(window)["genre"])[0]
    assert space.classes["genre"] == ("high", "low")
    np.testing.assert_allclose(before - after, np.log([0.25, 0.75]), atol=1e-6)


@pytest.mark.parametrize(
    ("mixed", "gpus", "expected"), [(True, 1, fit.MIXED), (True, 0, fit.FULL), (False, 1, fit.FULL)]
)
def test_mixed_precision_is_for_a_gpu_that_is_asked_for(monkeypatch, mixed, gpus, expected) -> None:
    """A processor always trains in float32; a GPU does where `mixed_precision` is off."""
    monkeypatch.setattr(fit.tf.config, "list_physical_devices", lambda kind: [kind] * gpus)
    assert fit.training_precision(PARAMS.model_copy(update={"mixed_precision": mixed})) == expected


def test_a_network_trained_in_mixed_precision_serves_in_float32(contradicted, monkeypatch) -> None:
    """What a GPU trains in float16 comes out as the same float32 layers, with the weights that were kept."""
    monkeypatch.setattr(fit, "training_precision", lambda _params: fit.MIXED)
    store, _, validation, space = contradicted
    fitted = _fit(contradicted)
    assert {layer.compute_dtype for layer in fitted.network.layers} == {"float32"}
    assert keras.config.dtype_policy().name == "float32"
    plain = build_network(
        window_frames=fit_once.WINDOW_FRAMES,
        n_mels=synthetic.N_MELS,
        space=space,
        channels=PARAMS.channels,
        embedding=PARAMS.embedding,
        dropout=PARAMS.dropout,
        mean_db=fitted.mean_db,
        std_db=fitted.std_db,
    )
    assert [weight.shape for weight in plain.weights] == [weight.shape for weight in fitted.network.weights]
    kept = fitted.history[fitted.kept_epoch - 1]["val_loss"]
    assert _validation_loss(fitted.network, space, store, validation) == pytest.approx(kept, rel=0.02)
