"""Which excerpts are chosen, and who plays them: over the whole corpus, without parsing it."""

from __future__ import annotations

import re
import zipfile
from collections import Counter

import pytest

from soundatlas.errors import ParamsError
from soundatlas.source_params import DEMO_ARTISTS
from soundatlas.sources.demo_choice import ENSEMBLES, INBOX_ONLY, candidates, choose, spread_ensembles
from soundatlas.sources.demo_corpus import corpus_folder, list_pieces

CORPUS = corpus_folder()
PIECES = list_pieces(CORPUS)
CATALOGUE = candidates(PIECES, "clips")
INBOX = candidates(PIECES, "inbox_clips")


def take(artist, count, excerpts=lambda _: 3):
    """Choose an artist's clips, where every piece has three excerpts."""
    return choose(CATALOGUE[artist], excerpts, count, parameter=f"clips.{artist}", seconds=15.0)


@pytest.mark.parametrize("artist", DEMO_ARTISTS)
def test_the_inbox_has_no_work_of_the_catalogue(artist):
    """Over all candidates, whatever the counts: not one work of an artist is on both sides."""
    assert INBOX[artist]
    assert CATALOGUE[artist]
    assert not {piece.work for piece in INBOX[artist]} & {piece.work for piece in CATALOGUE[artist]}


def test_the_inbox_has_no_tune_that_another_book_has_in_the_catalogue():
    """Aird and Ryan print some of the same tunes, and O'Neill too: none of them is both learnt and asked for."""
    learnt = {piece.work for artist in ("aird", "ryan") for piece in CATALOGUE[artist]}
    asked = {piece.work for artist in ("aird", "ryan", "oneill") for piece in INBOX[artist]}
    assert not learnt & asked


def test_an_unheard_artist_is_only_in_the_inbox():
    """O'Neill is never in the catalogue."""
    assert INBOX_ONLY == ("oneill",)
    assert set(CATALOGUE) == set(DEMO_ARTISTS)


@pytest.mark.parametrize("artist", DEMO_ARTISTS)
def test_instruments_say_nothing_about_the_artist(artist):
    """After any number of clips, an artist's ensembles differ by at most one clip."""
    played = [clip.ensemble for clip in take(artist, 20).clips]
    for count in range(1, len(played) + 1):
        counts = Counter(dict.fromkeys(ENSEMBLES, 0))
        counts.update(played[:count])
        assert max(counts.values()) - min(counts.values()) <= 1


def test_instruments_say_little_about_the_dance():
    """Ryan's forty clips: each dance is played by each ensemble once."""
    played = Counter((clip.piece.genre, clip.ensemble) for clip in take("ryan", 40).clips)
    assert set(played.values()) == {1}
    assert len(played) == 4 * len(ENSEMBLES)


@pytest.mark.parametrize("artist", DEMO_ARTISTS)
def test_a_higher_count_only_adds(artist):
    """The first clips, ensembles included, are the same whatever the count."""
    assert take(artist, 20).clips[:13] == take(artist, 13).clips


def test_works_come_before_second_excerpts():
    """No work gives a second excerpt before every piece has given one."""
    count = len(CATALOGUE["haydn"])
    clips = take("haydn", 2 * count).clips
    assert [clip.excerpt for clip in clips] == [0] * count + [1] * count
    bach = take("bach", 200).clips
    assert len({clip.piece.work for clip in bach}) == 200


def test_a_piece_without_an_excerpt_is_replaced_by_the_next():
    """The candidate that cannot be used drops out and the others move up; no clip is lost."""
    usual = take("bach", 11)
    unusable = usual.clips[3].piece
    other = take("bach", 10, lambda piece: 0 if piece == unusable else 3)
    assert [clip.source_id for clip in other.clips] == [
        clip.source_id for clip in usual.clips if clip.piece != unusable
    ]
    assert unusable in other.looked_at


def test_too_few_excerpts_are_an_error_with_the_maximum():
    """The message names the key, what it is and the most there are."""
    most = 3 * len(CATALOGUE["haydn"])
    assert len(take("haydn", most).clips) == most
    with pytest.raises(ParamsError, match=rf"^catalog\.sources\.clips\.haydn is 400: there are at most {most} clips"):
        take("haydn", 400)


def test_unparsed_pieces_are_named_and_count_as_enough():
    """Before anything is parsed, the choice says what to parse: one piece per clip while there are works."""
    choice = take("monteverdi", 12, lambda _: None)
    assert len(choice.unparsed) == len(choice.clips) == 12


def test_spreading_ensembles_of_nothing():
    """No clips, no ensembles."""
    assert spread_ensembles([], "clips.bach") == []


def test_only_parts_with_usable_rights_are_taken():
    """No left-out part is among the pieces, and no file that says Ut Orpheus Edizioni, in whatever encoding."""
    folders = {piece.path.split("/")[0] for piece in PIECES}
    assert folders == {
        "airdsAirs", "bach", "beethoven", "haydn", "monteverdi", "mozart", "oneills1850", "ryansMammoth", "trecento"
    }  # fmt: skip
    assert not [piece.path for piece in PIECES if piece.path.endswith(".krn")]
    for piece in PIECES:
        if piece.artist == "monteverdi":
            with zipfile.ZipFile(CORPUS / piece.path) as archive:
                content = b"".join(archive.read(name) for name in archive.namelist()).replace(b"\0", b"")
            assert not re.search(rb"orpheus|edizioni", content, re.IGNORECASE), piece.path


def test_every_piece_is_told_apart_and_dated_or_not():
    """Ids are unique, files exist, names are safe for any file system, years say where they come from."""
    assert len({piece.piece_id for piece in PIECES}) == len(PIECES)
    for piece in PIECES:
        assert (CORPUS / piece.path).is_file()
        assert re.fullmatch(r"[A-Za-z0-9._-]{1,80}", piece.slug)
        assert piece.title
        assert piece.credit
        assert piece.year is None or 1300 < piece.year < 1950
        assert 30 < piece.tempo.bpm < 200 or piece.artist == "aird"
