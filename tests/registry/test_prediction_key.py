"""By what a prediction is known again."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from soundatlas.registry import prediction_key
from soundatlas.registry.contract import read_contract
from soundatlas.registry.prediction_key import CODE, model_key

TESTS = Path(__file__).resolve().parents[1]


def _house():
    """Return the tests of the house, which know what a module imports."""
    spec = importlib.util.spec_from_file_location("house", TESTS / "test_house.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_all_code_between_bytes_and_row_counts():
    """Every module that hearing a file reaches is part of the key, so that no prediction of other code is taken."""
    house = _house()
    hearing = house.SOURCE / "registry" / "inference.py"
    shaping = {path for path in {hearing, *house.reached_modules(hearing)} if path.stem not in house.CARRIERS}
    parts = [house.SOURCE / part for part in CODE]
    assert all(part.exists() for part in parts)
    assert not {path for path in shaping if not any(path == part or path.is_relative_to(part) for part in parts)}


def test_key_names_the_model_and_changes_with_what_feeds_it(model, monkeypatch):
    """The model is its content hash; other code or another decoder is another key, the same things the same key."""
    contract = read_contract(model)
    key = model_key(contract)
    assert key.model_sha256 == contract.content_sha256
    assert model_key(contract) == key
    monkeypatch.setattr(prediction_key, "code_sha256", lambda: "other code")
    assert model_key(contract).contract_sha256 != key.contract_sha256
    monkeypatch.undo()
    monkeypatch.setattr(prediction_key, "version", lambda _package: "99")
    assert model_key(contract).contract_sha256 != key.contract_sha256
