"""Pictures of an evaluation."""

from __future__ import annotations

import pandas as pd
import pytest
from matplotlib.image import imread

from soundatlas.learning.evaluation import Evaluation
from soundatlas.learning.figures import confusion_matrix, learning_curves, reliability_diagram, write_figures

CONFUSION = pd.DataFrame(
    [("genre", "reel", "reel")] * 3
    + [("genre", "reel", "air"), ("genre", "air", "hymn")]
    + [("artist", "bach", "bach"), ("artist", "bach", "ryan")],
    columns=["head", "actual", "predicted"],
)
CALIBRATION = pd.DataFrame(
    [("genre", 3.0, 0.5, 0.4), ("genre", 2.0, 0.9, 1.0), ("artist", 2.0, 0.7, 0.5)],
    columns=["head", "tracks", "confidence", "accuracy"],
)
HISTORY = pd.DataFrame(
    {
        "epoch": [1.0, 2.0],
        "loss": [2.0, 1.5],
        "val_loss": [2.1, 1.4],
        "genre_accuracy": [0.4, 0.6],
        "val_genre_accuracy": [0.3, 0.5],
        "val_artist_accuracy": [0.2, 0.7],
    }
)


@pytest.fixture
def history(tmp_path):
    """Give the path of a history of two epochs."""
    HISTORY.to_csv(tmp_path / "history.csv", index=False)
    return tmp_path / "history.csv"


def test_there_is_a_picture_per_head_and_kind(history, tmp_path) -> None:
    """Learning curves, and for every head a confusion matrix and a reliability diagram, none of them blank."""
    write_figures(tmp_path / "figures", Evaluation({}, pd.DataFrame(), CONFUSION, CALIBRATION), history)
    pictures = {path.name: imread(path) for path in (tmp_path / "figures").iterdir()}
    assert set(pictures) == {
        "learning_curves.png",
        "confusion_genre.png",
        "confusion_artist.png",
        "reliability_genre.png",
        "reliability_artist.png",
    }
    assert all(picture.std() > 0.01 for picture in pictures.values())


def test_equal_evaluations_give_equal_bytes(history, tmp_path) -> None:
    """Drawing again changes no byte, so that nothing downstream sees a change."""
    evaluation = Evaluation({}, pd.DataFrame(), CONFUSION, CALIBRATION)
    for name in ("one", "other"):
        write_figures(tmp_path / name, evaluation, history)
    one, other = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "other"))
    assert one == other


def test_evaluation_without_labels_has_its_learning_curves(history, tmp_path) -> None:
    """Where no head could be scored, no head is drawn."""
    write_figures(tmp_path / "figures", Evaluation({}, pd.DataFrame(), CONFUSION[:0], CALIBRATION[:0]), history)
    assert [path.name for path in (tmp_path / "figures").iterdir()] == ["learning_curves.png"]


def test_confusion_matrix_counts_tracks_by_actual_and_predicted() -> None:
    """Rows are actual classes, columns predicted ones, also those that occur on one side only."""
    rows = CONFUSION[CONFUSION["head"] == "genre"]
    [axes] = confusion_matrix(rows["actual"], rows["predicted"], "genre").axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == [label.get_text() for label in axes.get_xticklabels()] == ["air", "hymn", "reel"]
    counts = {(names[int(text.get_position()[1])], names[int(text.get_position()[0])]): text for text in axes.texts}
    assert {cell: text.get_text() for cell, text in counts.items()} == {
        ("air", "hymn"): "1",
        ("reel", "air"): "1",
        ("reel", "reel"): "3",
    }
    assert axes.images[0].get_array().tolist() == [[0, 1, 0], [0, 0, 0], [0.25, 0, 0.75]]


def test_learning_curves_show_losses_and_every_heads_validation_accuracy() -> None:
    """Each curve is a column of the history."""
    loss, accuracy = learning_curves(HISTORY).axes
    assert {line.get_label(): list(line.get_ydata()) for line in loss.lines} == {
        "train": [2.0, 1.5],
        "validation": [2.1, 1.4],
    }
    assert {line.get_label(): list(line.get_ydata()) for line in accuracy.lines} == {
        "genre": [0.3, 0.5],
        "artist": [0.2, 0.7],
    }


def test_reliability_diagram_plots_accuracy_against_confidence() -> None:
    """Each bin is a dot."""
    [axes] = reliability_diagram(CALIBRATION[CALIBRATION["head"] == "genre"], "genre").axes
    assert axes.collections[0].get_offsets().tolist() == [[0.5, 0.4], [0.9, 1.0]]
