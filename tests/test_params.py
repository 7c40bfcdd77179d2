"""`params.yaml`, right and wrong."""

from __future__ import annotations

import copy
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError
from ruamel.yaml import YAML

from soundatlas.errors import ParamsError
from soundatlas.learning.statistics import BAND_GROUPS
from soundatlas.param_faults import first_fault
from soundatlas.params import load_params, parse_params
from soundatlas.sections import Section

if TYPE_CHECKING:
    from collections.abc import Iterator

Key = tuple[str | int, ...]

COMMITTED: dict[str, Any] = YAML(typ="safe").load(
    (Path(__file__).resolve().parents[1] / "params.yaml").read_text(encoding="utf-8")
)

# The values that messages below quote: tuning params.yaml breaks no test.
QUOTED = {
    "catalog.sources": [
        {
            "source": "demo",
            "clips": {"bach": 40},
            "inbox_clips": {"oneill": 4},
            "clip_seconds": 15.0,
            "sample_rate": 22050,
        }
    ],
    "spectrograms.sample_rate": 16000,
    "spectrograms.n_fft": 2048,
    "spectrograms.hop_length": 512,
    "spectrograms.n_mels": 128,
    "spectrograms.fmin": 0.0,
    "spectrograms.fmax": 8000.0,
    "spectrograms.min_seconds": 1.0,
    "spectrograms.max_seconds": 600.0,
    "separate.stems": [],
    "split.validation": 0.2,
    "split.test": 0.2,
    "validate.min_year": 1000,
    "validate.max_year": 2030,
    "train.classes": ["genre", "artist"],
    "train.attributes": ["tempo_bpm"],
    "train.window_seconds": 3.0,
    "train.channels": [32, 48],
    "promote.primary": ["genre"],
}
GONE = object()  # stands for "take the key out"


def _key(text: str) -> Key:
    """Take "catalog.sources.0.clips" apart."""
    return tuple(int(part) if part.isdecimal() else part for part in text.split("."))


def _dotted(key: Key) -> str:
    return ".".join(str(part) for part in key)


