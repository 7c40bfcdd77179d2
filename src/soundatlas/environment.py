"""What heavy packages read from the environment when they are imported."""

from __future__ import annotations

import os

QUIET = {
    "TF_CPP_MIN_LOG_LEVEL": "3",  # TensorFlow's faults come as exceptions; its C++ log speaks of missing GPUs
    "TF_ENABLE_ONEDNN_OPTS": "0",  # oneDNN sums in an order of its own choice
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


def quieten() -> None:
    """Set what TensorFlow and MLflow read when they are imported, unless the user has set it."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
