"""A task per source that only `soundatlas ingest` asks: the network is outside of DVC's graph."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from soundatlas.errors import NotReadyError, QuotaError, WebError
from soundatlas.params import load_params
from soundatlas.source_params import DemoSourceParams
from soundatlas.sources.ingestion import ingest_source
from soundatlas.sources.lookup import find_source

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from soundatlas.params import IngestParams
    from soundatlas.source_params import SourceParams


@task(task_run_name="ask {config.source}", cache_policy=NO_CACHE, retries=0, persist_result=False)
def ask_source(root: Path, config: SourceParams, limits: IngestParams, before: Sequence[SourceParams]) -> None:
    """Ask one source, and log what came; never retried: the source's own client knows what to ask again, and when."""
    logger = get_run_logger()
    listing = ingest_source(root, config, limits, os.environ, before=before).listing
    heard = int(listing.tracks["path"].notna().sum())
    logger.info(
        "%s: %d tracks, %d of them with audio, %d failed",
        config.source,
        len(listing.tracks),
        heard,
        len(listing.failures),
    )
    for what, said in listing.capabilities.items():
        logger.info("%s: %s", what, said)
    for note in listing.notes:
        logger.info("%s", note)


def ask_sources(root: Path) -> None:
    """Ask all sources of `params.yaml` that stage `ingest` does not list by itself, each in a task run of its own.

    Raises:
        WebError: when one of them could not be reached; the others were asked, here as below.
        NotReadyError: when one of them was not ready.
        QuotaError: when one of them wants no more requests for now; what it gave is kept.
    """
    params = load_params(root / "params.yaml")
    listed = [source for source in params.catalog.sources if not isinstance(source, DemoSourceParams)]
    faults: list[WebError | NotReadyError | QuotaError] = []
    for position, config in enumerate(listed):
        if not find_source(config.source).OFFER.listed_by_stage:
            try:
                ask_source(root, config, params.ingest, listed[:position])
            except (WebError, NotReadyError, QuotaError) as error:
                faults.append(error)
    if faults:
        raise min(faults, key=lambda fault: fault.exit_code)
