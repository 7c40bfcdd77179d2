"""What a trial hears, and what it is scored by."""

from __future__ import annotations

import pandas as pd
import pytest

from soundatlas.errors import DataRefusedError
from soundatlas.files import write_json
from soundatlas.store.reading import SpectrogramStore
from soundatlas.tuning.objective import load_learning_sides, train_and_score


def test_no_test_track_is_loaded_or_heard(learnable, tuned_params, test_shas, monkeypatch):
    """A whole trial asks the store for spectrograms of training and validation tracks, and for no other."""
    heard = set()
    for name in ("log_mel", "frames", "frame_count"):
        real = getattr(SpectrogramStore, name)

        def listening(store, sha, *arguments, real=real):
            heard.add(sha)
            return real(store, sha, *arguments)

        monkeypatch.setattr(SpectrogramStore, name, listening)
    sides = load_learning_sides(learnable, tuned_params)
    epochs = []
    found = train_and_score(learnable, tuned_params, sides, lambda epoch, _row: epochs.append(epoch))
    assert set(sides) == {"train", "validation"}
    assert heard == {*sides["train"]["audio_sha256"], *sides["validation"]["audio_sha256"]}
    assert not heard & test_shas
    assert epochs == [1]
    assert found.tracks == 4
    assert set(found.heads) == set(tuned_params.promote.primary)
    assert found.mean == pytest.approx(sum(found.heads.values()) / len(found.heads))
    assert 0 <= found.low <= found.mean <= found.high <= 1


@pytest.mark.parametrize("side", ["train", "validation"])
def test_empty_side_is_named(learnable, tuned_params, side):
    """A split that leaves nobody to learn from, or to score on, is named."""
    path = learnable / "data/split/split.parquet"
    split = pd.read_parquet(path)
    split.assign(side=split["side"].replace(side, "test")).to_parquet(path, index=False)
    with pytest.raises(DataRefusedError, match=f"the {side} side"):
        load_learning_sides(learnable, tuned_params)


def test_data_that_may_not_be_trained_on_is_refused(learnable, tuned_params):
    """Restricted tracks, missing labels and a failed validation stop a study as they stop a training."""
    path = learnable / "data/catalog/tracks.parquet"
    tracks = pd.read_parquet(path)
    tracks.assign(ml_use=["restricted", *["allowed"] * 11]).to_parquet(path, index=False)
    with pytest.raises(DataRefusedError, match="may not be used for training"):
        load_learning_sides(learnable, tuned_params)
    tracks.assign(genre=pd.Series([None] * 12, dtype="str")).to_parquet(path, index=False)
    with pytest.raises(DataRefusedError, match="no validation track has a genre"):
        load_learning_sides(learnable, tuned_params)
    for report in ({"passed": False}, None):
        if report is None:
            (learnable / "data/validation/report.json").unlink()
        else:
            write_json(learnable / "data/validation/report.json", report)
        with pytest.raises(DataRefusedError, match="dvc repro validate"):
            load_learning_sides(learnable, tuned_params)
