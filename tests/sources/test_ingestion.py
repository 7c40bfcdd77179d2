"""Asking a configured source: what its listing leaves out, and which audio goes with that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soundatlas.source_params import DeezerSourceParams
from soundatlas.sources.base import Listing
from soundatlas.sources.deny_list import add_entries
from soundatlas.sources.ingestion import ingest_source
from soundatlas.sources.listing_files import SOURCES, source_key, write_listing
from soundatlas.tables import FAILURES, LABELS, empty
from tests.fakes.deezer import FakeDeezer
from tests.resources.known_tracks import known_tracks

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


def test_denying_one_of_two_tracks_leaves_them_their_one_preview(project: Path, music, as_source, tiny_params) -> None:
    """A file goes with the last row that has it: the other track keeps its audio, and gets it back if it was lost."""
    tracks = known_tracks(1, 1)
    tracks.loc[1, ["track_id", "isrc", "artist", "title"]] = ["folder:x", None, "Artist 0", "Title 1"]
    before = as_source({"source": "folder", "path": str(music)})
    write_listing(project / SOURCES / source_key(before, project), Listing(tracks, empty(LABELS), empty(FAILURES)), {})
    config = DeezerSourceParams(source="deezer", non_commercial=True)
    with FakeDeezer() as fake:
        fake.add(1)
        environ = {"SOUNDATLAS_DEEZER_API_URL": fake.url}

        def listed() -> pd.DataFrame:
            return ingest_source(project, config, tiny_params.ingest, environ, before=[before]).listing.tracks

        both = listed()
        first, second = both["track_id"]
        (path,) = set(both["path"])
        preview = project / path
        add_entries(project, [{"audio_sha256": "", "track_id": first, "since": "", "reason": ""}])
        assert [*listed()["track_id"]] == [second]
        assert preview.is_file()
        preview.unlink()
        assert [*listed()["track_id"]] == [second]
        assert preview.is_file()
        add_entries(project, [{"audio_sha256": "", "track_id": second, "since": "", "reason": ""}])
        assert listed().empty
        assert not preview.exists()
