"""The benchmark of the map's page: what it counts, and that it runs."""

from __future__ import annotations

import pytest
from served_map import write_map
from synthetic_chart import make_chart
from typer.testing import CliRunner

from benchmarks.page import app, page_sizes


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Give a small map with clips and pictures."""
    made = tmp_path_factory.mktemp("atlas")
    write_map(make_chart(120, inbox=5), made)
    return made


def test_sizes_are_those_of_the_page(folder):
    """Clips and pictures are not counted, and details not for the first picture."""
    size, first = page_sizes(folder)
    media = sum(path.stat().st_size for name in ("clips", "pictures") for path in (folder / name).iterdir())
    details = sum(path.stat().st_size for path in (folder / "data/details").iterdir())
    licences = (folder / "vendor/LICENCES.txt").stat().st_size
    assert size == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) - media
    assert first == size - details - licences


@pytest.mark.slow
def test_it_measures_a_map(folder):
    """Sizes, the first picture and the frames of a pan are printed."""
    done = CliRunner().invoke(app, [str(folder)])
    assert done.exit_code == 0, done.output
    assert "first picture after" in done.output
    assert "frames a second" in done.output
