"""`soundatlas ingest`: ask the sources, say what came, and what to do next."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pandas as pd
from pydantic import TypeAdapter, ValidationError
from rich.markup import escape
from rich.table import Table

from soundatlas.commands.terminal import printable, wide_console
from soundatlas.errors import NotReadyError, QuotaError, SoundatlasError, UsageError, WebError
from soundatlas.files import project_root, registry_root
from soundatlas.param_faults import first_fault
from soundatlas.params import load_params
from soundatlas.source_params import DemoSourceParams, SourceParams
from soundatlas.sources.inbox import shown_path
from soundatlas.sources.ingestion import Ingested, ingest_source, read_parts
from soundatlas.sources.listing_files import INBOX, SOURCES, read_listing, source_key, user_path
from soundatlas.sources.listing_report import failure_lines, labels_present
from soundatlas.sources.params_file import add_source, source_line, with_source

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from soundatlas.params import Params

NOTHING_TO_CLASSIFY = "Nothing of it has audio, so the champion can classify none of it"


def ingest_listed(name: str | None) -> None:
    """Ask all sources that `params.yaml` lists, or those of one name, and say what came.

    A source that is not ready, or does not answer, does not keep the others from being asked. Of several faults the
    gravest is raised: a service that is down, then what is missing, then a quota.

    Raises:
        UsageError: when there is none of that name.
        WebError: when one of them could not be reached.
        NotReadyError: when one of them was not ready.
        QuotaError: when one of them wants no more requests for now.
    """
    root = project_root()
    params = load_params(root / "params.yaml")
    listed = [source for source in params.catalog.sources if not isinstance(source, DemoSourceParams)]
    wanted = [source for source in listed if name in {None, source.source}]
    if not wanted:
        if name is None:
            raise UsageError(
                "catalog.sources in params.yaml lists nothing to ingest: try `soundatlas ingest folder ~/Music --add`"
            )
        raise UsageError(
            f"catalog.sources in params.yaml lists no {name}: say what to bring, see `soundatlas ingest {name} --help`"
        )
    came: list[tuple[SourceParams, Ingested]] = []
    faults: list[SoundatlasError] = []
    for source in wanted:
        before = listed[: listed.index(source)]
        try:
            came.append((source, ingest_source(root, source, params.ingest, os.environ, before=before)))
        except (WebError, NotReadyError, QuotaError) as error:
            faults.append(error)
            if isinstance(error, QuotaError) and (kept := _kept(root, source, SOURCES)):
                came.append((source, kept))
    _tell(root, params, came)
    faults.sort(key=lambda fault: fault.exit_code)
    _print(wide_console(), "Also", [str(fault) for fault in faults[1:]])
    if faults:
        raise faults[0]


def ingest_asked(asked: dict[str, Any], *, inbox: bool, add: bool) -> None:
    """Ask one source for what the command line says, and say what came.

    Args:
        asked: the source as `catalog.sources` would have it.
        inbox: bring it to be classified, not into the catalogue.
        add: list it in `params.yaml` too, once it has given something.

    Raises:
        ParamsError: when `params.yaml` cannot list it; it was not asked.
        UsageError: when it cannot be asked so, or `inbox` and `add` go together.
        NotReadyError: when something is missing.
        QuotaError: when the source wants no more requests for now.
    """
    if inbox and add:
        raise UsageError("--inbox and --add do not go together: what is listed in params.yaml is learnt from")
    root = project_root()
    path = root / "params.yaml"
    params = load_params(path)
    source = _parse(root, asked)
    listed = [one for one in params.catalog.sources if not isinstance(one, DemoSourceParams)]
    keys = [source_key(one, root) for one in listed]
    is_listed = source_key(source, root) in keys
    adding = add and not is_listed
    if adding:
        with_source(path, source)  # refused now, and not after hours of asking
    before = listed[: keys.index(source_key(source, root))] if is_listed else listed
    folder = INBOX if inbox else SOURCES
    try:
        ingested = ingest_source(root, source, params.ingest, os.environ, before=before, folder=folder)
    except QuotaError:
        params = _add(path, source) if adding else params
        if kept := _kept(root, source, folder):
            _tell(root, params, [(source, kept)], folder)
        raise
    params = _add(path, source) if adding else params
    _tell(root, params, [(source, ingested)], folder)
    console = wide_console()
    if inbox:
        has_audio = ingested.listing.tracks["path"].notna().any()
        told = "Next: `dvc repro`, and the champion classifies them" if has_audio else NOTHING_TO_CLASSIFY
        console.print(told, highlight=False)
    elif not (is_listed or add):
        console.print(
            "params.yaml does not list this source, so `dvc repro` will not use it. Add this line to catalog.sources,\n"
            "or say --add:",
            highlight=False,
        )
        console.print(f"    - {source_line(source)}", markup=False, highlight=False, soft_wrap=True)


def _add(path: Path, source: SourceParams) -> Params:
    """List a source in `params.yaml`, and return what this holds then."""
    add_source(path, source)
    return load_params(path)


def _parse(root: Path, asked: dict[str, Any]) -> SourceParams:
    """Return a source that the command line describes; a path inside of the project becomes relative to it."""
    if "path" in asked:
        asked = {**asked, "path": shown_path(user_path(asked["path"], root), root)}
    try:
        parsed: SourceParams = TypeAdapter[Any](SourceParams).validate_python(asked)
    except ValidationError as error:
        raise UsageError(f"ingest {asked['source']}: {first_fault(error, asked)}") from None
    return parsed


def _kept(root: Path, source: SourceParams, folder: str) -> Ingested | None:
    key = source_key(source, root)
    listing = read_listing(registry_root(root) / folder / key)
    return None if listing is None else Ingested(key, listing)


def _tell(root: Path, params: Params, came: list[tuple[SourceParams, Ingested]], folder: str = SOURCES) -> None:
    """Print what came, which labels are present, what failed, and what to do next."""
    if not came:
        return
    console = wide_console()
    table = Table(title="Ingested", title_justify="left")
    for column in ("source", "tracks", "with audio", "hours", "failed"):
        table.add_column(column, justify="left" if column == "source" else "right", overflow="fold")
    for source, ingested in came:
        tracks = ingested.listing.tracks
        heard = tracks["path"].notna()
        table.add_row(
            escape(printable(f"{source.source} {getattr(source, 'path', '')}".strip())),
            str(len(tracks)),
            str(heard.sum()),
            f"{tracks.loc[heard, 'duration_seconds'].sum() / 3600:.1f}",
            str(len(ingested.listing.failures)),
        )
    console.print(table)
    listings = [ingested.listing for _, ingested in came]
    _print(console, "Labels present", labels_present(listings, [*params.train.classes, *params.train.attributes]))
    _print(console, "Failed", failure_lines(pd.concat([listing.failures for listing in listings])))
    _print(
        console,
        "Services",
        [f"{what}: {said}" for listing in listings for what, said in listing.capabilities.items()],
    )
    _print(console, "Notes", [note for listing in listings for note in listing.notes])
    learning = _learning_lines(root, params, came) if folder == SOURCES else []  # an inbox is not learnt from
    failed = [ingested.key for _, ingested in came if len(ingested.listing.failures)]
    named = [f"failures.parquet below {folder}/{key}/ names every input that failed" for key in failed]
    _print(console, "Next", [*named, *learning])


def _learning_lines(root: Path, params: Params, came: list[tuple[SourceParams, Ingested]]) -> list[str]:
    lines = []
    tracks = pd.concat([ingested.listing.tracks for _, ingested in came])
    silent = int(tracks["path"].isna().sum())
    if silent and "deezer" not in {source.source for source in params.catalog.sources}:
        lines.append(
            f"{silent} tracks have no audio: `soundatlas ingest deezer --non-commercial --add` fetches previews of 30 s"
        )
    lines += _restricted_advice(tracks, params)
    lines += _label_advice(tracks, params)
    if read_parts(registry_root(root).resolve(), params.catalog.sources):
        lines.append("`dvc repro` makes the catalogue, trains and classifies")
    return lines


def _restricted_advice(tracks: pd.DataFrame, params: Params) -> list[str]:
    """Return what follows from tracks that must not be learnt from, and how to train all the same."""
    restricted = int((tracks["ml_use"] == "restricted").sum())
    permitted = params.catalog.i_have_permission_to_train_on_spotify_content
    if not restricted or permitted or params.train.i_have_permission_to_train_on_restricted_content:
        return []
    advice = (
        f"{restricted} tracks must not be learnt from (ml_use restricted): once they have audio, be it a preview, "
        "training refuses the whole catalogue. To train, take their source, or that of their previews, out of "
        "catalog.sources in params.yaml; who holds Spotify's written permission says "
        "catalog.i_have_permission_to_train_on_spotify_content: true"
    )
    return [advice]


def _label_advice(tracks: pd.DataFrame, params: Params) -> list[str]:
    """Return what to put into `params.yaml` where training asks for labels that the tracks lack."""
    if tracks.empty:
        return []
    present = tracks.reindex(columns=[*params.train.classes, *params.train.attributes]).notna().mean()
    known = [head for head in params.train.classes if present[head] >= params.validate_.min_label_coverage]
    lines = []
    if lacking := [head for head in params.train.classes if head not in known]:
        todo = (
            f"take {' and '.join(lacking)} out of train.classes and promote.primary"
            if known
            else "put a label that they have into train.classes and promote.primary"
        )
        lines.append(
            f"too few tracks have {' and '.join(lacking)}: {todo} of params.yaml, or give them in tags or tracks.csv"
        )
    if absent := [name for name in params.train.attributes if not present[name]]:
        lines.append(f"no track has {', '.join(absent)}: these attributes will be left out of the training")
    return lines


def _print(console: Console, title: str, lines: list[str]) -> None:
    if lines:
        console.print(f"[bold]{title}[/]")
    for line in lines:
        console.print(escape(printable(f"  {line}")), highlight=False, soft_wrap=True)
