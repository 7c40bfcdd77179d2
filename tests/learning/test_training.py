"""Training a whole model."""

from __future__ import annotations

import fit_once
import numpy as np
import pytest
import synthetic

from soundatlas.audio.spectrogram import FrontEnd
from soundatlas.learning.backbone_features import FeatureTable
from soundatlas.learning.blend import BACKBONE, NETWORK, STATISTICS
from soundatlas.learning.inputs import Inputs
from soundatlas.learning.training import train_model
from soundatlas.params import OpenSetParams

# Of the synthetic spectrograms: ten frames a second.
FRONT_END = FrontEnd(16_000, 2048, 1600, synthetic.N_MELS, 0.0, 8_000.0, 1.0, 600.0)


@pytest.fixture
def project(store_of):
    """Give inputs with features that name the genre, training tracks, validation tracks, and tracks never heard."""
    tracks, log_mels = synthetic.separable(48)
    generator = np.random.default_rng(0)
    low = (tracks["genre"] == "low").to_numpy()[:, None]
    features = (generator.normal(0, 0.3, (48, 6)) + low).astype(np.float32)
    table = FeatureTable({"backbone": "musicnn_msd"}, tuple(tracks["audio_sha256"]), features)
    inputs = Inputs(store_of(log_mels), table, fit_once.WINDOW_FRAMES, 8, FRONT_END)
    return inputs, tracks.iloc[:24], tracks.iloc[24:36].reset_index(drop=True), tracks.iloc[36:].reset_index(drop=True)


def _params(**changed):
    settings = {"epochs": 2, "windows_per_epoch": 320, "open_set": OpenSetParams(head="artist", accepted=0.9)}
    return fit_once.PARAMS.model_copy(update={**settings, **changed})


@pytest.mark.parametrize(
    ("backbone", "statistics", "parts"),
    [
        ("none", False, {NETWORK}),
        ("none", True, {NETWORK, STATISTICS}),
        ("musicnn_msd", True, {BACKBONE}),
        ("fusion", True, {NETWORK, STATISTICS, BACKBONE}),
    ],
)
def test_parts_are_those_that_were_asked_for_and_learn(project, backbone, statistics, parts) -> None:
    """Each setting trains its parts; the model names the genre of tracks that it never heard, calibrated."""
    inputs, train, validation, unheard = project
    if backbone == "none":
        inputs = Inputs(**{**vars(inputs), "features": None})
    trained = train_model(inputs, train, validation, _params(backbone=backbone, statistics=statistics))
    assert set(trained.calibration.factors) == parts
    assert (trained.fitted is not None) == (NETWORK in parts)
    assert set(trained.linear) == parts - {NETWORK}
    outputs = trained.outputs(inputs, unheard["audio_sha256"].tolist())
    names = trained.space.classes["genre"]
    assert [names[int(output.logits["genre"].argmax())] for output in outputs] == unheard["genre"].tolist()
    assert [np.linalg.norm(output.embedding) for output in outputs] == pytest.approx([1.0] * len(outputs), abs=1e-5)
    assert trained.open_set is not None
    assert trained.beat is None  # noise has no beat to learn from


def test_a_track_from_outside_is_heard_like_one_of_the_catalogue(project) -> None:
    """Spectrogram and features of a track give what the catalogue's own row gives."""
    inputs, train, validation, unheard = project
    trained = train_model(inputs, train, validation, _params(backbone="fusion", statistics=True))
    sha = unheard["audio_sha256"][0]
    stored = trained.outputs(inputs, [sha])[0]
    direct = trained.output(inputs.store.log_mel(sha), inputs.features.of([sha])[0], inputs)
    assert direct.logits["genre"] == pytest.approx(stored.logits["genre"], abs=1e-5)
    assert direct.embedding == pytest.approx(stored.embedding, abs=1e-5)


def test_without_an_open_head_nothing_is_unknown(project) -> None:
    """`open_set.head: null` fits no threshold."""
    inputs, train, validation, _ = project
    quick = _params(backbone="musicnn_msd", open_set=OpenSetParams(head=None, accepted=0.9))
    assert train_model(inputs, train, validation, quick).open_set is None
