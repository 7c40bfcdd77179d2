"""The plain loop: librosa.load, librosa's mel spectrogram and `model.predict`, clip after clip.

python -m benchmarks.plain_keras BUNDLE CLIP...    then, per line on stdin, one pass and its seconds on stdout
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.passes import serve_passes
from soundatlas.environment import quieten

quieten()

import librosa  # noqa: E402 - TensorFlow reads the environment when it is imported
import numpy as np  # noqa: E402

from soundatlas.audio.windows import cut_windows  # noqa: E402
from soundatlas.learning.network import load_network  # noqa: E402
from soundatlas.registry.contract import read_contract  # noqa: E402


def main(bundle: Path, clips: list[str]) -> None:
    """Load the network once and answer requests for passes."""
    contract = read_contract(bundle)
    front_end = contract.front_ends["network"].mix
    network = load_network(bundle)

    def classify(clip: str) -> np.ndarray:
        samples, _ = librosa.load(clip, sr=front_end.sample_rate)
        power = librosa.feature.melspectrogram(
            y=samples,
            sr=front_end.sample_rate,
            n_fft=front_end.n_fft,
            hop_length=front_end.hop_length,
            n_mels=front_end.n_mels,
            fmin=front_end.fmin,
            fmax=front_end.fmax,
        )
        log_mel = librosa.power_to_db(power, ref=1.0, top_db=None).T
        windows = cut_windows(log_mel, contract.window_frames, contract.hop_frames)
        return np.asarray(network.predict(windows, verbose=0)[next(iter(contract.space.classes))].mean(axis=0))

    serve_passes(classify, clips)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
