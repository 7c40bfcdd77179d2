"""FMA as its authors unpack it."""

from __future__ import annotations

import pytest

from benchmarks.quality.fma import load_fma
from soundatlas.errors import NotReadyError, UsageError

HEADER = (
    ",album,album,artist,set,set,track,track,track",
    ",date_released,title,name,split,subset,genre_top,license,title",
    "track_id,,,,,,,,",
)
ROWS = (
    "2,2009-01-05 00:00:00,Awol,AWOL,training,small,Hip-Hop,CC BY-NC-SA,Food",
    "1005,,Second,Бо,validation,small,Rock,CC BY,Être",
    "1006,1999-12-31 00:00:00,Third,Cy,test,medium,,CC BY,Song",
    "1007,2001-01-01 00:00:00,Fourth,Di,test,small,Rock,CC BY,Gone",
    "1008,2001-01-01 00:00:00,Fifth,Di,test,large,Rock,CC BY,Not in these",
)


@pytest.fixture
def fma(tmp_path):
    """Give four of the five tracks, 1007's audio being lost; what the files hold is of no importance here."""
    (tmp_path / "fma_metadata").mkdir()
    (tmp_path / "fma_metadata/tracks.csv").write_text("\n".join([*HEADER, *ROWS, ""]), encoding="utf-8")
    for subset, numbers in (("small", (2, 1005)), ("medium", (2, 1005, 1006))):
        for number in numbers:
            path = tmp_path / f"fma_{subset}/{number // 1000:03d}/{number:06d}.mp3"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"audio %d" % number)
    return tmp_path


def test_small_has_the_official_split(fma):
    """Tracks of the subset with labels, their official side, and a failure for the file that is lost."""
    collection = load_fma(fma, "small")
    assert (collection.name, collection.sides_name) == ("fma small", "official")
    assert collection.tracks["path"].tolist() == ["fma_small/000/000002.mp3", "fma_small/001/001005.mp3"]
    first, second = collection.tracks.to_dict("records")
    assert (first["artist"], first["genre"], first["year"], first["decade"]) == ("AWOL", "Hip-Hop", 2009, "2000s")
    assert (second["artist"], second["title"], second["licence"]) == ("Бо", "Être", "CC BY")
    assert collection.tracks["decade"].isna().tolist() == [False, True]
    assert collection.sides["side"].tolist() == ["train", "validation"]
    assert collection.sides["group"].tolist() == ["artist:AWOL", "artist:Бо"]
    assert collection.failures["path"].tolist() == ["fma:1007"]
    assert collection.failures["message"].tolist() == ["fma_small/001/001007.mp3 is not there"]


def test_medium_holds_small(fma):
    """The medium subset has the small one's tracks too; a track without a top genre has none."""
    collection = load_fma(fma, "medium")
    assert collection.tracks["source_id"].tolist() == ["2", "1005", "1006"]
    assert collection.tracks["genre"].isna().tolist() == [False, False, True]


def test_what_is_not_there_is_named(fma):
    """Another subset, audio that is lost or in its archive, a damaged table and lost metadata are one line each."""
    with pytest.raises(UsageError, match="--subset is 'large'"):
        load_fma(fma, "large")
    (fma / "fma_medium").rename(fma / "elsewhere")
    with pytest.raises(NotReadyError, match=r"put FMA's fma_medium\.zip there"):
        load_fma(fma, "medium")
    (fma / "fma_medium.zip").touch()
    with pytest.raises(UsageError, match="not unpacked"):
        load_fma(fma, "medium")
    (fma / "fma_metadata/tracks.csv").write_text("a,b\nc,d\ntrack_id,\n", encoding="utf-8")
    with pytest.raises(NotReadyError, match="lacks the column"):
        load_fma(fma, "small")
    (fma / "fma_metadata/tracks.csv").unlink()
    with pytest.raises(NotReadyError, match=r"holds no tracks\.csv"):
        load_fma(fma, "small")
