"""How large a map's page is, how soon its first picture stands, and how smoothly it pans: `python -m benchmarks.page`.

It opens the folder from the file system in a headless Chromium without a graphics card, which is the slowest case.
"""

from __future__ import annotations

import shutil
import statistics
from pathlib import Path
from typing import Annotated

import typer
from playwright.sync_api import sync_playwright

from soundatlas.errors import NotReadyError

WINDOW = {"width": 1440, "height": 900}
OPENINGS = 5
FRAMES = 240
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FIRST_PICTURE = "performance.getEntriesByName('soundatlas first picture')"
PAN = """(frames) => new Promise((done) => {
    const { camera } = soundatlas.app.picture;
    const times = [];
    let before = performance.now();
    function step(now) {
        times.push(now - before);
        before = now;
        camera.panBy(6 * Math.cos(times.length / 20), 6 * Math.sin(times.length / 20));
        if (times.length < frames) requestAnimationFrame(step);
        else done(times.slice(5));
    }
    requestAnimationFrame(step);
})"""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def page_sizes(folder: Path) -> tuple[int, int]:
    """Return the bytes of a map without its clips and pictures, and of what the first picture needs."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    media = {folder / "clips", folder / "pictures"}
    page = [path for path in files if not media & set(path.parents)]
    first = [path for path in page if path.suffix in {".html", ".css", ".js"} and path.parent.name != "details"]
    return sum(path.stat().st_size for path in page), sum(path.stat().st_size for path in first)


def measure_page(folder: Path, browser_path: str) -> tuple[list[float], list[float]]:
    """Return the seconds until the first picture, per opening, and the milliseconds of each frame of a pan."""
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=browser_path, args=arguments)
        page = browser.new_page(viewport={"width": WINDOW["width"], "height": WINDOW["height"]})
        page.set_default_timeout(300_000)
        first = []
        for _ in range(OPENINGS):
            page.goto("about:blank")
            page.goto((folder.resolve() / "index.html").as_uri())
            page.wait_for_function(f"() => {FIRST_PICTURE}.length > 0")
            first.append(page.evaluate(f"() => {FIRST_PICTURE}[0].startTime") / 1000)
        frames = page.evaluate(PAN, FRAMES)
        browser.close()
    return first, frames


@app.command()
def measure(
    folder: Annotated[Path, typer.Argument(help="A map, as stage atlas draws it.")] = Path("data/atlas"),
) -> None:
    """Print size, seconds to the first picture, and frames per second while panning."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise NotReadyError("no Chromium here: on Debian, apt-get install chromium")
    size, first_size = page_sizes(folder)
    first, frames = measure_page(folder, browser)
    print(f"page without clips and pictures {size / 1e6:.2f} MB, for the first picture {first_size / 1e6:.2f} MB")
    print(f"first picture after {statistics.median(first):.2f} s (median of {OPENINGS}, slowest {max(first):.2f} s)")
    slow = sorted(frames)[int(0.95 * len(frames))]
    print(f"panning {1000 / statistics.mean(frames):.0f} frames a second, 95 % of frames within {slow:.0f} ms")


if __name__ == "__main__":
    app()
