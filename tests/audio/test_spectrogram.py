"""The front end's definition and its contract."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from soundatlas.audio import decode, spectrogram
from soundatlas.audio.spectrogram import FLOOR_DB, FrontEnd, analyse_file
from soundatlas.errors import TrackError
from soundatlas.params import load_params

FRONT_END = FrontEnd(
    sample_rate=16_000,
    n_fft=512,
    hop_length=256,
    n_mels=32,
    fmin=50.0,
    fmax=7_000.0,
    min_seconds=0.25,
    max_seconds=10.0,
)
TOLERANCE_DB = 1e-3
OTHER_SETTINGS = {
    "sample_rate": 22_050,
    "n_fft": 1_024,
    "hop_length": 128,
    "n_mels": 40,
    "fmin": 0.0,
    "fmax": 8_000.0,
    "min_seconds": 0.5,
    "max_seconds": 20.0,
}


def test_golden_spectrogram_is_reproduced(repository) -> None:
    """A file kept with its spectrogram gives that spectrogram, whatever version of librosa computes it."""
    folder = repository / "tests" / "resources" / "audio"
    expected = np.load(folder / "golden.npy")
    front_end = replace(FRONT_END, sample_rate=8_000, fmax=3_500.0)
    found = analyse_file(folder / "golden.wav", front_end)
    assert (found.source_sample_rate, found.channels, found.duration_seconds) == (11_025, 2, 2_800 / 11_025)
    assert found.log_mel.shape == expected.shape
    np.testing.assert_allclose(found.log_mel, expected, rtol=0, atol=TOLERANCE_DB)


def test_quiet_clip_stays_quiet(sound) -> None:
    """The reference level is fixed: a tenth of the amplitude is 20 dB less in every cell."""
    samples = sound(0.5, 16_000)[:, 0]
    loud, quiet = FRONT_END.log_mel(samples, 16_000), FRONT_END.log_mel(samples / np.float32(10), 16_000)
    assert quiet.min() > FLOOR_DB + 10  # nothing has reached the floor, which no scaling lowers
    np.testing.assert_allclose(loud - quiet, 20.0, rtol=0, atol=TOLERANCE_DB)


def test_loudest_cell_does_not_cut_off_the_quietest(sound) -> None:
    """No range below the clip's maximum is imposed: a click in silence leaves the silence at the floor."""
    samples = np.zeros(16_000, dtype=np.float32)
    samples[8_000:9_000] = sound(1_000 / 16_000, 16_000)[:, 0]
    log_mel = FRONT_END.log_mel(samples, 16_000)
    assert log_mel.max() > 0
    assert log_mel.min() == pytest.approx(FLOOR_DB)


def test_silence_is_the_floor() -> None:
    """Digital silence is -100 dB everywhere."""
    np.testing.assert_allclose(FRONT_END.log_mel(np.zeros(8_000, dtype=np.float32), 16_000), FLOOR_DB)


def test_file_shorter_than_the_minimum_is_too_short(audio_file, sound) -> None:
    """One sample too few is refused, with both lengths; exactly the minimum is not."""
    with pytest.raises(TrackError, match=r"shorter than 0\.25 s") as caught:
        analyse_file(audio_file("short.wav", sound(0.25, 16_000)[:-1]), FRONT_END)
    assert caught.value.reason == "too_short"
    assert analyse_file(audio_file("enough.wav", sound(0.25, 16_000)), FRONT_END).duration_seconds == 0.25


def test_file_longer_than_the_maximum_is_cut(audio_file, sound) -> None:
    """Of a longer file the first `max_seconds` are used, in the file's own time, and reported."""
    samples = sound(1.5, 8_000)
    front_end = replace(FRONT_END, max_seconds=1.0)
    cut = analyse_file(audio_file("long.wav", samples, 8_000), front_end)
    alone = analyse_file(audio_file("first.wav", samples[:8_000], 8_000), front_end)
    assert cut.duration_seconds == 1.0
    np.testing.assert_array_equal(cut.log_mel, alone.log_mel)


def test_long_file_takes_no_more_memory_than_its_spectrogram(tmp_path) -> None:
    """A file is transformed while it is decoded: of ten minutes of six channels, 115 MB, little is there at once."""
    rate, channels, minute = 8_000, 6, np.random.default_rng(1).normal(0, 0.1, (60 * 8_000, 6))
    with soundfile.SoundFile(tmp_path / "long.wav", "w", rate, channels) as file:
        for _ in range(10):
            file.write(minute)
    front_end = replace(FRONT_END, max_seconds=600.0)
    analyse_file(tmp_path / "long.wav", replace(front_end, max_seconds=1.0))  # what is made once
    tracemalloc.start()
    try:
        log_mel = analyse_file(tmp_path / "long.wav", front_end).log_mel
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(log_mel) == 1 + 600 * 16_000 // FRONT_END.hop_length
    assert peak_bytes < log_mel.nbytes + (16 << 20)


