"""The map over HTTP, for this machine alone: read-only, the page's own files, and no script from elsewhere."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import FileResponse
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import Scope

HOST = "127.0.0.1"
HOSTS = [HOST, "localhost"]  # a page from elsewhere that has its name point here is refused
ATLAS = Path("data/atlas")  # below the project
INDEX = "index.html"

# What a map consists of. The system's own table of types differs from machine to machine, and so is not asked.
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".png": "image/png",
    ".webp": "image/webp",
    ".jpg": "image/jpeg",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".mp3": "audio/mpeg",
    ".flac": "audio/flac",
    ".wav": "audio/wav",
}
HEADERS = {
    "Cache-Control": "no-cache",  # the next run may replace any of it
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class AtlasFiles(StaticFiles):
    """The folder of a map: it may come later, and what is in it may change at any time.

    Starlette's own class keeps requests inside the folder, links and encoded dots included, and answers range requests;
    a folder is never listed. What is no part of a map, by its name, is not there.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder, html=True, check_dir=False)

    async def check_config(self) -> None:
        """Take a folder that is not there for an empty one."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer with a file of the map, or that there is none.

        Raises:
            HTTPException: with 404 or 405.
        """
        name = PurePosixPath(path)
        is_hidden = any(part.startswith(".") and part != "." for part in name.parts)
        if is_hidden or (name.suffix and name.suffix not in TYPES):
            raise HTTPException(status_code=404)
        response = await super().get_response(path, scope)
        if isinstance(response, FileResponse):
            suffix = Path(response.path).suffix
            if suffix not in TYPES:
                raise HTTPException(status_code=404)
            response.headers["Content-Type"] = TYPES[suffix]
        response.headers.update(HEADERS)
        return response


def make_atlas_app(folder: Path) -> Starlette:
    """Return the application that serves the map in a folder, at the root."""
    return Starlette(
        routes=[Mount("/", AtlasFiles(folder))],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)],
    )
