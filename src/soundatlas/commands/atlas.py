"""`soundatlas atlas`: the map in the browser."""

from __future__ import annotations

import errno
import socket
import webbrowser
from typing import TYPE_CHECKING

from soundatlas.atlas.server import ATLAS, HOST, INDEX, make_atlas_app
from soundatlas.commands.map_model import warn_of_another_champion
from soundatlas.errors import NotReadyError
from soundatlas.files import project_root, read_json
from soundatlas.registry.pin import PIN

if TYPE_CHECKING:
    from pathlib import Path

WAITING_REQUESTS = 64


def serve_atlas(port: int, *, browse: bool) -> None:
    """Serve the project's map on this machine until Ctrl-C.

    Args:
        port: on 127.0.0.1; 0 takes any free one.
        browse: open the page in the browser.

    Raises:
        NotReadyError: when there is no map yet, or the port is taken or not for this user.
    """
    import uvicorn

    folder = _ready_map(root := project_root())
    warn_of_another_champion(root)
    with _listen(port) as listener:
        address = f"http://{HOST}:{listener.getsockname()[1]}/"
        print(f"The map: {address} (Ctrl-C ends it)", flush=True)  # noqa: T201 - the command's output
        if browse:
            webbrowser.open(address)  # the socket listens already: the browser waits for the first answer
        config = uvicorn.Config(make_atlas_app(folder), log_level="warning", access_log=False, server_header=False)
        uvicorn.Server(config).run(sockets=[listener])


def _ready_map(root: Path) -> Path:
    """Return the folder of the map."""
    if not (root / PIN).is_file() or read_json(root / PIN).get("content_sha256") is None:
        raise NotReadyError("there is no champion yet, whose ears a map needs: `dvc repro` trains one and draws it")
    if not (root / ATLAS / INDEX).is_file():
        raise NotReadyError("there is no map yet: `dvc repro atlas` draws it")
    return root / ATLAS


def _listen(port: int) -> socket.socket:
    """Return a socket that listens on 127.0.0.1."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # old connections do not count
    try:
        listener.bind((HOST, port))
        listener.listen(WAITING_REQUESTS)
    except OSError as error:
        listener.close()
        if isinstance(error, PermissionError):
            raise NotReadyError(f"port {port} is not for ordinary users: choose one above 1023") from None
        if error.errno != errno.EADDRINUSE:
            raise
        raise NotReadyError(
            f"port {port} is taken by another program: choose another, for example soundatlas atlas --port {port + 1}, "
            "or --port 0 for any free one"
        ) from None
    return listener
