"""Section `repeats` of `params.yaml`."""

from __future__ import annotations

from pydantic import Field, field_validator

from soundatlas.sections import Section


class RepeatsParams(Section):
    """How often the training is repeated to see what luck and what the split does."""

    seeds: int = Field(ge=1, le=20)
    random_split: bool
    folds: int = Field(ge=0, le=20)

    @field_validator("folds")
    @classmethod
    def _none_or_several(cls, folds: int) -> int:
        if folds == 1:
            raise ValueError("one fold tests on all that it learns from: give 0 or at least 2")
        return folds
