"""Drawing the map as numbers: from what the model hears to a chart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from soundatlas.atlas.arrangement import arrange
from soundatlas.atlas.axes import measure_axes
from soundatlas.atlas.chart import POINT_COLUMNS, Chart, EarlierMap, Neighbours
from soundatlas.atlas.layout import place
from soundatlas.atlas.neighbours import nearest
from soundatlas.atlas.places import find_places
from soundatlas.atlas.quality import NEIGHBOURS, faithfulness, label_agreement
from soundatlas.atlas.reasons import give_reasons, traits_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from soundatlas.atlas.arrangement import Arrangement
    from soundatlas.atlas.chart import Axis, MapModel
    from soundatlas.atlas.points import Points
    from soundatlas.atlas.remembered import LayoutMemory

HELD_OUT = "test"


@dataclass(frozen=True, eq=False)
class Survey:
    """What a map is drawn from.

    Attributes:
        points: that the model heard, the catalogue's first.
        descriptors: a row per point of the catalogue.
        works: of each point of the catalogue: its group of the split.
        heard: of each of them: whether the model was trained on it or on another one of its group.
        provenance: rows of `tables.LABELS`.
        heads: of the model, the primary one first.
        attributes: of the model.
        model: whose embeddings they are.
    """

    points: Points
    descriptors: pd.DataFrame
    works: NDArray[np.object_]
    heard: NDArray[np.bool_]
    provenance: pd.DataFrame
    heads: Sequence[str]
    attributes: Sequence[str]
    model: MapModel


def draw_chart(
    survey: Survey,
    memory: LayoutMemory,
    name_model: Callable[[str], MapModel],
    *,
    neighbours: int,
    seed: int,
    refit_share: float,
) -> Chart:
    """Draw the map.

    Args:
        survey: what it is drawn from; at least one point of the catalogue.
        memory: of layouts.
        name_model: content hash -> what is known of an earlier model.
        neighbours: of each point and place.
        seed: of the layout.
        refit_share: share of tracks that were added after the layout's fitting, above which it is fitted anew.
    """
    points, count = survey.points, survey.points.catalogue_count
    shas = points.table["audio_sha256"].to_numpy()
    # Two tracks may have one audio.
    known, first, back = np.unique(shas[:count], return_index=True, return_inverse=True)
    arrangement = arrange(
        memory,
        survey.model.content_sha256,
        shas[first].tolist(),
        points.embeddings[first],
        survey.descriptors.iloc[first],
        seed=seed,
        refit_share=refit_share,
    )
    positions = _placed(points, known, first, arrangement.positions)
    table = points.table.assign(x=positions[:, 0], y=positions[:, 1])[[*POINT_COLUMNS, *points.attributes]]
    traits = traits_of(points.probabilities, points.predictions, survey.attributes)
    indices, similarities = nearest(points.embeddings, min(neighbours, len(table) - 1), identities=shas)
    axes = measure_axes(positions[:count], survey.descriptors, survey.works)
    return Chart(
        points=table,
        attributes=points.attributes,
        labels=points.table[[*points.labels]],
        primary_head=survey.heads[0],
        provenance=survey.provenance,
        predictions=points.predictions,
        neighbours=Neighbours(indices, similarities, give_reasons(traits, indices)),
        places=find_places(table, points.embeddings, traits, neighbours),
        axes=axes,
        quality=_quality(survey, positions[:count], arrangement, back, axes),
        model=survey.model,
        previous=_earlier(arrangement, back, len(shas), name_model),
    )


def _placed(
    points: Points, known: NDArray[np.object_], first: NDArray[np.int64], layout: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return where every point lies: one with audio of the catalogue as that does, others among their like.

    Args:
        points: of the map.
        known: the catalogue's audio, SHA-256 in order, each once.
        first: a point that has it.
        layout: where it lies.
    """
    shas = points.table["audio_sha256"].to_numpy()
    is_known = np.isin(shas, known)
    positions = np.empty((len(shas), 2), np.float32)
    positions[is_known] = layout[np.searchsorted(known, shas[is_known])]
    if not is_known.all():
        positions[~is_known] = place(points.embeddings[~is_known], points.embeddings[first], layout)
    return positions


def _quality(
    survey: Survey,
    positions: NDArray[np.float32],
    arrangement: Arrangement,
    back: NDArray[np.int64],
    axes: Sequence[Axis],
) -> dict[str, Any]:
    """Return how good the map is, as JSON-like values without NaN."""
    count = len(positions)
    table, embeddings = survey.points.table.iloc[:count], survey.points.embeddings[:count]
    held_out = table["side"].eq(HELD_OUT).to_numpy() & ~survey.heard[:count]
    agreement = {
        head: figures
        for head in survey.heads
        if head in table and (figures := label_agreement(embeddings, positions, table[head], survey.works, held_out))
    }
    faithful = {name: value for name, value in faithfulness(embeddings, positions).items() if math.isfinite(value)}
    return {
        **faithful,
        "label_agreement": agreement,
        "axes": {axis.direction: {"r2": axis.r2, "r2_low": axis.r2_low, "r2_high": axis.r2_high} for axis in axes},
        "about": {
            "tracks": count,
            "placed_after_fitting": int((~arrangement.fitted[back]).sum()),
            "inbox": len(survey.points.table) - count,
            "nearest": NEIGHBOURS,
            "label_agreement": "of test tracks on which the model was not trained, with their nearest in the whole "
            "catalogue, other works only",
            "trustworthiness": "of all tracks of the catalogue",
        },
    }


def _earlier(
    arrangement: Arrangement, back: NDArray[np.int64], total: int, name_model: Callable[[str], MapModel]
) -> EarlierMap | None:
    if arrangement.earlier_model is None:
        return None
    positions = np.full((total, 2), np.nan, np.float32)
    positions[: len(back)] = arrangement.earlier[back]
    return EarlierMap(name_model(arrangement.earlier_model), positions[:, 0], positions[:, 1])
