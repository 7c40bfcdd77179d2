"""The section `separate` of `params.yaml`: taking tracks apart into stems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from soundatlas.sections import Positive, Retries, Section, Share

if TYPE_CHECKING:
    from typing import Self


class SeparateParams(Section):
    """Taking tracks apart into stems; with none, nothing is done."""

    stems: list[Literal["harmonic", "percussive", "foreground", "background"]]
    write_audio: bool
    width_seconds: Positive
    margin_background: Positive
    margin_foreground: Positive
    power: Positive
    block_seconds: float = Field(ge=5.0, le=600.0)
    timeout_seconds: Positive
    retries: Retries
    max_failure_rate: Share

    @model_validator(mode="after")
    def _stems_are_distinct(self) -> Self:
        if twice := sorted({stem for stem in self.stems if self.stems.count(stem) > 1}):
            raise ValueError(f"stems names {twice[0]!r} twice")
        return self
