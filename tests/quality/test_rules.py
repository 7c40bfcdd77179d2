"""Every rule of every committed suite catches a table that breaks it, and nothing else in its suite is upset."""

from __future__ import annotations

import json
from dataclasses import replace

import pandas as pd
import pytest
from project_files import PROJECT

from soundatlas.quality.facts import collect_facts
from soundatlas.quality.judge import judge
from soundatlas.quality.suites import read_suites, suite_parameters
from soundatlas.tables import DUPLICATES, FAILURES, LABELS, SPLIT, TRACKS, conform, empty

FIRST, SECOND = "demo:bach-00", "demo:bach-01"  # one group, side train
BOTH = [FIRST, SECOND]
OF_BACH = ["genre: chorale", "artist: bach", "decade: 1720s"]
VALIDATION = [row for row in range(80) if row % 20 in range(12, 16)]
HASH = f"{999_999:064x}"


def _set(table, rows, **cells):
    """Return a breaker that sets cells of some rows of a table."""

    def breaker(tables, change):
        return change(tables, table, rows, **cells)

    return breaker


def _drop(table, rows):
    """Return a breaker that drops rows of a table."""
    return lambda tables, _change: replace(tables, **{table: getattr(tables, table).drop(index=rows)})


def _empty_catalogue(tables, _change):
    return replace(tables, tracks=empty(TRACKS))


def _drop_column(tables, _change):
    return replace(tables, tracks=tables.tracks.drop(columns="genre"))


def _text_tempo(tables, _change):
    return replace(tables, tracks=tables.tracks.assign(tempo_bpm="fast"))


def _no_tempo(tables, _change):
    return replace(tables, tracks=tables.tracks.assign(tempo_bpm=float("nan")))


def _same_audio(tables, change):
    return change(tables, "tracks", 1, audio_sha256=tables.tracks["audio_sha256"][0])


def _audio_on_two_sides(tables, change):
    twin = tables.tracks["audio_sha256"][0]  # of train; row 12 is on side validation
    return change(change(tables, "tracks", 12, audio_sha256=twin), "split", 12, audio_sha256=twin)


def _twin_on_another_side(tables, _change):
    pair = {"track_id": SECOND, "other_track_id": "demo:bach-12", "bit_error_rate": 0.01, "offset_seconds": 2.0}
    same_side = {**pair, "track_id": FIRST, "other_track_id": SECOND}
    gone = {**pair, "other_track_id": "demo:nobody"}
    return replace(tables, duplicates=conform(pd.DataFrame([pair, same_side, gone]), DUPLICATES))


def _stray_label(tables, _change):
    stray = {"track_id": "demo:nobody", "label": "genre", "value": "x", "provenance": "score", "ml_use": "allowed"}
    return replace(tables, labels=conform(pd.concat([tables.labels, pd.DataFrame([stray])]), LABELS))


def _stray_split(tables, _change):
    stray = {"track_id": "demo:nobody", "audio_sha256": HASH, "group": "nobody", "side": "train"}
    return replace(tables, split=conform(pd.concat([tables.split, pd.DataFrame([stray])]), SPLIT))


def _split_twice(tables, _change):
    return replace(tables, split=pd.concat([tables.split, tables.split.head(1)], ignore_index=True))


def _failed_track(tables, _change):
    failure = {
        "path": tables.tracks["path"][0],
        "stage": "spectrograms",
        "reason": "truncated",
        "message": "ends early",
    }
    failures = conform(pd.DataFrame([failure]), FAILURES)
    return replace(tables, manifest=tables.manifest.drop(index=0), spectrogram_failures=failures)


def _side_of_one_artist(tables, change):
    return change(
        tables, "split", [*range(16, 20), *range(36, 40)], side="validation"
    )  # all that bach has on side test


_few_to_learn = _drop("manifest", [*range(12), *range(20, 28)])  # 4 of 24 tracks of bach are left to learn from


_second_spelling = _set("tracks", [*range(20, 40)], artist="Bach.")  # every other group, on all sides


def _side_of_rare_artist(tables, change):
    """Take the spectrograms of the groups that make bach common, then empty its test side."""
    return _few_to_learn(_side_of_one_artist(tables, change), change)


