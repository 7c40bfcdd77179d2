"""The sources in `catalog.sources` of `params.yaml`: one model each, told apart by the key `source`."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from soundatlas.sections import Section, Share

if TYPE_CHECKING:
    from typing import Self

DEMO_ARTISTS = ("aird", "bach", "beethoven", "ciconia", "haydn", "monteverdi", "mozart", "ryan")
DEMO_INBOX_ARTISTS = (*DEMO_ARTISTS, "oneill")

FilePath = Annotated[str, Field(min_length=1)]
# An id as Spotify writes it: 22 letters and digits, alone or at the end of its URI; or the link that "Share" copies.
SpotifyId = Annotated[
    str,
    Field(pattern=r"^(spotify:[a-z]+:|https://open\.spotify\.com/([a-z-]+/)?[a-z]+/)?[A-Za-z0-9]{22}(\?\S*)?$"),
]


class DemoSourceParams(Section):
    """The built-in catalogue: how many clips of whom, and how they are rendered."""

    source: Literal["demo"]
    clips: dict[Literal[DEMO_ARTISTS], Annotated[int, Field(ge=0, le=400)]]  # type: ignore[valid-type]  # spelled out once, above
    inbox_clips: dict[Literal[DEMO_INBOX_ARTISTS], Annotated[int, Field(ge=0, le=400)]]  # type: ignore[valid-type]
    clip_seconds: float = Field(ge=1.0, le=120.0)
    sample_rate: int = Field(ge=8000, le=48000)


class FolderSourceParams(Section):
    """A folder of one's own music, read and never written.

    Attributes:
        path: of the folder; relative to the project, or anywhere. `~` is the user's home.
        name: what its tracks are called after; by default the folder's own name.
        licence: of all of it; by default what each file's tags say, or "unknown".
        ml_use: whether it may be learnt from.
    """

    source: Literal["folder"]
    path: FilePath
    name: Annotated[str, Field(min_length=1, pattern=r"^[^/\\:]+$")] | None = None
    licence: Annotated[str, Field(min_length=1)] | None = None
    ml_use: Literal["allowed", "restricted", "unknown"] = "unknown"


class FmaSourceParams(Section):
    """The Free Music Archive's data set: a folder with `fma_metadata` and `fma_<subset>`, unpacked or as zip files."""

    source: Literal["fma"]
    path: FilePath
    subset: Literal["small", "medium", "large", "full"]


class SpotifySourceParams(Section):
    """Tracks of Spotify: playlists and saved tracks of the user, single tracks, and what searches find."""

    source: Literal["spotify"]
    playlists: list[SpotifyId] = Field(default=[])
    saved: bool = False
    tracks: list[SpotifyId] = Field(default=[])
    search: list[Annotated[str, Field(min_length=1)]] = Field(default=[])

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if not (self.playlists or self.saved or self.tracks or self.search):
            raise ValueError("playlists, saved, tracks or search should say what to bring from Spotify")
        return self


class DeezerSourceParams(Section):
    """Previews of 30 s and release dates from Deezer, for tracks that other sources list without audio."""

    source: Literal["deezer"]
    non_commercial: Literal[True]  # what Deezer's terms ask for; to be said by the user
    min_match: Share = 0.85  # of a track that is found by artist and title, how alike these must be


class MusicbrainzSourceParams(Section):
    """Year and genres from MusicBrainz, by ISRC, for tracks that other sources list."""

    source: Literal["musicbrainz"]


SourceParams = Annotated[
    DemoSourceParams
    | FolderSourceParams
    | FmaSourceParams
    | SpotifySourceParams
    | DeezerSourceParams
    | MusicbrainzSourceParams,
    Field(discriminator="source"),
]


class CatalogParams(Section):
    """Where tracks come from. Where two sources disagree on a track, the one that is listed first is believed."""

    sources: list[SourceParams] = Field(min_length=1)
    i_have_permission_to_train_on_spotify_content: bool
    max_failure_rate: Share

    @model_validator(mode="after")
    def _sources_are_distinct(self) -> Self:
        names = [_name(source) for source in self.sources]
        for position, name in enumerate(names):
            if name in names[:position]:
                raise ValueError(_twice(self.sources[position], name, names.index(name), position))
        return self


def folder_name(source: FolderSourceParams) -> str:
    """Return what a folder's tracks are called after."""
    return source.name or PurePath(source.path).name or "folder"


def _name(source: SourceParams) -> tuple[str, str]:
    match source:
        case FolderSourceParams():
            return source.source, folder_name(source)
        case FmaSourceParams():
            return source.source, source.subset
    return source.source, ""


def _twice(source: SourceParams, name: tuple[str, str], first: int, second: int) -> str:
    if isinstance(source, FolderSourceParams):
        return f"sources {first} and {second} are both folders called {name[1]!r}: give one of them a name of its own"
    return f"sources {first} and {second} are both {' '.join(name).strip()}: make them one"
