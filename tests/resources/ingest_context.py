"""What a source has at hand while it lists, in a test's own folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ruamel.yaml import YAML

from soundatlas.params import IngestParams
from soundatlas.sources.audio_store import AudioStore
from soundatlas.sources.base import IngestContext, Listing
from soundatlas.tables import TRACKS, empty

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

REPOSITORY = Path(__file__).resolve().parents[2]


def make_context(
    root: Path,
    environ: Mapping[str, str],
    known_tracks: pd.DataFrame | None = None,
    previous: Listing | None = None,
) -> IngestContext:
    """Return a context with the repository's own limits; what is saved in between goes nowhere."""
    params = YAML(typ="safe").load((REPOSITORY / "params.yaml").read_text(encoding="utf-8"))
    return IngestContext(
        root=root,
        environ=environ,
        store=AudioStore(root),
        memory=root / "memory",
        limits=IngestParams.model_validate(params["ingest"]),
        previous=previous,
        known_tracks=empty(TRACKS) if known_tracks is None else known_tracks,
        save=lambda _: None,
    )