# rule -> (suite, severity, what breaks it, names of the offenders; None where a rule is about the whole table)
CASES = {
    "catalogue-not-empty": ("catalog", "error", _empty_catalogue, None),
    "track-id-present": ("catalog", "error", _set("tracks", 0, track_id=None), ["data/catalog/audio/bach-00.wav"]),
    "track-id-unique": ("catalog", "error", _set("tracks", 1, track_id=FIRST), [FIRST, FIRST]),
    "path-present": ("catalog", "error", _set("tracks", 0, path=None), [FIRST]),
    "path-climbs-nowhere": ("catalog", "error", _set("tracks", [0, 1], path=["../a.wav", "/data/../a.wav"]), BOTH),
    "audio-hash-present": ("catalog", "error", _set("tracks", 0, audio_sha256=None), [FIRST]),
    "audio-hash-wellformed": ("catalog", "error", _set("tracks", [0, 1], audio_sha256=["A" * 64, "a" * 63]), BOTH),
    "audio-unique": ("catalog", "warning", _same_audio, BOTH),
    "ml-use-known": ("catalog", "error", _set("tracks", 0, ml_use="perhaps"), [FIRST]),
    "ml-use-present": ("catalog", "error", _set("tracks", 0, ml_use=None), [FIRST]),
    "ml-use-permitted": ("catalog", "error", _set("tracks", 0, ml_use="restricted"), [FIRST]),
    "licence-present": ("catalog", "error", _set("tracks", 0, licence=None), [FIRST]),
    "no-blank-text": ("catalog", "error", _set("tracks", 0, album="  "), [FIRST]),
    "year-plausible": ("catalog", "error", _set("tracks", 0, year=3000.0, decade="3000s"), [FIRST]),
    "decade-of-year": ("catalog", "error", _set("tracks", 0, decade="1950s"), [FIRST]),
    "duration-sufficient": ("catalog", "error", _set("tracks", 0, duration_seconds=0.5), [FIRST]),
    "tempo-plausible": ("catalog", "error", _set("tracks", [0, 1], tempo_bpm=[19.0, 401.0]), BOTH),
    "acousticness-is-a-share": ("catalog", "error", _set("tracks", [0, 1], acousticness=[-0.1, 1.1]), BOTH),
    "notes-per-second-plausible": ("catalog", "error", _set("tracks", 0, notes_per_second=float("inf")), [FIRST]),
    "polyphony-plausible": ("catalog", "error", _set("tracks", 0, polyphony=-1.0), [FIRST]),
    "mean-pitch-is-midi": ("catalog", "error", _set("tracks", 0, mean_pitch=128.0), [FIRST]),
    "label-of-a-track": ("labels", "error", _stray_label, ["genre of demo:nobody"]),
    "label-recorded": ("labels", "error", _drop("labels", [0]), [f"genre of {FIRST}"]),
    "provenance-present": ("labels", "error", _set("labels", 0, provenance=None), [f"genre of {FIRST}"]),
    "label-ml-use-known": ("labels", "error", _set("labels", 0, ml_use="perhaps"), [f"genre of {FIRST}"]),
    "label-ml-use-permitted": ("labels", "error", _set("labels", 0, ml_use="restricted"), [f"genre of {FIRST}"]),
    "trained-label-is-a-column": ("trained_labels", "error", _drop_column, ["genre"]),
    "trained-label-coverage": ("trained_labels", "error", _set("tracks", range(41), tempo_bpm=None), ["tempo_bpm"]),
    "trained-class-has-a-choice": ("trained_labels", "error", _set("tracks", range(80), artist="bach"), ["artist"]),
    "trained-attribute-is-a-number": ("trained_labels", "error", _text_tempo, ["tempo_bpm"]),
    "trained-attribute-has-values": ("trained_labels", "warning", _no_tempo, ["tempo_bpm"]),
    "spectrogram-or-failure": ("spectrograms", "error", _drop("manifest", [0]), [FIRST]),
    "spectrogram-computed": ("spectrograms", "warning", _failed_track, [FIRST]),
    "all-finite": ("spectrograms", "error", _set("manifest", 0, finite=False, min_db=None, max_db=None), [FIRST]),
    "level-below-ceiling": ("spectrograms", "error", _set("manifest", 0, max_db=110.0), [FIRST]),
    "level-above-floor": ("spectrograms", "error", _set("manifest", 0, min_db=-120.0), [FIRST]),
    "not-silent": ("spectrograms", "error", _set("manifest", 0, max_db=-90.0), [FIRST]),
    "decoded-duration-sufficient": ("spectrograms", "error", _set("manifest", 0, duration_seconds=0.5), [FIRST]),
    "duration-agrees": ("spectrograms", "warning", _set("manifest", 0, duration_seconds=14.0), [FIRST]),
    "split-of-catalogue-tracks": ("split", "error", _stray_split, ["demo:nobody"]),
    "assigned-once": ("split", "error", _split_twice, [FIRST, FIRST]),
    "side-known": ("split", "error", _set("split", [0, 1], side=None), BOTH),
    "no-side-empty": ("split", "error", _set("split", VALIDATION, side="test"), None),
    "same-audio-as-catalogue": ("split", "error", _set("split", 0, audio_sha256=HASH), [FIRST]),
    "group-on-one-side": ("split", "error", _set("split", 0, side="test"), BOTH),
    "audio-on-one-side": ("split", "error", _audio_on_two_sides, [FIRST, "demo:bach-12"]),
    "isrc-on-one-side": ("split", "error", _set("tracks", 12, isrc="de-a00-00"), [FIRST, "demo:bach-12"]),
    "near-duplicates-on-one-side": ("split", "error", _twin_on_another_side, [SECOND, "demo:bach-12"]),
    "common-class-everywhere": ("classes", "error", _side_of_one_artist, OF_BACH),
    "rare-class-everywhere": ("classes", "warning", _side_of_rare_artist, OF_BACH),
    "enough-to-learn-from": ("classes", "warning", _few_to_learn, OF_BACH),
    "one-spelling-per-class": ("classes", "warning", _second_spelling, ["artist: Bach.", "artist: bach"]),
}  # fmt: skip
ALSO = {  # rules of the same suite that cannot but be broken by the same table
    "decoded-duration-sufficient": {"duration-agrees"},
    "rare-class-everywhere": {"enough-to-learn-from"},
}


