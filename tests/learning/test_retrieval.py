"""How well an embedding brings like to like."""

from __future__ import annotations

import numpy as np
import pytest

from soundatlas.learning.labels import MISSING
from soundatlas.learning.retrieval import average_precisions, mean_average_precision, normalised

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


def _around(*degrees: float) -> np.ndarray:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def test_like_tracks_side_by_side_are_perfect() -> None:
    """Where each track's nearest are those of its class the mAP is 1."""
    labels = np.array([0, 0, 0, 1, 1, 1])
    assert mean_average_precision(_around(0, 2, 4, 90, 92, 94), labels, np.arange(6)) == pytest.approx(1.0)


def test_rank_of_the_right_ones_counts() -> None:
    """One right answer at the second of two places is worth a half."""
    labels = np.array([0, 1, 0])
    value = mean_average_precision(_around(0, 10, 30), labels, np.arange(3))
    assert value == pytest.approx(np.mean([1 / 2, 1 / 2]))


def test_only_the_first_answers_count() -> None:
    """A right track beyond the asked-for neighbours is not found."""
    labels = np.array([0, 1, 0])
    assert mean_average_precision(_around(0, 10, 30), labels, np.arange(3), neighbours=1) == 0.0


def test_tracks_of_one_work_do_not_answer_each_other() -> None:
    """A track's own work is not asked, however near it lies."""
    labels, works = np.array([0, 0, 1, 0]), np.array(["a", "a", "b", "c"])
    value = mean_average_precision(_around(0, 1, 20, 50), labels, works)
    assert value == pytest.approx(np.mean([1 / 2, 1 / 2, (1 / 2 + 2 / 3) / 2]))


def test_length_of_a_vector_does_not_matter() -> None:
    """Likeness is the cosine, also of a vector of zeros."""
    vectors, labels = _around(0, 2, 90, 92), np.array([0, 0, 1, 1])
    scaled = vectors * np.array([[1], [100], [0.01], [7]])
    assert mean_average_precision(scaled, labels, np.arange(4)) == pytest.approx(1.0)
    assert np.isfinite(mean_average_precision(vectors * 0, labels, np.arange(4)))


def test_without_pairs_there_is_no_value() -> None:
    """Where no class has two tracks nothing can be found."""
    assert np.isnan(mean_average_precision(_around(0, 10), np.array([0, 1]), np.arange(2)))
