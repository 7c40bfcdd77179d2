"""Pictures of an evaluation, drawn without pyplot's global state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from soundatlas.learning.lettering import plain_text
from soundatlas.learning.spectrogram_axes import save_png

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.learning.evaluation import Evaluation


def write_figures(folder: Path, evaluation: Evaluation, history: Path) -> None:
    """Write learning curves, and per head a confusion matrix and a reliability diagram, as PNG into a new folder."""
    folder.mkdir()
    save_png(learning_curves(pd.read_csv(history)), folder / "learning_curves.png")
    for head, rows in evaluation.confusion.groupby("head"):
        save_png(confusion_matrix(rows["actual"], rows["predicted"], str(head)), folder / f"confusion_{head}.png")
    for head, rows in evaluation.calibration.groupby("head"):
        save_png(reliability_diagram(rows, str(head)), folder / f"reliability_{head}.png")


def learning_curves(history: pd.DataFrame) -> Figure:
    """Draw training and validation loss, and the validation accuracy of every class head, over the epochs."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    loss, accuracy = figure.subplots(1, 2)
    loss.plot(history["epoch"], history["loss"], label="train")
    loss.plot(history["epoch"], history["val_loss"], label="validation")
    loss.set(xlabel="epoch", ylabel="loss", title="Loss")
    loss.legend(frameon=False)
    for column in history.columns[history.columns.str.match("val_.*_accuracy")]:
        accuracy.plot(history["epoch"], history[column], label=plain_text(column[len("val_") : -len("_accuracy")]))
    accuracy.set(xlabel="epoch", ylabel="window accuracy", title="Validation accuracy", ylim=(0, 1))
    accuracy.legend(frameon=False)
    return figure


def confusion_matrix(actual: pd.Series[str], predicted: pd.Series[str], head: str) -> Figure:
    """Draw how many test tracks of each class were called what; rows are coloured by share."""
    names = sorted({*actual, *predicted})
    shown = [plain_text(name) for name in names]
    counts = pd.crosstab(actual, predicted).reindex(index=names, columns=names, fill_value=0).to_numpy()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = 2.5 + 0.45 * len(names)
    figure = Figure(figsize=(size + 1, size), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), shown, rotation=45, ha="right")
    axes.set_yticks(range(len(names)), shown)
    axes.set(xlabel="predicted", ylabel="actual", title=plain_text(f"{head}: test tracks"))
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if shares[row, column] > 0.5 else "black"  # noqa: PLR2004 - half-way up the colour map
            axes.text(column, row, str(count), ha="center", va="center", color=colour)
    return figure


def reliability_diagram(rows: pd.DataFrame, head: str) -> Figure:
    """Draw accuracy against confidence; dots grow with the number of test tracks."""
    figure = Figure(figsize=(4.2, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", label="perfectly calibrated")
    axes.scatter(rows["confidence"], rows["accuracy"], s=12 * rows["tracks"], alpha=0.7)
    axes.set(xlabel="confidence", ylabel="accuracy", title=plain_text(f"{head}: reliability"), xlim=(0, 1), ylim=(0, 1))
    axes.legend(frameon=False)
    return figure
