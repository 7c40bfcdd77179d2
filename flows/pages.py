"""The pages that the pipeline made: `/atlas/`, `/data-docs/` and `/evaluation/`, read-only, for this machine.

Run as `python -m flows.pages --port 8088`; `make ui` does.
"""

from __future__ import annotations

import html
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from soundatlas.atlas.server import ATLAS, HOST, HOSTS, INDEX, AtlasFiles
from soundatlas.files import project_root

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Scope

DATA_DOCS, EVALUATION = Path("data/data_docs"), Path("data/evaluation")
SHOWN = (".html", ".png", ".svg", ".json", ".csv")
MOST_LINKS = 200
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>soundatlas</title>
<style>body {{ font: 16px/1.6 system-ui, sans-serif; max-width: 42em; margin: 3em auto; padding: 0 1em }}</style>
<h1>soundatlas</h1>
{body}
</html>
"""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class PipelineFiles(StaticFiles):
    """A folder that the pipeline writes: it may come later, and what is in it may change at any time."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory=directory, html=True, check_dir=False)

    async def check_config(self) -> None:
        """Take a folder that is not there for an empty one."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer with a file, which the browser is to ask for anew each time."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def make_app(root: Path) -> Starlette:
    """Return the application that serves a project's pages."""

    def index(_: Request) -> Response:
        return HTMLResponse(PAGE.format(body=_body(root)), headers={"Cache-Control": "no-cache"})

    return Starlette(
        routes=[
            Route("/", index),
            Mount("/atlas", AtlasFiles(root / ATLAS)),
            Mount("/data-docs", PipelineFiles(root / DATA_DOCS)),
            Mount("/evaluation", PipelineFiles(root / EVALUATION)),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)],
    )


def _body(root: Path) -> str:
    """Return links to what is there."""
    parts = []
    if (root / ATLAS / INDEX).is_file():
        parts.append('<p><a href="/atlas/">The map</a>: what sounds like what</p>')
    if (root / DATA_DOCS / "index.html").is_file():
        parts.append('<p><a href="/data-docs/">Data Docs</a>: what was checked before training</p>')
    if links := [_link(name) for name in _shown_files(root / EVALUATION)]:
        parts.append(f"<h2>Evaluation</h2>\n<ul>\n{''.join(links[:MOST_LINKS])}</ul>")
    return "\n".join(parts) or "<p>Nothing to show yet: run <code>make demo</code>, or <code>dvc repro</code>.</p>"


def _shown_files(folder: Path) -> Iterator[str]:
    """Yield the files in a folder that a browser shows, as paths below it, in order."""
    inside = folder.resolve()
    for path in sorted(folder.rglob("*")):
        if path.suffix in SHOWN and path.is_file() and path.resolve().is_relative_to(inside):
            yield path.relative_to(folder).as_posix()


def _link(name: str) -> str:
    return f'<li><a href="/evaluation/{quote(os.fsencode(name))}">{html.escape(name)}</a></li>\n'


@app.command()
def serve_pages(port: Annotated[int, typer.Option(min=1, max=65535, help="On 127.0.0.1.")] = 8088) -> None:
    """Show the map, Data Docs and the evaluation in the browser. `make ui` starts this with everything else."""
    import uvicorn

    uvicorn.run(make_app(project_root()), host=HOST, port=port)


if __name__ == "__main__":
    app()
