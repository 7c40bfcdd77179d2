"""Asking a configured source, and keeping what it says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from soundatlas.errors import QuotaError
from soundatlas.files import registry_root
from soundatlas.source_params import DemoSourceParams
from soundatlas.sources.audio_store import FOLDER, AudioStore
from soundatlas.sources.base import IngestContext
from soundatlas.sources.deny_list import read_deny_list, remove_audio_of
from soundatlas.sources.identity import Part, unite
from soundatlas.sources.listing_files import MEMORY, SOURCES, read_listing, source_key, tidy_listings, write_listing
from soundatlas.sources.lookup import find_source
from soundatlas.sources.previous_listing import take_over

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from soundatlas.params import IngestParams
    from soundatlas.source_params import SourceParams
    from soundatlas.sources.base import Listing
    from soundatlas.sources.deny_list import DenyList


@dataclass(frozen=True)
class Ingested:
    """What one call of a source brought: its key, and its listing as it was written."""

    key: str
    listing: Listing


def ingest_source(
    root: Path,
    config: SourceParams,
    limits: IngestParams,
    environ: Mapping[str, str],
    *,
    before: Sequence[SourceParams] = (),
    folder: str = SOURCES,
) -> Ingested:
    """Ask a source, and write its listing to `<folder>/<key>/`; what is denied is left out.

    Inside a DVC experiment the listings are those of the real workspace.

    Args:
        root: of the project.
        config: of the source.
        limits: section `ingest` of `params.yaml`.
        environ: of the process.
        before: the sources listed before it, whose tracks an enriching source adds to.
        folder: `SOURCES`, or `INBOX` for what is to be classified.

    Raises:
        NotReadyError: when something is missing; nothing was written.
        QuotaError: when the source wants no more requests for a while; what it gave until then was written, and what
            it had given before stays.
    """
    root = registry_root(root).resolve()
    tidy_listings(root)
    key, denied = source_key(config, root), read_deny_list(root)
    place = root / folder / key
    about = {"config": config.model_dump(mode="json")}

    def save(listing: Listing) -> None:
        write_listing(place, _without_denied(listing, denied, root), about)

    context = IngestContext(
        root=root,
        environ=environ,
        store=AudioStore(root),
        memory=root / MEMORY / config.source,
        limits=limits,
        previous=read_listing(place),
        known_tracks=unite(read_parts(root, before)).tracks,
        save=save,
        denied=denied,
    )
    listing = take_over(find_source(config.source).ingest(config, context), context.previous)
    save(listing)
    if listing.resume_after is not None:
        raise QuotaError(f"{config.source} wants no more requests for now; what it gave is kept", listing.resume_after)
    return Ingested(key, _without_denied(listing, denied, root))


def read_parts(root: Path, sources: Sequence[SourceParams]) -> list[Part]:
    """Return what the listings of some sources hold, in their order; the demo has none, nor what was never ingested."""
    parts = []
    for config in sources:
        if not isinstance(config, DemoSourceParams):
            listing = read_listing(root / SOURCES / source_key(config, root))
            if listing is not None:
                parts.append(Part(listing.tracks, listing.labels))
    return parts


def _without_denied(listing: Listing, denied: DenyList, root: Path) -> Listing:
    """Return a listing without what is denied; audio that was fetched for it alone is removed."""
    is_denied = denied.denies(listing.tracks)
    if not is_denied.any():
        return listing
    gone = listing.tracks[is_denied]
    left = listing.tracks[~is_denied]
    remove_audio_of(gone, left, root, root / FOLDER)
    return replace(
        listing,
        tracks=left,
        labels=listing.labels[~listing.labels["track_id"].isin(gone["track_id"])],
    )
