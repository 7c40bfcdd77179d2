"""The tables of facts: joins and counts that the suites are about."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from soundatlas.quality.facts import FACTS, WHO, class_limits, collect_facts
from soundatlas.tables import FAILURES, LABELS, MANIFEST, SPLIT, TRACKS, conform, empty


@pytest.mark.parametrize("suite", FACTS)
def test_facts_say_whom_they_are_about_even_without_rows(suite, clean, params):
    """Empty tables give empty facts with the same columns, not a crash."""
    nothing = replace(
        clean,
        tracks=empty(TRACKS),
        labels=empty(LABELS),
        catalog_failures=empty(FAILURES),
        manifest=empty(MANIFEST),
        spectrogram_failures=empty(FAILURES),
        split=empty(SPLIT),
    )
    full, bare = collect_facts(clean, params)[suite], collect_facts(nothing, params)[suite]
    assert set(WHO) <= set(bare.columns)
    assert set(bare.columns) == set(full.columns)


def test_track_longer_than_the_cap_agrees_with_its_catalogue(clean, change, params):
    """Of a track longer than spectrograms.max_seconds only the first part is decoded: that is no disagreement."""
    cap = params.spectrograms.max_seconds
    long = change(change(clean, "tracks", 0, duration_seconds=cap + 100), "manifest", 0, duration_seconds=cap)
    assert collect_facts(long, params)["spectrograms"]["duration_gap_seconds"][0] == pytest.approx(0.0)


def test_class_of_few_groups_is_rare_however_many_tracks_it_has(clean, params):
    """A side that a class of few groups misses may be bad luck, since groups are not split: no error."""
    split = clean.split.assign(group=[f"group {row // 4}" for row in range(80)])
    split.loc[split["side"].eq("test") & (split.index < 40), "side"] = "validation"
    classes = collect_facts(replace(clean, split=split), params)["classes"].set_index("name")
    assert classes.loc["artist: bach", ["tracks", "groups"]].tolist() == [40, 10]
    assert classes.loc["artist: bach", "rare_and_absent_from"] == "test"
    assert pd.isna(classes.loc["artist: bach", "common_but_absent_from"])


def test_common_class_has_so_many_groups_that_chance_leaves_no_side_empty(params):
    """At shares of 0.2, an empty side among 31 groups is an event of one in a thousand."""
    split = params.split.model_copy(update={"validation": 0.2, "test": 0.25})
    assert class_limits(params.model_copy(update={"split": split})) == {"common_tracks": 15, "common_groups": 31}


def test_track_whose_spectrogram_failed_is_not_counted_for_its_class(clean, params):
    """Classes are counted over the tracks that can be learnt from."""
    classes = collect_facts(replace(clean, manifest=clean.manifest.drop(index=[0, 1])), params)["classes"]
    assert classes.set_index("name").loc["artist: bach", ["train", "tracks"]].tolist() == [22, 38]


def test_track_twice_in_the_split_counts_twice(clean, params):
    """A track on two rows of the split has two assignments, on both rows."""
    twice = replace(clean, split=pd.concat([clean.split, clean.split.head(1)], ignore_index=True))
    split = collect_facts(twice, params)["split"]
    assert split.loc[split["track_id"] == "demo:bach-00", "assignments"].tolist() == [2, 2]


def test_files_of_one_content_share_a_spectrogram(clean, change, params):
    """Two tracks with the same bytes are both computed by the manifest's one row."""
    twin = change(clean, "tracks", 1, audio_sha256=clean.tracks["audio_sha256"][0])
    spectrograms = collect_facts(twin, params)["spectrograms"]
    assert len(spectrograms) == len(clean.tracks)
    assert (spectrograms["spectrogram"] == "computed").all()


def test_twin_of_a_failed_file_is_failed_not_missing(clean, change, params):
    """The store computes a content once: its failure, told for one path, is that of every file of that content."""
    twin = change(clean, "tracks", 1, audio_sha256=clean.tracks["audio_sha256"][0])
    failure = {"path": twin.tracks["path"][1], "stage": "spectrograms", "reason": "timeout", "message": "too slow"}
    failures = conform(pd.DataFrame([failure]), FAILURES)
    tables = replace(twin, manifest=twin.manifest.drop(index=0), spectrogram_failures=failures)
    spectrograms = collect_facts(tables, params)["spectrograms"]
    assert spectrograms.loc[[0, 1], "spectrogram"].tolist() == ["failed", "failed"]
    assert spectrograms.loc[0, "failure"] == "timeout"
