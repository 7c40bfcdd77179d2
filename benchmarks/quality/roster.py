"""Who is on the bench."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.quality.crnn import ArtistCrnn
from benchmarks.quality.hand_peers import gradient_boosting, logistic_regression
from benchmarks.quality.majority import Majority
from benchmarks.quality.musicnn_peer import musicnn_peers
from benchmarks.quality.soundatlas_peer import soundatlas_peers
from soundatlas.errors import UsageError

if TYPE_CHECKING:
    from benchmarks.quality.peer import Peer

ALL = "all"


def choose_peers(names: str, *, minutes: float, crnn_minutes: float, crnn_epochs: int) -> list[Peer]:
    """Return the peers of a comma-separated list, or all, in the order of the table.

    Args:
        names: "all" or e.g. "soundatlas,crnn".
        minutes: limit of one training of soundatlas.
        crnn_minutes: limit of one network of the artist CRNN.
        crnn_epochs: its limit in epochs.

    Raises:
        UsageError: when a name is nobody's.
    """
    everybody: list[Peer] = [
        *soundatlas_peers(minutes),
        *musicnn_peers(),
        ArtistCrnn(crnn_minutes, crnn_epochs),
        gradient_boosting(),
        logistic_regression(),
        Majority(),
    ]
    roster = {peer.name: peer for peer in everybody}
    if names == ALL:
        return everybody
    wanted = {name.strip() for name in names.split(",")} - {""}
    if unknown := sorted(wanted - set(roster)) or (["nobody"] if not wanted else []):
        raise UsageError(f"--peers names {unknown[0]!r}: all, or some of {', '.join(roster)}")
    return [peer for name, peer in roster.items() if name in wanted]
