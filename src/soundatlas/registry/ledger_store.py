"""Where the ledger is kept: beside the registry it speaks of, as versions of a registered model `<name>.ledger`.

MLflow numbers the versions of a model itself, each number once, in one transaction with the version's tags. So one
mechanism serves SQLite and a server: an entry says at which place it stands, and one that a faster writer pushed
to another place is written again. No run is needed, and none can take an entry along when it is deleted.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlflow.exceptions import MlflowException

from soundatlas.errors import LedgerError
from soundatlas.registry.database import ENTRY_TAG, HEAD_TAG, LEDGER_SUFFIX
from soundatlas.registry.ledger import BEGINNING, Chain, Entry, Event, link, missing_end, now, seal
from soundatlas.registry.ledger_author import name_author, read_git_commit, read_lock_sha256

if TYPE_CHECKING:
    from pathlib import Path

    from mlflow.tracking import MlflowClient

    from soundatlas.registry.ledger import Version

APPLIED_TAG = "applied"
SOURCE = "soundatlas-ledger:/entry"  # MLflow wants one; of no known scheme, so that nobody tries to fetch it
ABOUT = "Who was champion when, and why. Written by soundatlas; `soundatlas history` shows it, `--verify` checks it."
PAGE = 200
MOST_RACES = 20
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.1, 5.0


@dataclass(frozen=True)
class Report:
    """Where the gate's report lies, and its hash."""

    uri: str
    sha256: str


class Ledger:
    """The ledger of a registered model."""

    def __init__(self, client: MlflowClient, model: str, root: Path) -> None:
        self.client = client
        self.model = model
        self.name = f"{model}{LEDGER_SUFFIX}"
        self.root = root

    def kept(self) -> list[tuple[int, str]]:
        """Return place and text of all that is kept, in order."""
        return [(int(version.version), version.tags.get(ENTRY_TAG, "")) for version in self._versions()]

    def read(self) -> Chain:
        """Read and check the ledger, up to the place at which it must end."""
        versions = self._versions()
        chain = link((int(version.version), version.tags.get(ENTRY_TAG, "")) for version in versions)
        problems = list(chain.problems)
        said = {entry.sequence: entry.sentence() for entry in chain.entries}
        problems += [
            f"entry {version.version}: its description in MLflow was changed"
            for version in versions
            if int(version.version) in said and version.description != said[int(version.version)]
        ]
        return Chain(chain.entries, (*problems, *missing_end(chain.entries, self._head())))

    def append(
        self,
        event: Event,
        why: str,
        *,
        before: Version | None,
        after: Version | None,
        subject: Version | None,
        report: Report | None = None,
    ) -> Entry:
        """Enter an event.

        Raises:
            LedgerError: when others write so busily that no place could be had.
        """
        self._create()
        about: dict[str, Any] = {
            "who": name_author(self.root),
            "model": self.model,
            "event": event,
            "before": before,
            "after": after,
            "subject": subject,
            "why": why,
            "gate_report": report.uri if report else None,
            "gate_report_sha256": report.sha256 if report else None,
            "git_commit": read_git_commit(self.root),
            "dvc_lock_sha256": read_lock_sha256(self.root),
        }
        for race in range(MOST_RACES):
            if race:  # an entry out of place displaces the others' next one: let the writers drift apart
                time.sleep(random.uniform(0, min(FIRST_WAIT_SECONDS * 2**race, LONGEST_WAIT_SECONDS)))  # noqa: S311 - no secret
            kept = self.kept()
            entries = link(kept).entries
            entry = seal(
                sequence=kept[-1][0] + 1 if kept else 1,
                time=now(),
                previous=entries[-1].sha256 if entries else BEGINNING,
                **about,
            )
            written = self.client.create_model_version(
                self.name,
                SOURCE,
                tags={ENTRY_TAG: entry.text()},
                description=entry.sentence(),
                await_creation_for=0,
            )
            if int(written.version) == entry.sequence:
                self.client.set_registered_model_tag(self.name, HEAD_TAG, f"{entry.sequence} {entry.sha256}")
                return entry
        raise LedgerError(f"the ledger {self.name} is too busy: run it again")

    def is_applied(self, entry: Entry) -> bool:
        """Whether the alias was seen to stand where this entry says."""
        return APPLIED_TAG in self.client.get_model_version(self.name, str(entry.sequence)).tags

    def mark_applied(self, entry: Entry) -> None:
        """Note that the alias stands where this entry says."""
        self.client.set_model_version_tag(self.name, str(entry.sequence), APPLIED_TAG, "true")

    def _versions(self) -> list[Any]:
        found, token = [], None
        while True:
            page = self.client.search_model_versions(f"name = '{self.name}'", max_results=PAGE, page_token=token)
            found += page
            token = page.token
            if not token:
                return sorted(found, key=lambda version: int(version.version))

    def _head(self) -> str | None:
        try:
            head = self.client.get_registered_model(self.name).tags.get(HEAD_TAG)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise
        return None if head is None else str(head)

    def _create(self) -> None:
        try:
            self.client.create_registered_model(self.name, description=ABOUT)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
