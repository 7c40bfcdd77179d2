"""What one would write instead: librosa over a folder, one file after the other or in a pool, an array per file.

python benchmarks/librosa_loop.py FOLDER OUT [--processes 2] [--decode-only]
"""

from __future__ import annotations

import argparse
from functools import partial
from multiprocessing import Pool
from pathlib import Path

import numpy as np
import soundfile

SAMPLE_RATE, N_FFT, HOP_LENGTH, N_MELS = 16_000, 2048, 512, 128


def spectrogram(path: Path, out: Path) -> None:
    """Load, compute and save one file by librosa's own calls."""
    import librosa

    samples, _ = librosa.load(path, sr=SAMPLE_RATE, mono=True)
    power = librosa.feature.melspectrogram(
        y=samples, sr=SAMPLE_RATE, n_fft=N_FFT, hop_length=HOP_LENGTH, n_mels=N_MELS, fmax=SAMPLE_RATE / 2
    )
    np.save(out / path.stem, librosa.power_to_db(power, ref=1.0, top_db=None).T)


def decode_only(path: Path, out: Path) -> None:
    """Read one file and do nothing with it: no way can be faster."""
    del out
    soundfile.read(path, dtype="float32")


def main() -> None:
    """Go through a folder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--decode-only", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    work = partial(decode_only if options.decode_only else spectrogram, out=options.out)
    paths = sorted(options.folder.glob("*.mp3"))
    if options.processes == 1:
        for path in paths:
            work(path)
    else:
        with Pool(options.processes) as pool:
            pool.map(work, paths)


if __name__ == "__main__":
    main()
