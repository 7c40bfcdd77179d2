"""Open a history, and add predictions to it one by one, as a worker of its own.

python history_writer.py DATABASE NAME COUNT
"""

from __future__ import annotations

import sys
from pathlib import Path

from soundatlas.history.answers import Answer
from soundatlas.history.store import ModelKey, PredictionHistory


def main(database: Path, name: str, count: int) -> None:
    """Add `count` predictions for audio 0, 1, 2 …, writing each number once it is kept."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    with PredictionHistory(database) as history:
        for number in range(count):
            answer = Answer.of_row({"genre": name, "embedding": [0.5] * 128})
            history.keep(ModelKey("m", "c"), {str(number): answer})
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
