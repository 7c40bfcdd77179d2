"""What of `params.yaml` a store of loose audio needs."""

from __future__ import annotations

import pytest

from soundatlas import params
from soundatlas.audio.spectrogram import FrontEnd
from soundatlas.commands.store_settings import read_settings
from soundatlas.errors import ParamsError
from soundatlas.params import load_params


@pytest.fixture
def yaml(repository, tmp_path):
    """Give a copy of the repository's parameters."""
    copy = tmp_path / "params.yaml"
    copy.write_bytes((repository / "params.yaml").read_bytes())
    return copy


@pytest.fixture
def unchecked(monkeypatch):
    """See to it that checking the parameters is a fault."""

    def fail(*_):
        raise AssertionError

    monkeypatch.setattr(params, "load_params", fail)


def test_settings_are_those_of_the_parameters(yaml, tmp_path) -> None:
    """What is read is what checking the whole file gives."""
    whole, settings = load_params(yaml), read_settings(yaml, tmp_path / "memory.json")
    assert settings.front_end == FrontEnd.of(whole.spectrograms)
    assert settings.timeout_seconds == whole.spectrograms.timeout_seconds
    assert settings.retries == whole.spectrograms.retries
    assert settings.max_file_megabytes == whole.ingest.max_file_megabytes


def test_unchanged_parameters_are_not_checked_again(yaml, tmp_path, request) -> None:
    """The second time the same settings come from the memory."""
    first = read_settings(yaml, tmp_path / "memory.json")
    request.getfixturevalue("unchecked")
    assert read_settings(yaml, tmp_path / "memory.json") == first


def test_changed_parameters_are_checked_again(yaml, tmp_path) -> None:
    """Another value is seen, and one that cannot be is refused, whatever the memory says."""
    read_settings(yaml, tmp_path / "memory.json")
    text = yaml.read_text()
    yaml.write_text(text.replace("n_mels: 128", "n_mels: 64"))
    assert read_settings(yaml, tmp_path / "memory.json").front_end.n_mels == 64
    yaml.write_text(text.replace("n_mels: 128", "n_mels: -1"))
    with pytest.raises(ParamsError, match="n_mels"):
        read_settings(yaml, tmp_path / "memory.json")
    yaml.unlink()
    with pytest.raises(ParamsError, match="is missing"):
        read_settings(yaml, tmp_path / "memory.json")


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"key": 1}', '{"key": null, "settings": {}}'])
def test_damaged_memory_costs_only_time(content, yaml, tmp_path) -> None:
    """What cannot be read there is as good as nothing, and is put right."""
    memory = tmp_path / "memory.json"
    memory.write_text(content)
    settings = read_settings(yaml, memory)
    assert settings.front_end.n_mels == 128
    assert read_settings(yaml, memory) == settings


def test_memory_that_cannot_be_written_is_no_fault(yaml, tmp_path) -> None:
    """A project that one may only read still has settings."""
    (tmp_path / "file").touch()
    assert read_settings(yaml, tmp_path / "file/memory.json").front_end.n_mels == 128
