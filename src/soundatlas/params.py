"""`params.yaml` as frozen, strict models: one class per section, one section per stage or scheduled flow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from soundatlas.errors import ParamsError
from soundatlas.param_faults import first_fault, yaml_fault
from soundatlas.repeats_params import RepeatsParams
from soundatlas.sections import Name, OpenShare, Positive, Retries, Section, Share
from soundatlas.separate_params import SeparateParams
from soundatlas.source_params import CatalogParams

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self


BAND_GROUPS = 16  # of mel bands, whose rhythm the statistics of a track describe


class IngestParams(Section):
    """Listing what lies where."""

    max_file_megabytes: int = Field(gt=0)
    min_seconds: Positive
    timeout_seconds: Positive
    silence_db: float = Field(ge=-120.0, le=0.0)
    max_clipped_share: Share


class SpectrogramsParams(Section):
    """The front end: decoding and log-mel. Lengths in samples, rates and frequencies in Hz, times in seconds."""

    sample_rate: int = Field(ge=4000, le=192000)
    n_fft: int = Field(ge=64, le=65536)
    hop_length: int = Field(gt=0)
    n_mels: int = Field(gt=0)
    fmin: float = Field(ge=0.0)
    fmax: Positive
    min_seconds: Positive
    max_seconds: Positive
    timeout_seconds: Positive
    retries: Retries
    max_failure_rate: Share

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        bins = self.n_fft // 2 + 1
        if self.n_mels > bins:
            raise ValueError(f"n_mels is {self.n_mels}, more than the {bins} bins of n_fft {self.n_fft}")
        if self.hop_length > self.n_fft:
            raise ValueError(
                f"hop_length is {self.hop_length}, longer than n_fft {self.n_fft}: samples would be skipped"
            )
        if self.fmax > self.sample_rate / 2:
            raise ValueError(f"fmax is {self.fmax:g} Hz, above half of sample_rate {self.sample_rate}")
        if self.fmin >= self.fmax:
            raise ValueError(f"fmin is {self.fmin:g} Hz, not below fmax {self.fmax:g}")
        if self.min_seconds > self.max_seconds:
            raise ValueError(f"min_seconds is {self.min_seconds:g}, above max_seconds {self.max_seconds:g}")
        if self.min_seconds * self.sample_rate < self.n_fft:
            raise ValueError(f"min_seconds is {self.min_seconds:g}: shorter than one n_fft of {self.n_fft} samples")
        return self


class BackboneParams(Section):
    """Computing the features of `train.backbone`."""

    timeout_seconds: Positive
    retries: Retries
    max_failure_rate: Share


class SplitParams(Section):
    """Who learns and who judges. Shares are of groups, not of tracks."""

    group: Literal["work", "album"]
    sides: Literal["hash", "official"]
    salt: str = Field(min_length=1)
    validation: OpenShare
    test: OpenShare
    near_duplicates: bool
    max_bit_error_rate: Annotated[float, Field(gt=0.0, le=0.3)]

    @model_validator(mode="after")
    def _leaves_some_to_train(self) -> Self:
        if self.validation + self.test >= 1:
            raise ValueError(f"validation + test is {self.validation + self.test:g}: nothing is left to train on")
        return self


class ValidateParams(Section):
    """What the data must satisfy before anything is trained on it."""

    min_label_coverage: Share
    min_tracks_per_class: int = Field(ge=1)
    min_seconds: Positive
    silence_db: float = Field(ge=-100.0, le=0.0)
    min_year: int
    max_year: int

    @model_validator(mode="after")
    def _years_are_in_order(self) -> Self:
        if self.min_year > self.max_year:
            raise ValueError(f"min_year is {self.min_year}, above max_year {self.max_year}")
        return self


class AugmentationParams(Section):
    """How training windows are changed; 0 is off."""

    gain_db: float = Field(ge=0.0, le=40.0)
    mask_bands: int = Field(ge=0)
    mask_frames: int = Field(ge=0)
    mixup: float = Field(ge=0.0, le=10.0)


class OpenSetParams(Section):
    """Telling a class that the model never heard."""

    head: Name | None
    accepted: OpenShare


class TrainParams(Section):
    """The network and how it is fitted."""

    classes: list[Name] = Field(min_length=1)
    attributes: list[Name]
    backbone: Literal["none", "musicnn_msd", "musicnn_mtt", "musicnn", "fusion"]
    statistics: bool
    stems: bool
    i_have_permission_to_train_on_restricted_content: bool
    window_seconds: Positive
    window_overlap: Annotated[float, Field(ge=0.0, lt=1.0)]
    channels: list[Annotated[int, Field(gt=0)]] = Field(min_length=1)
    embedding: int = Field(gt=0)
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)]
    epochs: int = Field(gt=0)
    windows_per_epoch: int = Field(gt=0)
    batch_size: int = Field(gt=0)
    learning_rate: Positive
    weight_decay: float = Field(ge=0.0)
    weight_averaging: Annotated[float, Field(ge=0.0, lt=1.0)]
    label_smoothing: Annotated[float, Field(ge=0.0, lt=1.0)]
    attribute_weight: float = Field(ge=0.0)
    mixed_precision: bool
    augmentation: AugmentationParams
    open_set: OpenSetParams
    patience: int = Field(gt=0)
    seed: int = Field(ge=0, lt=2**31)

    def hop_frames(self, window_frames: int) -> int:
        """Return the frames between the starts of two windows that are averaged to a track."""
        return max(1, round(window_frames * (1 - self.window_overlap)))

    @model_validator(mode="after")
    def _heads_are_distinct(self) -> Self:
        heads = [*self.classes, *self.attributes]
        if twice := sorted({head for head in heads if heads.count(head) > 1}):
            raise ValueError(f"classes and attributes name {twice[0]!r} twice")
        if self.open_set.head is not None and self.open_set.head not in self.classes:
            raise ValueError(
                f"open_set.head is {self.open_set.head!r}, which is not in classes: add it there, or set it to null"
            )
        return self


class EvaluateParams(Section):
    """How the model is judged."""

    bootstrap_resamples: int = Field(ge=100, le=100_000)
    confidence: OpenShare


class PromoteParams(Section):
    """The gate between a trained model and the champion."""

    model_name: Name
    primary: list[Name] = Field(min_length=1)
    min_gain: float
    min_first_gain: float
    max_class_loss: Share
    max_ece: Share
    max_slowdown: float = Field(ge=1.0)
    bootstrap_resamples: int = Field(ge=100, le=100_000)
    confidence: OpenShare


class ClassifyParams(Section):
    """New music for the champion."""

    inbox: str = Field(min_length=1)
    max_failures_shown: int = Field(ge=0)


class AtlasParams(Section):
    """The map."""

    seed: int = Field(ge=0, lt=2**31)
    neighbours: int = Field(ge=1, le=50)
    refit_share: OpenShare
    clip_seconds: float = Field(ge=0.0, le=120.0)


class ReclassifyParams(Section):
    """When the scheduled flow runs, and which change of the predictions it raises the alarm for."""

    cron: str = Field(pattern=r"^\S+( +\S+){4}$")
    timezone: str
    max_psi: Positive

    @model_validator(mode="after")
    def _timezone_exists(self) -> Self:
        if self.timezone not in available_timezones():
            raise ValueError(f"timezone is {self.timezone!r}, which is none of the IANA names such as Europe/Vienna")
        return self


class EngineParams(Section):
    """Where tracks are computed. Nothing here shapes a result, so no stage lists this section among its params."""

    kind: Literal["local", "beam"]
    runner: Literal["DirectRunner", "DaskRunner", "DataflowRunner", "FlinkRunner", "SparkRunner"]
    options: list[Annotated[str, Field(pattern=r"^--[A-Za-z][\w-]*(=.*)?$")]]
    place: str | None


class Params(Section):
    """The whole of `params.yaml`."""

    ingest: IngestParams
    catalog: CatalogParams
    spectrograms: SpectrogramsParams
    backbone: BackboneParams
    separate: SeparateParams
    split: SplitParams
    validate_: ValidateParams = Field(alias="validate")
    train: TrainParams
    repeats: RepeatsParams
    evaluate: EvaluateParams
    promote: PromoteParams
    classify: ClassifyParams
    atlas: AtlasParams
    reclassify: ReclassifyParams
    engine: EngineParams

    @model_validator(mode="after")
    def _sections_agree(self) -> Self:
        for head in self.promote.primary:
            if head not in self.train.classes:
                raise ValueError(f"promote.primary names {head!r}, which is not in train.classes")
        if self.train.stems and not self.separate.stems:
            raise ValueError("train.stems is true, and separate.stems names none")
        if self.train.stems and self.train.backbone not in {"none", "fusion"}:
            raise ValueError(f"train.stems is true, and train.backbone {self.train.backbone} trains no network on them")
        if self.train.statistics and self.spectrograms.n_mels < BAND_GROUPS:
            raise ValueError(f"train.statistics is true, and needs spectrograms.n_mels of at least {BAND_GROUPS}")
        if self.train.window_seconds * self.spectrograms.sample_rate < self.spectrograms.hop_length * 16:
            raise ValueError("train.window_seconds is shorter than 16 frames of spectrograms.hop_length")
        return self


def load_params(path: Path) -> Params:
    """Read and check `params.yaml`.

    Raises:
        ParamsError: with one line that names the offending key.
    """
    try:
        values = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ParamsError(f"{path.name} is missing: restore it with `git checkout {path.name}`") from None
    except (YAMLError, OSError, ValueError, LookupError) as error:  # the last two: a tag on a value it cannot fit
        raise ParamsError(f"{path.name} cannot be read: {yaml_fault(error)}") from None
    return parse_params(values, path.name)


def parse_params(values: Any, file_name: str = "params.yaml") -> Params:
    """Check a mapping as `load_params` does.

    Raises:
        ParamsError: with one line that names the offending key.
    """
    try:
        return Params.model_validate(values)
    except ValidationError as error:
        raise ParamsError(f"{file_name}: {first_fault(error, values)}") from None
