"""A map with clips and pictures, as files and served to this machine, for tests in a browser."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from soundatlas.atlas.page import write_page
from soundatlas.atlas.server import HOST, make_atlas_app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from soundatlas.atlas.chart import Chart

RATE = 22_050
CLIP, PICTURE = "clips/a tone.ogg", "pictures/tone.png"


def write_map(chart: Chart, folder: Path) -> None:
    """Write a map whose points all have the same three quiet seconds and one picture."""
    import matplotlib.image

    for name in (CLIP, PICTURE):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    tone = 0.05 * np.sin(2 * np.pi * 330 * np.arange(3 * RATE) / RATE)
    soundfile.write(folder / CLIP, tone, RATE, format="OGG", subtype="VORBIS")
    matplotlib.image.imsave(folder / PICTURE, np.outer(np.hanning(30), np.ones(85)), cmap="magma", origin="lower")
    names = chart.points["point_id"]
    write_page(chart, folder, dict.fromkeys(names, CLIP), dict.fromkeys(names, PICTURE))


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a map as `soundatlas atlas` does; give its address."""
    import uvicorn

    with socket.create_server((HOST, 0)) as listener:
        config = uvicorn.Config(make_atlas_app(folder), log_level="warning", timeout_graceful_shutdown=5)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://{HOST}:{listener.getsockname()[1]}/"
        finally:
            server.should_exit = True
            thread.join()