def test_spectrogram_that_does_not_fit_in_memory_is_too_large(tmp_path, monkeypatch) -> None:
    """Whoever raises `max_seconds` to days meets a reason, not the system's killer."""
    monkeypatch.setattr(decode, "MAX_VALUES", 1_000)
    soundfile.write(tmp_path / "a.wav", np.zeros(16_000), 16_000)
    with pytest.raises(TrackError, match="too_large: 2016 cells of a spectrogram do not fit in memory"):
        analyse_file(tmp_path / "a.wav", FRONT_END)


def test_bad_file_keeps_its_reason(tmp_path) -> None:
    """What the decoder refuses is refused here with the same reason."""
    (tmp_path / "a.mp3").write_text("no music")
    with pytest.raises(TrackError, match="not_audio"):
        analyse_file(tmp_path / "a.mp3", FRONT_END)


@pytest.mark.parametrize(("seconds", "frames"), [(0.0, 1), (0.001, 1), (0.5, 31), (3.0, 188), (7.77, 486)])
def test_frames_of_a_length(seconds, frames) -> None:
    """A length in seconds is the nearest number of hops, and never none."""
    assert FRONT_END.frames(seconds) == frames


def test_other_settings_are_of_every_field() -> None:
    """The test below misses no field."""
    assert set(OTHER_SETTINGS) == set(FrontEnd.__dataclass_fields__)


@pytest.mark.parametrize("field", OTHER_SETTINGS)
def test_any_changed_setting_is_another_contract(field) -> None:
    """Each setting is in the hash."""
    assert replace(FRONT_END, **{field: OTHER_SETTINGS[field]}).sha256() != FRONT_END.sha256()


@pytest.mark.parametrize("name", spectrogram.FIXED)
def test_any_change_of_what_the_code_fixes_is_another_contract(name, monkeypatch) -> None:
    """What no parameter sets is in the hash too, and a model of another definition is refused."""
    before, contract = FRONT_END.sha256(), FRONT_END.contract()
    monkeypatch.setitem(spectrogram.FIXED, name, "something else")
    assert FRONT_END.sha256() != before
    with pytest.raises(ValueError, match="defined otherwise"):
        FrontEnd.from_contract(contract)


def test_equal_settings_are_one_contract() -> None:
    """The hash depends on the values alone."""
    assert replace(FRONT_END).sha256() == FRONT_END.sha256()


def test_contract_round_trips_through_json() -> None:
    """A model's file gives back the very front end that it was trained with."""
    assert FrontEnd.from_contract(json.loads(json.dumps(FRONT_END.contract()))) == FRONT_END


def test_contract_with_more_than_this_version_knows_is_refused() -> None:
    """A later version may fix one thing more; its models are not for this one."""
    with pytest.raises(ValueError, match="defined otherwise"):
        FrontEnd.from_contract({**FRONT_END.contract(), "dither": "triangular"})


def test_front_end_takes_its_section_of_the_parameters(repository) -> None:
    """Every setting comes from `params.yaml` under its own name."""
    params = load_params(repository / "params.yaml").spectrograms
    front_end = FrontEnd.of(params)
    assert {name: getattr(params, name) for name in OTHER_SETTINGS} == {
        name: getattr(front_end, name) for name in OTHER_SETTINGS
    }


def test_samples_whose_power_overflows_are_a_failure(tmp_path) -> None:
    """A float file may hold finite samples whose squares are not; no prediction is made of infinity."""
    soundfile.write(
        tmp_path / "huge.wav", np.full(FRONT_END.sample_rate * 2, 1e38), FRONT_END.sample_rate, subtype="FLOAT"
    )
    with pytest.raises(TrackError) as raised:
        analyse_file(tmp_path / "huge.wav", FRONT_END)
    assert raised.value.reason == "not_finite"


def test_a_worker_never_waits_for_librosa(tmp_path) -> None:
    """A file becomes a spectrogram, resampled or not, without the second that importing librosa takes."""
    soundfile.write(tmp_path / "a.wav", np.zeros(2 * 44_100), 44_100)
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from soundatlas.audio.spectrogram import FrontEnd, analyse_file\n"
        f"analyse_file(Path(sys.argv[1]), FrontEnd(**{vars(FRONT_END)}))\n"
        "sys.exit(' '.join({'librosa', 'numba', 'pandas', 'scipy.signal'} & set(sys.modules)) or None)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "a.wav")], check=True)