def _changed(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return a copy with some values set anew or taken out."""
    values = copy.deepcopy(values)
    for text, value in changes.items():
        *above, last = _key(text)
        place: Any = values
        for part in above:
            place = place[part]
        if value is GONE:
            del place[last]
        else:
            place[last] = value
    return values


BASE = _changed(COMMITTED, QUOTED)


def _with(changes: dict[str, Any]) -> dict[str, Any]:
    """Return good values with some set anew or taken out."""
    return _changed(BASE, changes)


def _leaves(place: Any, key: Key = ()) -> Iterator[Key]:
    """Give the key of each value that is no mapping or list."""
    if isinstance(place, dict):
        children = list(place.items())
    elif isinstance(place, list):
        children = list(enumerate(place))
    else:
        yield key
        return
    for part, child in children:
        yield from _leaves(child, (*key, part))


def _nodes(key: Key) -> Iterator[Key]:
    """Give a key and those above it."""
    return (key[:length] for length in range(1, len(key) + 1))


def _fault(values: Any) -> str:
    """Return the message with which values are refused: one line, exit code 2, file named."""
    with pytest.raises(ParamsError) as caught:
        parse_params(values)
    assert caught.value.exit_code == 2
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert message.startswith("params.yaml: ")
    return message.removeprefix("params.yaml: ")


def _at(key: Key) -> Any:
    place: Any = BASE
    for part in key:
        place = place[part]
    return place


LEAVES = sorted(_leaves(BASE), key=_dotted)
NODES = sorted({node for leaf in LEAVES for node in _nodes(leaf)}, key=_dotted)
FREE = {"clips", "inbox_clips"}  # mappings whose keys may be left out
SECTIONS = [(), *(node for node in NODES if isinstance(_at(node), dict) and node[-1] not in FREE)]
REQUIRED = [node for node in NODES if isinstance(node[-1], str) and not FREE.intersection(node[:-1])]


def test_committed_params_load(repository: Path) -> None:
    """The file that we ship is accepted and comes out as it is written."""
    params = load_params(repository / "params.yaml")
    assert params.model_dump(by_alias=True) == COMMITTED


def test_params_are_frozen(repository: Path) -> None:
    """No stage can change a parameter under another's feet."""
    params = load_params(repository / "params.yaml")
    with pytest.raises(ValueError, match="frozen"):
        params.train.epochs = 1  # type: ignore[misc]  # that is the point


def test_section_names_are_the_stages(repository: Path) -> None:
    """Sections bear the stages' names, `validate` included."""
    params = load_params(repository / "params.yaml")
    assert params.validate_.min_tracks_per_class == COMMITTED["validate"]["min_tracks_per_class"]
    assert _fault(_with({"validate_": COMMITTED["validate"]})) == "validate_ is not a known key"


@pytest.mark.parametrize("section", SECTIONS, ids=_dotted)
def test_unknown_key_is_named(section: Key) -> None:
    """A key that nothing reads is refused wherever it stands."""
    key = _dotted((*section, "surprise"))
    assert _fault(_with({key: 1})) == f"{key} is not a known key"


@pytest.mark.parametrize("node", REQUIRED, ids=_dotted)
def test_missing_key_is_named(node: Key) -> None:
    """Nothing has a hidden default: a section or key that is taken out is missed."""
    assert _fault(_with({_dotted(node): GONE})).startswith(f"{_dotted(node)} is missing")


def test_misspelt_key_is_shown_rather_than_the_one_it_left_out() -> None:
    """Of a slip's two faults, the unknown key and the missing one, the first is where to look."""
    said = _fault(_with({"train.epochs": GONE, "train.epoch": 16}))
    assert said == "train.epoch is not a known key (and 1 more)"


def test_unknown_artist_is_an_unknown_key() -> None:
    """A name that the demo catalogue does not have is refused with those that it has."""
    said = _fault(_with({"catalog.sources.0.clips.xyz": 3}))
    assert said.startswith("catalog.sources.0.clips.xyz is not a known key: it should be 'aird', 'bach'")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("train.epochs", "16", "train.epochs should be a valid integer, not '16'"),
        ("train.epochs", True, "train.epochs should be a valid integer, not True"),
        ("train.epochs", 16.0, "train.epochs should be a valid integer, not 16.0"),
        ("train.epochs", None, "train.epochs should be a valid integer, not None"),
        ("train.epochs", [16], "train.epochs should be a valid integer, not [16]"),
        ("train.dropout", "0.3", "train.dropout should be a valid number, not '0.3'"),
        ("train.dropout", True, "train.dropout should be a valid number, not True"),
        ("train.classes", "genre", "train.classes should be a valid list, not 'genre'"),
        ("train.classes.0", 3, "train.classes.0 should be a valid string, not 3"),
        ("train.channels.1", "48", "train.channels.1 should be a valid integer, not '48'"),
        ("split.salt", 1, "split.salt should be a valid string, not 1"),
        ("train", None, "train should be a mapping, not None"),
        ("train", [1, 2], "train should be a mapping, not [1, 2]"),
        ("catalog.sources.0", "demo", "catalog.sources.0 should be a mapping, not 'demo'"),
        ("catalog.sources.0.clips", 40, "catalog.sources.0.clips should be a mapping, not 40"),
        ("catalog.sources.0.clips.bach", "many", "catalog.sources.0.clips.bach should be a valid integer, not 'many'"),
    ],
)
def test_wrong_type_is_named(key: str, value: object, said: str) -> None:
    """The message holds the key, what belongs there and what stands there."""
    assert _fault(_with({key: value})) == said


@pytest.mark.parametrize("value", [None, [], "text", 3, True])
def test_file_that_is_no_mapping_is_refused(value: object) -> None:
    """A file that holds something other than sections says so."""
    assert _fault(value) == f"the top level should be a mapping, not {value!r}"


