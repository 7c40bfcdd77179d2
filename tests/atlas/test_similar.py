"""The neighbours of a map as a table."""

from __future__ import annotations

from dataclasses import replace

import synthetic_chart

from soundatlas.atlas.similar import KINDS, SIMILAR, similar_table


def test_every_point_and_place_has_its_neighbours():
    """Rows are the points and then the places; neighbours are rows of the same table, as the chart has them."""
    chart = synthetic_chart.make_chart(40, inbox=5, neighbours=4)
    table = similar_table(chart)
    assert [*table] == [*SIMILAR]
    assert len(table) == 45 + len(chart.places)
    assert set(table["kind"]) == set(KINDS)
    assert table["id"].tolist()[:45] == chart.points["point_id"].tolist()
    assert table.loc[3, "neighbours"] == chart.neighbours.indices[3].tolist()
    place = chart.places[-1]
    row = table.iloc[-1]
    assert (row["kind"], row["name"], row["genre"]) == ("genre", place.name, place.name)
    assert table.loc[row["neighbours"], "name"].tolist() == [chart.places[i].name for i in place.indices]
    assert row["similarities"] == place.similarities.tolist()


def test_a_track_without_names_is_called_by_its_file_not_by_its_folder():
    """The table is sent on with the map: it does not say where its maker's music lies."""
    chart = synthetic_chart.make_chart(40)
    points = chart.points.copy()
    points.loc[0, ["artist", "title", "path"]] = [None, None, "/home/anna/music/air.mp3"]
    assert similar_table(replace(chart, points=points)).loc[0, "name"] == "air.mp3"


def test_places_that_a_point_lacks_are_left_out():
    """Minus one is no row of the table."""
    chart = synthetic_chart.make_chart(40, neighbours=4)
    indices = chart.neighbours.indices.copy()
    indices[0, 2:] = -1
    row = similar_table(replace(chart, neighbours=replace(chart.neighbours, indices=indices))).iloc[0]
    assert row["neighbours"] == indices[0, :2].tolist()
    assert len(row["similarities"]) == len(row["reasons"]) == 2
