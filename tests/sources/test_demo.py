"""Rendering the demo catalogue: what is rendered, when, and what the tables say."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from soundatlas.errors import NotReadyError, ParamsError
from soundatlas.files import sha256_file
from soundatlas.source_params import DEMO_ARTISTS, DEMO_INBOX_ARTISTS, DemoSourceParams
from soundatlas.sources import demo
from soundatlas.sources.demo_corpus import ARTISTS
from soundatlas.tables import FAILURES, INBOX, LABELS, ML_USES, TRACKS

SECONDS = 3.0
RATE = 16000
LABEL_COLUMNS = [column for column in TRACKS if column not in {"track_id", "source", "source_id", "path", "licence"}]
LABEL_COLUMNS = [column for column in LABEL_COLUMNS if column not in {"audio_sha256", "duration_seconds", "ml_use"}]
PROVENANCES = {"corpus", "score", "rendering", "estimate", "collection date", "composition date"}
TABLES = ("tracks", "labels", "inbox", "failures")


def small_params(**counts):
    """Ask for two clips of two artists and one clip of an unheard artist; `bach=3` asks for another count."""
    clips = {"bach": 2, "ryan": 2, **{artist: counts[artist] for artist in counts if artist != "inbox"}}
    return DemoSourceParams(
        source="demo",
        clips=clips,
        inbox_clips=counts.get("inbox", {"oneill": 1}),
        clip_seconds=SECONDS,
        sample_rate=RATE,
    )


def collect(root: Path, params: DemoSourceParams):
    """Collect into the usual folder of a project."""
    return demo.collect(params, root, root / "data" / "audio")


def files_of(root: Path) -> dict[str, bytes]:
    """Read every file below a folder."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def times_of(root: Path) -> dict[str, int]:
    """Read when every file below a folder was written."""
    return {path.relative_to(root).as_posix(): path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}


@pytest.fixture(scope="session")
def first(tmp_path_factory):
    """Render the small catalogue once: its project folder and what was collected."""
    root = tmp_path_factory.mktemp("first")
    return root, collect(root, small_params())


@pytest.fixture
def copied(first, tmp_path):
    """Give a copy of the rendered project, with its files' times, to change at will."""
    return Path(shutil.copytree(first[0], tmp_path / "copied"))


def assert_same_tables(one, other):
    """Compare all four tables of two collections."""
    for table in TABLES:
        pd.testing.assert_frame_equal(getattr(one, table), getattr(other, table))


def test_two_folders_and_any_number_of_workers_give_the_same_bytes(first, tmp_path, monkeypatch):
    """Another folder and one worker instead of two: every file and every table is the same."""
    root, collected = first
    monkeypatch.setenv("SOUNDATLAS_WORKERS", "1")
    again = collect(tmp_path, small_params())
    assert files_of(tmp_path) == files_of(root)
    assert_same_tables(again, collected)


def test_a_second_run_parses_and_renders_nothing(first, copied):
    """Nothing is written when all is there, and the tables are the same without parsing a score."""
    before = times_of(copied)
    assert_same_tables(collect(copied, small_params()), first[1])
    assert times_of(copied) == before


def test_one_more_clip_is_one_more_clip(first, copied):
    """Raising a count by one adds one file and one row and changes no other; lowering it takes them away."""
    before, times = first[1], times_of(copied)
    after = collect(copied, small_params(bach=3))
    added = set(after.tracks.track_id) - set(before.tracks.track_id)
    assert len(added) == 1
    assert len(after.tracks) == len(before.tracks) + 1
    rest = after.tracks[~after.tracks.track_id.isin(added)].reset_index(drop=True)
    pd.testing.assert_frame_equal(rest, before.tracks)
    pd.testing.assert_frame_equal(after.inbox, before.inbox)
    assert times.items() <= times_of(copied).items()
    assert_same_tables(collect(copied, small_params()), before)
    assert times_of(copied) == times


def test_a_damaged_or_lost_clip_is_rendered_anew(first, copied):
    """A truncated clip, a lost one and one with a flipped bit come back with the same bytes; the others stay."""
    root, collected = first
    truncated, lost, flipped, whole = (copied / path for path in collected.tracks.path)
    truncated.write_bytes(truncated.read_bytes()[:1000])
    lost.unlink()
    content = bytearray(flipped.read_bytes())
    content[-100] ^= 1
    flipped.write_bytes(content)
    time = whole.stat().st_mtime_ns
    assert_same_tables(collect(copied, small_params()), collected)
    assert files_of(copied) == files_of(root)
    assert whole.stat().st_mtime_ns == time