def test_whole_number_serves_as_a_float() -> None:
    """`fmax: 8000` means 8000.0: a number without a point is a number all the same."""
    assert parse_params(_with({"spectrograms.fmax": 8000})).spectrograms.fmax == 8000.0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"spectrograms.hop_length": 0}, "spectrograms.hop_length should be greater than 0, not 0"),
        ({"spectrograms.hop_length": 4096}, "spectrograms.hop_length is 4096, longer than n_fft 2048"),
        ({"spectrograms.n_mels": 1026}, "spectrograms.n_mels is 1026, more than the 1025 bins of n_fft 2048"),
        ({"spectrograms.fmax": 8000.5}, "spectrograms.fmax is 8000.5 Hz, above half of sample_rate 16000"),
        ({"spectrograms.fmin": 8000.0}, "spectrograms.fmin is 8000 Hz, not below fmax 8000"),
        ({"spectrograms.fmin": -1.0}, "spectrograms.fmin should be greater than or equal to 0, not -1.0"),
        ({"spectrograms.min_seconds": 601.0}, "spectrograms.min_seconds is 601, above max_seconds 600"),
        ({"spectrograms.min_seconds": 0.1}, "spectrograms.min_seconds is 0.1: shorter than one n_fft of 2048 samples"),
        ({"spectrograms.timeout_seconds": 0.0}, "spectrograms.timeout_seconds should be greater than 0, not 0.0"),
        ({"atlas.neighbours": 0}, "atlas.neighbours should be greater than or equal to 1, not 0"),
        ({"atlas.refit_share": 1.0}, "atlas.refit_share should be less than 1, not 1.0"),
        ({"atlas.clip_seconds": -1.0}, "atlas.clip_seconds should be greater than or equal to 0, not -1.0"),
        ({"reclassify.max_psi": 0.0}, "reclassify.max_psi should be greater than 0, not 0.0"),
        ({"catalog.max_failure_rate": 1.1}, "catalog.max_failure_rate should be less than or equal to 1, not 1.1"),
        ({"catalog.sources": []}, "catalog.sources should have at least 1 item, not []"),
        ({"catalog.sources.0.source": "tape"}, "catalog.sources.0.source should be one of 'demo', 'folder', "),
        ({"catalog.sources.0.clips.bach": -1}, "catalog.sources.0.clips.bach should be greater than or equal to 0"),
        ({"separate.stems": ["drums"]}, "separate.stems.0 should be 'harmonic', 'percussive', 'foreground' or 'backgr"),
        ({"separate.stems": ["harmonic"] * 2}, "separate.stems names 'harmonic' twice"),
        ({"separate.block_seconds": 1.0}, "separate.block_seconds should be greater than or equal to 5, not 1.0"),
        ({"train.stems": True}, "train.stems is true, and separate.stems names none"),
        ({"split.group": "track"}, "split.group should be 'work' or 'album', not 'track'"),
        ({"split.sides": "theirs"}, "split.sides should be 'hash' or 'official', not 'theirs'"),
        ({"split.salt": ""}, "split.salt should have at least 1 character, not ''"),
        ({"split.validation": 0.6, "split.test": 0.4}, "split.validation + test is 1: nothing is left to train on"),
        ({"split.test": 0.0}, "split.test should be greater than 0, not 0.0"),
        ({"split.max_bit_error_rate": 0.5}, "split.max_bit_error_rate should be less than or equal to 0.3, not 0.5"),
        ({"validate.min_year": 2031}, "validate.min_year is 2031, above max_year 2030"),
        ({"train.classes": []}, "train.classes should have at least 1 item, not []"),
        ({"train.classes.1": "two words"}, "train.classes.1 should match pattern"),
        ({"train.classes": ["genre", "genre"]}, "train.classes and attributes name 'genre' twice"),
        ({"train.attributes": ["artist"]}, "train.classes and attributes name 'artist' twice"),
        ({"train.dropout": 1.0}, "train.dropout should be less than 1, not 1.0"),
        ({"train.learning_rate": 0.0}, "train.learning_rate should be greater than 0, not 0.0"),
        ({"train.seed": 2**31}, "train.seed should be less than 2147483648"),
        ({"train.window_seconds": 0.5}, "train.window_seconds is shorter than 16 frames"),
        (
            {"spectrograms.n_mels": BAND_GROUPS - 1, "train.statistics": True},
            "train.statistics is true, and needs spectrograms.n_mels of at least 16",
        ),
        (
            {"train.stems": True, "separate.stems": ["harmonic"], "train.backbone": "musicnn"},
            "train.stems is true, and train.backbone musicnn trains no network on them",
        ),
        ({"promote.primary": ["mood"]}, "promote.primary names 'mood', which is not in train.classes"),
        ({"promote.primary": ["tempo_bpm"]}, "promote.primary names 'tempo_bpm', which is not in train.classes"),
        ({"promote.model_name": "a/b"}, "promote.model_name should match pattern"),
        ({"evaluate.confidence": 1.0}, "evaluate.confidence should be less than 1, not 1.0"),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)
