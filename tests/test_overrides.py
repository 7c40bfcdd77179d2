"""Overrides: what is taken, what is refused, and what DVC makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import hypothesis
import hypothesis.strategies as st
import pytest
from ruamel.yaml import YAML

from soundatlas.errors import ParamsError
from soundatlas.overrides import check_overrides

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def path(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a copy of the repository's params.yaml."""
    copy = tmp_path_factory.mktemp("overrides") / "params.yaml"
    copy.write_bytes((repository / "params.yaml").read_bytes())
    return copy


def as_dvc_reads(path: Path, tmp_path: Path, written: list[str]) -> Any:
    """Apply overrides as `dvc exp run --set-param` does; return the whole of the changed file."""
    from dvc.utils.hydra import apply_overrides

    copy = tmp_path / "params.yaml"
    copy.write_bytes(path.read_bytes())
    apply_overrides(copy, written)
    return YAML(typ="safe").load(copy.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("override", "keys", "value"),
    [
        ("train.epochs=4", ["train", "epochs"], 4),
        (" train.epochs = 4", ["train", "epochs"], 4),
        ("train.learning_rate=1e-4", ["train", "learning_rate"], 1e-4),
        ("train.channels=[8, 16]", ["train", "channels"], [8, 16]),
        ("split.group=album", ["split", "group"], "album"),
        ("split.salt=a, b = {c}", ["split", "salt"], "a, b = {c}"),
        ("split.salt=it's", ["split", "salt"], "it's"),
        ("split.salt='null'", ["split", "salt"], "null"),
        ("split.salt='12'", ["split", "salt"], "12"),
        ("split.salt=ä ü", ["split", "salt"], "ä ü"),
        ("catalog.sources.0.clips.bach=7", ["catalog", "sources", 0, "clips", "bach"], 7),
        (
            "train.i_have_permission_to_train_on_restricted_content=true",
            ["train", "i_have_permission_to_train_on_restricted_content"],
            True,
        ),
    ],
)
def test_dvc_reads_what_was_meant(path: Path, tmp_path: Path, override: str, keys: list[Any], value: Any) -> None:
    """An override that is taken reaches DVC with its value and type, whatever characters it holds."""
    found = as_dvc_reads(path, tmp_path, check_overrides(path, [override]))
    for key in keys:
        found = found[key]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["train.epoch=4"], "override train.epoch: train.epoch is not a key of params.yaml"),
        (["trian.epochs=4"], "trian is not a key of params.yaml"),
        (["train.epochs.more=4"], "train.epochs.more is not a key"),
        (["catalog.sources.1.clips.bach=7"], "catalog.sources.1 is not a key"),
        (["+train.new=4"], r"\+train is not a key"),
        (["~train.epochs=4"], "~train is not a key"),
        (["--force=1"], "--force is not a key"),
        (["train.epochs"], "'train.epochs' is not KEY=VALUE"),
        (["=4"], "'=4' is not KEY=VALUE"),
        (["train.epochs=4", "train.epochs=5"], "train.epochs: given twice"),
        (["train.epochs=0"], "train.epochs should be greater than 0, not 0"),
        (["train.epochs=four"], "train.epochs should be a valid integer, not 'four'"),
        (["train.epochs="], "train.epochs should be a valid integer, not None"),
        (["train.channels=[8"], "train.channels: '\\[8' is not a YAML value"),
        (["split.salt=${oc.env:HOME}"], "split.salt: backslash, dollar and line breaks"),
        (["split.salt='a\\nb'"], "split.salt"),
        (["spectrograms.fmax=9000"], "spectrograms.fmax is 9000 Hz, above half"),
        (["train.classes=[artist]"], "promote.primary names 'genre'"),
        (["train.open_set.head=album"], "train.open_set.head is 'album', which is not in classes"),
        (["validate.max_year=!!python/object:os.system x"], "validate.max_year"),
    ],
)
def test_what_cannot_be_is_one_line_with_its_key(path: Path, overrides: list[str], said: str) -> None:
    """An unknown key, a value that cannot be, or one that DVC could read otherwise is refused by name."""
    with pytest.raises(ParamsError, match=said) as caught:
        check_overrides(path, overrides)
    assert "\n" not in str(caught.value)


def test_two_overrides_are_judged_together(path: Path, tmp_path: Path) -> None:
    """Values that only fit together are taken together."""
    with pytest.raises(ParamsError):
        check_overrides(path, ["spectrograms.fmax=10000"])
    written = check_overrides(path, ["spectrograms.fmax=10000", "spectrograms.sample_rate=22050"])
    assert as_dvc_reads(path, tmp_path, written)["spectrograms"]["fmax"] == 10_000


@hypothesis.example("train.epochs\r0=4")
@hypothesis.given(st.one_of(st.text(), st.text().map("split.salt={}".format)))
@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture], max_examples=150)
def test_any_text_is_taken_or_refused(path: Path, text: str) -> None:
    """Whatever a form sends is either written for DVC or refused in one line, and the file stays as it is."""
    before = path.read_bytes()
    said = []
    try:
        said = check_overrides(path, [text])
    except ParamsError as error:
        said = str(error).splitlines()
    assert len(said) == 1
    assert path.read_bytes() == before
