"""Where the files of the repository under test lie."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
