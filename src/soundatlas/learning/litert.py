"""Running the exported network with LiteRT: no TensorFlow, and so a start within a fraction of a second."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import numpy as np

from soundatlas.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

INPUT = "windows"
THREADS = 1  # worker processes share the processors; a second thread made small networks slower
STDERR = 2


class LiteRtNetwork:
    """An exported network, one window at a time.

    Args:
        path: of the `.tflite` file.
        window_shape: (window_frames, n_mels) that it must take; with stems, and their channels.
        outputs: name -> number of values per window that it must give.

    Raises:
        BundleError: when the file is no such network.
    """

    def __init__(self, path: Path, *, window_shape: tuple[int, ...], outputs: Mapping[str, int]) -> None:
        from ai_edge_litert.interpreter import Interpreter

        try:
            with _without_native_log():
                self._interpreter = Interpreter(model_content=path.read_bytes(), num_threads=THREADS)
                self._interpreter.allocate_tensors()
                self._runner = self._interpreter.get_signature_runner()
        except (ValueError, RuntimeError) as error:
            said = " ".join(str(error).split())
            raise BundleError(f"{path} is no LiteRT model that can be run here ({said}): run `dvc repro`") from None
        found = {name: tuple(about["shape"]) for name, about in self._runner.get_input_details().items()}
        given = {name: tuple(about["shape"]) for name, about in self._runner.get_output_details().items()}
        if found != {INPUT: (1, *window_shape)} or given != {name: (1, size) for name, size in outputs.items()}:
            raise BundleError(f"{path} takes or gives other arrays than the contract beside it says: run `dvc repro`")
        self._outputs = tuple(outputs)

    def run(self, windows: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Return the outputs by name, float32 of shape (windows, size), for windows as in `track.Run`."""
        rows = [self._runner(**{INPUT: windows[start : start + 1]}) for start in range(len(windows))]
        return {name: np.concatenate([row[name] for row in rows]) for name in self._outputs}


@contextlib.contextmanager
def _without_native_log() -> Iterator[None]:
    """Turn file descriptor 2 away for a moment: LiteRT reports its delegate there, and has no setting for it."""
    try:
        kept = os.dup(STDERR)
    except OSError:  # it is closed: nobody listens
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, STDERR)
        yield
    finally:
        os.dup2(kept, STDERR)
        os.close(kept)
        os.close(nowhere)
