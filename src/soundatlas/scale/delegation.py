"""What stages and commands hand over: the same work, on this machine or on a cluster, as `params.engine` says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soundatlas.files import registry_root

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import pandas as pd

    from soundatlas.audio.spectrogram import FrontEnd
    from soundatlas.history.answers import Answer
    from soundatlas.params import EngineParams
    from soundatlas.progress import Advance
    from soundatlas.registry.pin import Champion
    from soundatlas.store.writing import Update

BEAM = "beam"


def delegate_spectrograms(
    folder: Path,
    wanted: Mapping[str, str],
    front_end: FrontEnd,
    *,
    root: Path,
    timeout_seconds: float,
    engine: EngineParams,
    advance: Advance,
) -> Update:
    """Bring the store in `folder` up to date on the engine's cluster; arguments as of `store.writing.update_store`.

    With `engine.place`, the store is made there, and what has changed is then copied to `folder`.

    Raises:
        NotReadyError: when Apache Beam, or what its runner needs, is not installed.
    """
    from soundatlas.scale.runners import import_beam

    import_beam()
    from soundatlas.scale.mirror import mirror_store
    from soundatlas.scale.places import Place
    from soundatlas.scale.spectrograms import update_store_with_beam

    here = Place(str(folder.resolve()))
    project = Place(engine.place or str(root.resolve()))
    there = here if engine.place is None else project.within(folder.relative_to(root).as_posix())
    update = update_store_with_beam(
        there, wanted, front_end, project=project, timeout_seconds=timeout_seconds, engine=engine, advance=advance
    )
    if engine.place is not None:
        mirror_store(there, folder)
    return update


def delegate_hearing(
    folder: Path,
    champion: Champion,
    listing: pd.DataFrame,
    root: Path,
    *,
    timeout_seconds: float,
    keep: Callable[[dict[str, Answer]], object],
    engine: EngineParams,
    advance: Advance,
) -> dict[str, Answer]:
    """Hear files on the engine's cluster; arguments and value as of `registry.classification.hear_files`.

    Raises:
        NotReadyError: when Apache Beam, or what its runner needs, is not installed.
    """
    from soundatlas.scale.runners import import_beam

    import_beam()
    from soundatlas.scale.classification import hear_files_with_beam
    from soundatlas.scale.places import Place
    from soundatlas.sources.deny_list import read_deny_list

    project = Place(engine.place or str(registry_root(root).resolve()))
    return hear_files_with_beam(
        folder,
        champion,
        listing,
        project,
        timeout_seconds=timeout_seconds,
        keep=keep,
        engine=engine,
        denied=read_deny_list(root).shas,
        advance=advance,
    )
