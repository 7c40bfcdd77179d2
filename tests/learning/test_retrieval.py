"""How well an embedding brings like to like."""

from __future__ import annotations

import numpy as np
import pytest

from soundatlas.learning.labels import MISSING
from soundatlas.learning.retrieval import average_precisions, normalised

GALLERY = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.1, 0.9]])
OFFERED = np.array([0, 0, 1, 1])


def test_perfect_order_gives_one() -> None:
    """A query whose class comes first has average precision 1."""
    assert average_precisions(np.array([[2.0, 0.0], [0.0, 3.0]]), np.array([0, 1]), GALLERY, OFFERED) == pytest.approx(
        [1.0, 1.0]
    )


def test_average_precision_is_the_textbooks() -> None:
    """Relevant tracks at ranks 3 and 4 of 4 give (1/3 + 2/4) / 2."""
    found = average_precisions(np.array([[1.0, 0.0]]), np.array([1]), GALLERY, OFFERED)
    assert found == pytest.approx([(1 / 3 + 2 / 4) / 2])


def test_only_the_nearest_count() -> None:
    """At 2 the relevant tracks at ranks 3 and 4 are not seen."""
    assert average_precisions(np.array([[1.0, 0.0]]), np.array([1]), GALLERY, OFFERED, nearest=2) == pytest.approx([0])


def test_queries_without_class_have_no_precision() -> None:
    """A query without label, or of a class that the gallery lacks, is NaN, not 0."""
    found = average_precisions(np.ones((2, 2)), np.array([MISSING, 7]), GALLERY, OFFERED)
    assert np.isnan(found).all()


def test_random_embeddings_find_about_the_class_share() -> None:
    """Random vectors bring as many tracks of the class as there are."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 4, 2000)
    found = average_precisions(generator.normal(size=(400, 8)), labels[:400], generator.normal(size=(2000, 8)), labels)
    assert np.mean(found) == pytest.approx(0.15, abs=0.04)  # below .25: AP@10 divides by 10, not by the hits


def test_length_does_not_matter_and_zeros_stay() -> None:
    """Vectors are scaled to length 1; a row of zeros stays finite."""
    rows = normalised(np.array([[3.0, 4.0], [0.0, 0.0]], dtype=np.float32))
    assert rows == pytest.approx(np.array([[0.6, 0.8], [0.0, 0.0]]))
