"""What `soundatlas ingest … --inbox` brought, as rows of the inbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soundatlas.source_params import SpotifySourceParams
from soundatlas.sources.inbox_listings import list_brought
from soundatlas.sources.listing_files import INBOX, source_key, write_listing
from soundatlas.sources.rows import Row, build_listing, failure

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.params import Params


def test_a_track_without_audio_is_a_failure_row(tmp_path: Path, tiny_params: Params) -> None:
    """What Spotify brought into the inbox is named, track by track, as what cannot be classified."""
    config = SpotifySourceParams(source="spotify", saved=True)
    about = {"source": "spotify", "licence": "Spotify's", "ml_use": "restricted"}
    rows = [Row({"track_id": f"spotify:{one}", "source_id": one, **about}) for one in "ab"]
    listing = build_listing(rows, [failure("spotify:saved#3", "not_a_track", "an episode")])
    folder = tmp_path / INBOX / source_key(config, tmp_path)
    write_listing(folder, listing, {"config": config.model_dump(mode="json")})
    brought = list_brought(tmp_path, tiny_params.ingest)
    assert [*brought["path"]] == ["spotify:a", "spotify:b", "spotify:saved#3"]
    assert [*brought["reason"]] == ["no_preview", "no_preview", "not_a_track"]
    assert "nothing to classify" in brought["message"][0]
