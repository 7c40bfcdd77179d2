"""Text in the wrong encoding: mended where it is sure, flagged where it is not, and otherwise left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundatlas.sources.mojibake import AS_IT_IS, DOUBTFUL, LONGEST, MENDED, mend_text


@pytest.mark.parametrize(
    "text",
    [
        "Bach",
        "Antonín Dvořák",
        "L'Été indien",
        "ÉTÉ",
        "Ágætis byrjun",
        "Motörhead",
        "ÆØÅ",
        "Žižek",
        "“Heroes”",
        "Björk – Jóga",  # noqa: RUF001 - an en dash, as people write it
        "Кино",
        "宇多田ヒカル",
        "Ελλάδα",
        "AC/DC",
    ],
)
def test_right_text_is_left_alone(text) -> None:
    """Names of any language in their own letters are as they are."""
    assert mend_text(text) == (text, AS_IT_IS)


@pytest.mark.parametrize(
    ("text", "written", "read"),
    [
        ("Dvořák", "utf-8", "latin-1"),
        ("Beyoncé", "utf-8", "cp1252"),
        ("宇多田ヒカル", "utf-8", "latin-1"),
        ("Моя музыка", "utf-8", "latin-1"),
        ("Моя музыка", "cp1251", "latin-1"),
        ("Кино: Группа крови", "cp1251", "cp1252"),
        ("Моя музыка", "koi8-r", "latin-1"),
    ],
)
def test_sure_mojibake_is_mended(text, written, read) -> None:
    """UTF-8 and Cyrillic that was read as Latin-1 comes back."""
    assert mend_text(text.encode(written).decode(read)) == (text, MENDED)


@pytest.mark.parametrize(
    ("text", "written"),
    [("КИНО", "cp1251"), ("музыка", "cp1251"), ("Ελλάδα", "cp1253"), ("宇多田ヒカル", "shift-jis"), ("周杰伦", "gbk")],
)
def test_doubtful_text_is_kept_and_flagged(text, written) -> None:
    """What could be more than one thing stays as it was read."""
    read = text.encode(written).decode("latin-1")
    mended, verdict = mend_text(read)
    assert verdict == DOUBTFUL
    assert mended == " ".join(read.split())


@given(st.text())
def test_any_text_becomes_one_line(text) -> None:
    """Whatever a tag holds comes out as one line of a bearable length, and mending again changes nothing."""
    mended, verdict = mend_text(text)
    assert verdict in {AS_IT_IS, MENDED, DOUBTFUL}
    assert len(mended) <= LONGEST
    assert not {"\n", "\r", "\0", "\t"} & set(mended)