@pytest.fixture
def evaluate(params):
    """Return a function that evaluates one suite: `evaluate(tables, "split")` -> findings by rule."""

    def run(tables, name, changed_params=None):
        used = changed_params or params
        parameters = suite_parameters(used)
        suites = [suite for suite in read_suites(PROJECT / "gx", parameters) if suite.name == name]
        findings = judge(collect_facts(tables, used), suites, parameters, PROJECT / "gx", None)
        return {finding.rule.rule: finding for finding in findings}

    return run


@pytest.mark.parametrize("rule", CASES)
def test_rule_catches_what_breaks_it(rule, clean, change, evaluate):
    """A table that breaks a rule is caught by that rule alone, with its severity and the offenders by name."""
    suite, severity, breaker, offenders = CASES[rule]
    findings = evaluate(breaker(clean, change), suite)
    unmet = {name for name, finding in findings.items() if not finding.success}
    assert unmet == {rule} | ALSO.get(rule, set())
    assert findings[rule].severity == severity
    assert not findings[rule].broken
    if offenders is not None:
        assert sorted(findings[rule].offenders["name"]) == sorted(offenders)


def test_every_committed_rule_has_a_case():
    """A rule that is added to a suite without a table that breaks it fails here."""
    committed = {
        expectation["meta"]["rule"]
        for path in (PROJECT / "gx/expectations").glob("*.json")
        for expectation in json.loads(path.read_text(encoding="utf-8"))["expectations"]
    }
    assert committed == set(CASES)


def test_forgotten_track_is_not_assigned_once(clean, evaluate):
    """A catalogue track that the split does not mention is an error of the split that names the track."""
    findings = evaluate(replace(clean, split=clean.split.drop(index=0)), "split")
    assert [name for name, finding in findings.items() if not finding.success] == ["assigned-once"]
    assert list(findings["assigned-once"].offenders["name"]) == [FIRST]


def test_permission_lifts_the_refusal_of_restricted_tracks(clean, change, evaluate, params):
    """With the user's permission, restricted tracks and labels are trained on."""
    train = params.train.model_copy(update={"i_have_permission_to_train_on_restricted_content": True})
    permitted = params.model_copy(update={"train": train})
    restricted = change(clean, "tracks", 0, ml_use="restricted")
    assert all(finding.success for finding in evaluate(restricted, "catalog", permitted).values())


def test_restriction_of_an_untrained_label_is_no_error(clean, change, evaluate):
    """A restricted label that nothing is trained on stops nobody."""
    tables = change(clean, "labels", 0, label="mode", ml_use="restricted")
    assert evaluate(tables, "labels")["label-ml-use-permitted"].success


def test_missing_values_are_not_implausible(clean, change, evaluate):
    """A missing year or tempo is missing, not out of range."""
    tables = change(clean, "tracks", [0, 1], year=None, decade=None, tempo_bpm=None)
    assert all(finding.success for finding in evaluate(tables, "catalog").values())


def test_offending_group_is_listed_with_its_sides(clean, change, evaluate):
    """A leak names the group and the sides that it is on."""
    finding = evaluate(change(clean, "split", 0, side="test"), "split")["group-on-one-side"]
    assert list(finding.offenders["detail"]) == ["group bach 0; sides of group test, train"] * 2
