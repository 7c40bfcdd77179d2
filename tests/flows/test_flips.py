"""What flipped, as an artifact on a real server, and the event that labels have drifted."""

from __future__ import annotations

import logging
import shutil
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.sorting import ArtifactSort

import flows.flips
from flows.flips import DRIFTED, publish_flips
from soundatlas.files import write_json
from soundatlas.history.answers import Answer
from soundatlas.history.store import ModelKey, open_history

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("prefect_server")

HOSTILE = "a|b <script>.wav"


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """Collect events instead of sending them to a server."""
    sent: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(flows.flips, "emit_event", lambda event, **rest: sent.append((event, rest)))
    monkeypatch.setattr(flows.flips, "get_run_logger", logging.getLogger)
    return sent


def show(root: Path, model: str, genre: str) -> None:
    """Put a model's predictions into history and projection: ten files, all of one genre."""
    names = [HOSTILE, *(f"{number}.wav" for number in range(9))]
    with open_history(root) as history:
        answer = Answer.of_row({"genre": genre, "genre_confidence": 0.5, "embedding": [1.0]})
        history.keep(ModelKey(model, "contract"), dict.fromkeys(names, answer))
        history.note_projection(model)
    folder = root / "data/predictions"
    folder.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame({"path": names, "audio_sha256": names}).assign(
        status="classified", genre=genre, genre_confidence=0.5, model_sha256=model
    )
    table.to_parquet(folder / "predictions.parquet")


def published() -> str:
    """Return the text of the newest artifact."""
    wanted = ArtifactFilter(key=ArtifactFilterKey(any_=["flips"]))
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(artifact_filter=wanted, sort=ArtifactSort.CREATED_DESC, limit=1)
    return str(found[0].data)


def test_before_there_is_anything_to_compare(tmp_path: Path, events) -> None:
    """Without predictions, and with the first champion's, the artifact says so."""
    publish_flips(tmp_path, 0.25)
    assert published() == "No champion has classified anything yet."
    show(tmp_path, "v1", "air")
    publish_flips(tmp_path, 0.25)
    assert published() == "model v1 is the first champion with predictions here: there is nothing to compare it with."
    assert events == []


def test_drift_after_the_history_was_deleted_is_announced_too(tmp_path: Path, events) -> None:
    """Champions are counted from one again then: another champion of the same number is no repetition."""
    for before, after in (("v1", "v2"), ("v3", "v4")):
        show(tmp_path, before, "air")
        show(tmp_path, after, "reel")
        publish_flips(tmp_path, 0.25)
        shutil.rmtree(tmp_path / "data/history")
    assert [about["payload"]["after"] for _, about in events] == ["v2", "v4"]


def test_flips_are_published_and_drift_is_announced_once(tmp_path: Path, events) -> None:
    """Figures per label, moves and files are shown as text; the event comes once for each champion."""
    show(tmp_path, "v1", "air")
    write_json(
        tmp_path / "mlruns/bundles/v2/registered.json",
        {"name": "soundatlas", "version": "2", "content_sha256": "v2", "run_id": "r"},
    )
    show(tmp_path, "v2", "reel")
    publish_flips(tmp_path, 0.25)
    text = published()
    assert "model v1 → soundatlas version 2 (v2): 10 of 10 files compared" in text
    assert "| genre | 10 of 10 | 0.500 → 0.500 |" in text
    assert "| genre | air | reel | 10 |" in text
    assert r"| a\|b &lt;script&gt;.wav | genre | air 50% | reel 50% |" in text
    [(event, about)] = events
    assert event == DRIFTED
    assert (about["payload"]["before"], about["payload"]["after"]) == ("v1", "v2")
    assert about["payload"]["psi"]["genre"] > 0.25
    publish_flips(tmp_path, 0.25)
    assert len(events) == 1
    show(tmp_path, "v3", "air")
    publish_flips(tmp_path, 0.25)
    assert len(events) == 2


def test_no_drift_below_the_bound(tmp_path: Path, events) -> None:
    """Flips that stay below the bound are shown and raise no alarm."""
    show(tmp_path, "v1", "air")
    show(tmp_path, "v2", "reel")
    publish_flips(tmp_path, 99.0)
    assert "10 of 10" in published()
    assert events == []
