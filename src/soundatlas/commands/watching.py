"""A folder under watch: what arrives is heard by the champion, once per audio and model, as the history has it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from soundatlas.errors import NotReadyError
from soundatlas.history.audit import PREDICTION, Step, open_audit
from soundatlas.history.store import open_history
from soundatlas.progress import silent
from soundatlas.registry.classification import prediction_table
from soundatlas.registry.contract import read_contract
from soundatlas.registry.pin import read_champion
from soundatlas.registry.prediction_key import model_key
from soundatlas.scale.delegation import hearing
from soundatlas.sources.deny_list import read_deny_list
from soundatlas.sources.inbox import list_known_files, shown_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import pandas as pd

    from soundatlas.history.answers import Answer
    from soundatlas.params import Params
    from soundatlas.registry.pin import Champion
    from soundatlas.sources.arrivals import Arrivals, Signature

NO_CHAMPION = "there is no champion yet: `dvc repro` trains one, and its last lines say what the gate found"
ATTEMPTS = 3  # looks in which a file may fail for a reason that may pass, before it is given up until it changes
KNOWN = "data/history/watched-files.json"  # hashes of what was seen


class Watch:
    """Hears what arrives, look by look. The history is the record, so that a kill loses nothing and repeats nothing.

    A model that becomes champion hears what lies in the folder, once, as it does in stage `classify`; what is being
    heard meanwhile is finished by the model that began it, and kept as that one's.

    Args:
        root: of the project.
        params: the checked parameters; `engine` says where the work is done.
        arrivals: of the folder.
        tell: given the prediction table of what has arrived; not of what lay there and was known when the watch began.
    """

    def __init__(
        self, root: Path, params: Params, arrivals: Arrivals, tell: Callable[[pd.DataFrame, Champion], None]
    ) -> None:
        self.root = root
        self.params = params
        self.arrivals = arrivals
        self.tell = tell
        self._done: dict[Path, Signature] = {}
        self._attempts: defaultdict[tuple[Path, Signature], int] = defaultdict(int)
        self._champion: Champion | None = None
        self.quiet = False  # whether all that lay there at the last look is done with

    def look(self) -> int:
        """Hear what has arrived since the last look; return how many different audio files were heard.

        Raises:
            NotReadyError: when there is no champion.
            SoundatlasError: when its bundle or the history cannot be used.
        """
        pinned = read_champion(self.root)
        if pinned is None:
            raise NotReadyError(NO_CHAMPION)
        champion, bundle = pinned
        if champion != self._champion:
            self._champion, self._done = champion, {}
            self._attempts.clear()  # what the one before gave up, this one has not tried
        settled = self.arrivals.settled()
        new = [path for path, signature in settled.items() if self._done.get(path) != signature]
        self._done = {path: signature for path, signature in self._done.items() if settled.get(path) == signature}
        heard = self._hear(champion, bundle, settled, new) if new else 0
        self.quiet = self.arrivals.moving == 0 and len(self._done) == len(settled)
        return heard

    def _hear(self, champion: Champion, bundle: Path, settled: dict[Path, Signature], new: Sequence[Path]) -> int:
        listing = self._listing(list(settled), new)
        contract = read_contract(bundle, champion.content_sha256)
        key = model_key(contract)
        step = Step(PREDICTION, key.contract_sha256, key.model_sha256)
        with open_history(self.root) as history, open_audit(self.root, "watch") as trail:
            known = history.read(key, listing["audio_sha256"].dropna())
            failed = hearing(self.params, trail, step)(
                bundle,
                champion,
                listing[~listing["audio_sha256"].isin(list(known))].reset_index(drop=True),
                self.root,
                timeout_seconds=self.params.spectrograms.timeout_seconds,
                keep=lambda answers: history.keep(key, answers),
                advance=silent,
            )
            answers = history.read(key, listing["audio_sha256"].dropna())
        again = self._to_try_again(failed.keys() - self._answered(listing, answers), settled, new)
        self._done |= {path: settled[path] for path in new if shown_path(path, self.root) not in again}
        told_before = listing["audio_sha256"].isin(list(known)) & listing["path"].isin(self._first())
        listing = listing[~listing["path"].isin(list(again)) & ~told_before]
        if len(listing):
            self.tell(prediction_table(contract, champion, listing, answers, failed), champion)
        return len(answers) - len(known)

    def _first(self) -> list[str]:
        """Return what lay there when the watch began: of that, the history may tell what was told already."""
        return [shown_path(path, self.root) for path in self.arrivals.first]

    def _listing(self, settled: Sequence[Path], new: Sequence[Path]) -> pd.DataFrame:
        """List the new files as stage `ingest` lists an inbox; hashes of all that lies there stay remembered."""
        listing = list_known_files(
            settled,
            self.root,
            max_file_megabytes=self.params.ingest.max_file_megabytes,
            known=self.root / KNOWN,
        )
        names = {shown_path(path, self.root) for path in new}
        wanted = listing["path"].isin(list(names)) & ~read_deny_list(self.root).denies(listing)
        return listing[wanted].reset_index(drop=True)

    @staticmethod
    def _answered(listing: pd.DataFrame, answers: dict[str, Answer]) -> set[str]:
        return set(listing["path"][listing["audio_sha256"].isin(list(answers))])

    def _to_try_again(self, failed: set[str], settled: dict[Path, Signature], new: Sequence[Path]) -> set[str]:
        """Return the files, as the listing calls them, that may still be heard at a later look."""
        again = set()
        for path in new:
            if (shown := shown_path(path, self.root)) in failed:
                self._attempts[path, settled[path]] += 1
                if self._attempts[path, settled[path]] < ATTEMPTS:
                    again.add(shown)
        return again
