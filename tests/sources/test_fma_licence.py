"""FMA's licence texts, as they are spelled in its metadata."""

from __future__ import annotations

import pytest

from soundatlas.sources.fma_licence import ml_use_of


@pytest.mark.parametrize(
    "text",
    [
        "Attribution",
        "Attribution 3.0 United States",
        "Attribution-NonCommercial-ShareAlike 3.0 International",
        "Attribution-Noncommercial-Share Alike 3.0 United States",
        "Attribution-NonCommercial 3.0 International",
        "Creative Commons Attribution",
        "CC BY-NC-SA 4.0",
        "CC0 1.0 Universal",
        "Creative Commons CC0",
        "Public Domain Mark 1.0",
    ],
)
def test_open_licences_are_allowed(text):
    """Attribution with NonCommercial and ShareAlike, CC0 and public domain allow learning."""
    assert ml_use_of(text) == "allowed"


@pytest.mark.parametrize(
    "text",
    [
        "Attribution-NonCommercial-NoDerivatives (aka Music Sharing) 3.0 International",
        "Attribution-Noncommercial-No Derivative Works 3.0 United States",
        "Attribution-NoDerivs 2.5 Canada",
        "Creative Commons Attribution-NonCommercial-NoDerivatives 4.0",
        "CC BY-NC-ND 4.0",
        "Music Sharing",
        "Noncommercial Sampling Plus",
        "Orphan Work",
        "no attribution to be found",
        "",
    ],
)
def test_everything_else_is_unknown(text):
    """NoDerivatives in every spelling, other licences and no text at all leave it open."""
    assert ml_use_of(text) == "unknown"


@pytest.mark.parametrize("text", ["FMA-Limited: Download Only", "All Rights Reserved", "Attribution; download  only"])
def test_what_forbids_is_restricted(text):
    """A text that permits listening alone is restricted, whatever else it says."""
    assert ml_use_of(text) == "restricted"