def test_a_killed_run_goes_on_where_it_was(first, copied):
    """Half-written files are removed, a clip without facts is rendered again, other people's files stay."""
    root, collected = first
    folder = copied / "data" / "audio" / "demo"
    (folder / ".bach-12345678.part.flac").write_bytes(b"half")
    next((folder / "facts").iterdir()).unlink()
    (folder / "readme.txt").write_text("mine", encoding="utf-8")
    (folder / "bach-stale-0-00000000.flac").write_bytes(b"of other parameters")
    assert_same_tables(collect(copied, small_params()), collected)
    assert files_of(copied) == {**files_of(root), "data/audio/demo/readme.txt": b"mine"}


def test_tables_are_of_their_schemas(first):
    """All tables have the columns and dtypes that other stages rely on."""
    root, collected = first
    for table, schema in (
        (collected.tracks, TRACKS),
        (collected.labels, LABELS),
        (collected.failures, FAILURES),
        (collected.inbox, {**INBOX, "artist": "str", "title": "str"}),
    ):
        assert {column: str(dtype) for column, dtype in table.dtypes.items()} == schema
    assert collected.tracks.track_id.is_unique
    assert set(collected.tracks.ml_use) <= set(ML_USES)
    assert not (collected.tracks == "").any(axis=None)
    assert list(collected.inbox.artist) == [ARTISTS["oneill"]]
    for row in [*collected.tracks.itertuples(), *collected.inbox.itertuples()]:
        assert sha256_file(root / row.path) == row.audio_sha256
        assert row.path.isascii()
        assert "\\" not in row.path


def test_every_label_says_where_it_comes_from(first):
    """Each label that is present has exactly one row with its provenance and licence; an absent one has none."""
    tracks, labels = first[1].tracks, first[1].labels
    present = tracks.melt(id_vars="track_id", value_vars=LABEL_COLUMNS).dropna(subset="value")
    assert set(zip(labels.track_id, labels.label, strict=True)) == set(
        zip(present.track_id, present.variable, strict=True)
    )
    assert len(labels) == len(present)
    assert set(labels.provenance) <= PROVENANCES
    assert labels.licence.str.fullmatch(r"composition in the public domain; .+; rendered locally from .+").all()
    written = labels[labels.label.isin(["key", "mode"])].set_index("track_id").provenance
    assert set(written[written.index.str.contains("ryans")]) == {"score"}
    assert set(written[written.index.str.contains("bach")]) == {"estimate"}


def test_clips_are_exactly_as_long_and_as_loud_as_asked_for(first):
    """Every clip is mono, of the asked rate and length to the sample, equally loud, not clipped, faded at both ends."""
    root, collected = first
    for path in [*collected.tracks.path, *collected.inbox.path]:
        samples, rate = soundfile.read(root / path, always_2d=True)
        assert (rate, samples.shape) == (RATE, (round(SECONDS * RATE), 1))
        level = 20 * np.log10(np.sqrt(np.mean(samples**2)))
        assert -26 < level < -22
        assert np.abs(samples).max() < 0.99
        assert np.abs(samples[[0, -1]]).max() < 0.001
    assert set(collected.tracks.duration_seconds) == {SECONDS}


def test_more_clips_than_there_are_is_an_error_that_names_the_parameter(tmp_path):
    """Asking for too many names the key and the most there are, and asking for that many is possible."""
    with pytest.raises(ParamsError, match=r"catalog\.sources\.inbox_clips\.mozart is 400: there are at most \d+ clips"):
        collect(tmp_path, small_params(inbox={"mozart": 400}))


def test_a_missing_package_says_how_to_install_it():
    """The message has the package and the command."""
    with pytest.raises(NotReadyError, match=r"no-such-package.*soundatlas\[demo\]"):
        demo.package_versions(["no-such-package"])


def test_the_fingerprint_is_cheap_and_names_what_shapes_the_sound():
    """Fingerprinting imports neither music21 nor the renderer."""
    code = (
        "import sys; from soundatlas.sources import demo; print(sorted(demo.fingerprint(None)));"
        "print([name for name in ('music21', 'midirenderer', 'mido', 'pretty_midi') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[1] == "[]"
    for name in ("music21", "midirenderer", "mido", "pretty-midi", "soundfont", "recipe"):
        assert f"'{name}'" in said


def test_every_artist_of_the_parameters_has_a_name():
    """Whoever can be asked for is known by name."""
    assert set(DEMO_ARTISTS) <= set(DEMO_INBOX_ARTISTS) == set(ARTISTS)