def test_impossible_value_is_named(changes: dict[str, Any], said: str) -> None:
    """A value of the right type that cannot be is refused with its key and why."""
    assert _fault(_with(changes)).startswith(said)


@pytest.mark.parametrize("leaf", [leaf for leaf in LEAVES if isinstance(_at(leaf), float)], ids=_dotted)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_number_may_be_nan_or_infinite(leaf: Key, value: float) -> None:
    """NaN and infinity, which YAML can write as `.nan` and `.inf`, are refused everywhere."""
    assert _fault(_with({_dotted(leaf): value})).startswith(_dotted(leaf))


class _Tape(Section):
    source: Literal["tape"]
    reels: int


class _Shelf(Section):
    source: Literal["shelf"]


class _Sources(Section):
    sources: list[Annotated[_Tape | _Shelf, Field(discriminator="source")]]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"source": "tape", "reels": "two"}, "sources.0.reels should be a valid integer, not 'two'"),
        ({"source": "tape"}, "sources.0.reels is missing"),
        ({"source": "shelf", "reels": 2}, "sources.0.reels is not a known key"),
        ({"source": "cloud"}, "sources.0.source should be one of 'tape', 'shelf', not 'cloud'"),
        ({"reels": 2}, "sources.0.source is missing"),
        (3, "sources.0 should be a mapping, not 3"),
    ],
)
def test_one_of_several_kinds_of_source_is_named_by_its_place_in_the_file(source: object, said: str) -> None:
    """Where sources may be of several kinds, the key is still the path that stands in the file."""
    values = {"sources": [source]}
    with pytest.raises(ValidationError) as caught:
        _Sources.model_validate(values)
    assert first_fault(caught.value, values) == said


def test_every_fault_is_counted() -> None:
    """The line shows the first fault and how many more wait."""
    said = _fault(_with({"train.epochs": "16", "train.patience": "6", "evaluate.confidence": "high"}))
    assert said == "train.epochs should be a valid integer, not '16' (and 2 more)"


def test_long_value_is_shortened() -> None:
    """A page in the place of a number does not become a page of message."""
    assert len(_fault(_with({"train.epochs": list(range(10_000))}))) < 120
    assert len(_fault(_with({"train.epochs": "x" * 10_000}))) < 120


def test_line_break_in_a_key_or_value_stays_in_the_line() -> None:
    """Even a key with a line break in it is told in one line."""
    assert _fault(_with({"train.two\nlines": 1})) == "train.two lines is not a known key"
    assert _fault(_with({"train.epochs": "two\nlines"})) == r"train.epochs should be a valid integer, not 'two\nlines'"


garbage = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.dates()
    | st.lists(st.integers() | st.text(), max_size=3)
    | st.dictionaries(st.text() | st.integers() | st.none(), st.integers(), max_size=3)
)


