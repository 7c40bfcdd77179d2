"""What several stages read alike."""

from __future__ import annotations

import shutil

import pandas as pd
import pytest

from soundatlas.stages import _inputs
from soundatlas.stages._inputs import SHAPING, training_key


@pytest.fixture
def code(tmp_path, monkeypatch):
    """Give a copy of the package, which is taken for it."""
    copy = shutil.copytree(_inputs.PACKAGE, tmp_path / "package", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(_inputs, "PACKAGE", copy)
    yield copy
    _inputs._code_sha256.cache_clear()


@pytest.mark.parametrize("changed", [*SHAPING, None])
def test_a_training_of_other_code_is_another_one(changed, code, tiny_params) -> None:
    """Whatever shapes a training is in its key: no kept one of earlier code is taken for one of today's."""
    labels = [*tiny_params.train.classes, *tiny_params.train.attributes]
    sides = {"train": pd.DataFrame({name: ["one"] for name in ("audio_sha256", "group", *labels)})}
    keys = []
    for _ in range(2):
        _inputs._code_sha256.cache_clear()
        keys.append(training_key(tiny_params, sides))
        if changed is not None:
            path = code / changed
            file = path if path.is_file() else max(path.rglob("*.py"))
            file.write_text(file.read_text(encoding="utf-8") + "# other code\n", encoding="utf-8")
    assert (keys[0] != keys[1]) == (changed is not None)
