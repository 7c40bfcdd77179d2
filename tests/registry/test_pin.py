"""The pin that names the champion."""

from __future__ import annotations

import pytest
import tiny_project

from soundatlas.errors import BundleError
from soundatlas.registry.pin import PIN, read_champion


@pytest.mark.parametrize("text", ["", '{"content_sha', "<<<<<<< HEAD\n{}\n", "[]", "{}"])
def test_damaged_pin_is_told(text, tmp_path):
    """A pin that is empty, cut or half-merged is named, with what exports it again."""
    (tmp_path / "data").mkdir()
    (tmp_path / PIN).write_text(text, encoding="utf-8")
    with pytest.raises(BundleError, match=r"data/champion\.json is damaged: delete it and run `dvc repro promote`"):
        read_champion(tmp_path)


def test_damaged_bundle_is_told(project, model):
    """Where the champion's own words about itself are damaged, the folder to delete is named."""
    content = tiny_project.install_champion(project, model)
    (project / "mlruns/bundles" / content / "registered.json").write_text("{", encoding="utf-8")
    with pytest.raises(BundleError, match=r"registered\.json is damaged: delete that folder"):
        read_champion(project)