@given(node=st.sampled_from(NODES), value=garbage)
def test_any_garbage_is_accepted_or_named(node: Key, value: object) -> None:
    """Whatever stands in the place of a value or section, there is a set of parameters or one line with the key."""
    try:
        parse_params(_with({_dotted(node): value}))
    except ParamsError:
        said = _fault(_with({_dotted(node): value}))
        assert str(node[0]) in said


@given(leaf=st.sampled_from(LEAVES), value=garbage)
def test_value_of_another_type_is_refused(leaf: Key, value: object) -> None:
    """A leaf takes no value of another type; a whole number may stand for a float, and a head for no open set."""
    here = _at(leaf)
    same = type(value) is type(here) or (isinstance(here, float) and type(value) is int)
    same |= leaf == ("train", "open_set", "head") and (value is None or value in COMMITTED["train"]["classes"])
    if not same:
        assert _fault(_with({_dotted(leaf): value})).startswith(_dotted(leaf))


def _fault_of_file(content: bytes, folder: Path) -> str:
    """Return the message with which a file of these bytes is refused."""
    path = folder / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(ParamsError) as caught:
        load_params(path)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"train: [", "params.yaml cannot be read: line 2: "),
        (b"train:\n  epochs: 16\n\tpatience: 6\n", "params.yaml cannot be read: line 3: "),
        (b"train: \x01", "params.yaml cannot be read: unacceptable character"),
        (b"train: *nowhere", "params.yaml cannot be read: line 1: found undefined alias"),
        (b"train: 2020-99-99", "params.yaml cannot be read: month must be in 1..12"),
        (b'train: !!int ""', "params.yaml cannot be read: "),
        (b"train: !!bool maybe", "params.yaml cannot be read: "),
        (b"train: !!python/name:os.system", "params.yaml cannot be read: line 1: could not determine a constructor"),
        (b"split:\n  salt: \xe9t\xe9\n", "params.yaml cannot be read: 'utf-8' codec can't decode byte 0xe9"),
        (b"\xff\xfes\x00", "params.yaml cannot be read: 'utf-8' codec"),
        (b"train: 1\nsplit: 2\ntrain: 3\n", 'params.yaml cannot be read: line 3: found duplicate key "train"'),
        (b"train:\n  epochs: 1\n  epochs: 2\n", 'params.yaml cannot be read: line 3: found duplicate key "epochs"'),
        (b"", "params.yaml: the top level should be a mapping, not None"),
    ],
)
def test_file_that_is_no_yaml_says_where(content: bytes, said: str, tmp_path: Path) -> None:
    """A file that is not UTF-8, not YAML, or has a key twice is refused in one line that says where."""
    assert _fault_of_file(content, tmp_path).startswith(said)


@given(content=st.binary(max_size=60) | st.text(alphabet="a:-[]{}&*!|>'\"%@`? \n\t#0.1~", max_size=60).map(str.encode))
def test_no_bytes_raise_anything_else(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever bytes the file holds, the fault has our name."""
    _fault_of_file(content, tmp_path_factory.getbasetemp())


def test_missing_file_says_how_to_get_it_back(tmp_path: Path) -> None:
    """A deleted file is refused with the remedy."""
    with pytest.raises(ParamsError, match=r"^params\.yaml is missing: restore it with `git checkout params\.yaml`$"):
        load_params(tmp_path / "params.yaml")


def test_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    """A folder cannot be read as parameters."""
    with pytest.raises(ParamsError, match="cannot be read"):
        load_params(tmp_path)


@pytest.mark.parametrize("written", ["1e-3", "1E-3", "0.001", "1.0e-3"])
def test_scientific_notation_is_a_number(written: str, repository: Path, tmp_path: Path) -> None:
    """`1e-3` is the number that people mean by it, though YAML 1.1 reads a text."""
    text = (repository / "params.yaml").read_text(encoding="utf-8")
    path = tmp_path / "params.yaml"
    path.write_text(re.sub(r"learning_rate: \S+", f"learning_rate: {written}", text), encoding="utf-8")
    assert load_params(path).train.learning_rate == 0.001
