"""An unbounded source: messages that name audio files, each heard once per audio hash by one model.

The body of a message is the file's URL, or what Google Cloud Storage sends of a new object (JSON with bucket and name).
"""

from __future__ import annotations

import hashlib
import json
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import apache_beam as beam

from soundatlas.errors import BundleError, NotReadyError, TrackError, UsageError
from soundatlas.files import sha256_file
from soundatlas.history.answers import Answer
from soundatlas.scale.answers import Said, answer_name, write_said
from soundatlas.scale.hearing import Waiting, hear
from soundatlas.scale.places import Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from soundatlas.scale.hearing import Ear

BYTES_PER_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Fetching:
    """Which files a message may name: anybody who can send one must not make a worker read what he likes.

    Attributes:
        under: what their URLs begin with, such as `gs://bucket/incoming/`.
        max_file_megabytes: a larger file is not fetched.
    """

    under: str
    max_file_megabytes: int

    def permits(self, url: str) -> bool:
        """Return whether a URL lies where it must."""
        return url.startswith(f"{self.under.rstrip('/')}/") and ".." not in url.split("/")


class ClassifyMessages(beam.PTransform):  # type: ignore[misc]  # Beam is not typed
    """From messages to answers in `place`, a file per audio hash, whichever worker comes to it and however often.

    What could not be heard this time is a file per URL, until the URL brings something that can be.

    Gives the `Said` of each message that brought something new.

    Args:
        ear: the model, and how long it may take; `project` is not used, since messages name whole URLs.
        place: where the answers wait for the history.
        fetching: which files are fetched.
    """

    def __init__(self, ear: Ear, place: Place, fetching: Fetching) -> None:
        super().__init__()
        self.ear = ear
        self.place = place
        self.fetching = fetching

    def expand(self, messages: Any) -> Any:
        """Build the transform; see the class."""
        return messages | "hear" >> beam.ParDo(_HearMessage(self.ear, self.place, self.fetching))


class _HearMessage(beam.DoFn):  # type: ignore[misc]
    def __init__(self, ear: Ear, place: Place, fetching: Fetching) -> None:
        super().__init__()
        self.ear = ear
        self.place = place
        self.fetching = fetching

    def process(self, body: bytes) -> Iterator[Said]:
        url = url_of(body)
        named = hashlib.sha256(url.encode()).hexdigest()
        try:
            with _fetched(url, self.fetching) as path:
                said = self._hear(path, url)
        except TrackError as error:
            said = Said(named, None, {url: Answer(error.reason, error.message)})  # there are no bytes to name it by
        if said is None:
            self.place.remove(answer_name(named))
            return
        if said.fault is not None:
            raise BundleError(said.fault)  # no fault of the message: the runner gives it to another worker
        if said.answer is None:  # what may pass must not keep the same bytes from being heard when they come again
            write_said(self.place, said, named)
        else:
            write_said(self.place, said)
            self.place.remove(answer_name(named))
        yield said

    def _hear(self, path: Path, url: str) -> Said | None:
        """Hear a file; None where some message before has brought the same bytes."""
        sha = sha256_file(path)
        if self.place.exists(answer_name(sha)):
            return None
        said = hear(Waiting(sha, (path.name,)), replace(self.ear, project=Place(str(path.parent))))
        return replace(said, failed=dict(zip([url], said.failed.values(), strict=False)))


def read_messages(subscription: str) -> Any:
    """Return the source of messages of a Pub/Sub subscription, e.g. `projects/p/subscriptions/s`.

    Raises:
        NotReadyError: when Google's package is not installed.
        UsageError: when it is no name of a subscription.
    """
    try:
        import google.cloud.pubsub  # noqa: F401 - Beam imports it only when the pipeline runs
    except ImportError:
        raise NotReadyError(
            "reading a subscription needs google-cloud-pubsub: pip install 'soundatlas[beam]'"
        ) from None
    try:
        return beam.io.ReadFromPubSub(subscription=subscription)
    except ValueError as error:
        raise UsageError(f"{subscription} names no subscription: {error}") from None


def url_of(body: bytes) -> str:
    """Return the URL that a message names, whatever else it is: what cannot be read is an URL of nothing."""
    text = body.decode("utf-8", "replace").strip()
    if not text.startswith("{"):
        return text
    try:
        about = json.loads(text)
        return f"gs://{about['bucket']}/{about['name']}"
    except (ValueError, KeyError):
        return text


@contextmanager
def _fetched(url: str, fetching: Fetching) -> Iterator[Path]:
    """Give a file of this machine with what the URL holds.

    Raises:
        TrackError: when it must not or cannot be fetched, or is too large.
    """
    if not fetching.permits(url):
        raise TrackError("bad_row", f"the message names nothing under {fetching.under}")
    folder, _, name = url.rpartition("/")
    with ExitStack() as stack:
        try:
            size = Place(folder).size(name)
            _check_size(size, fetching.max_file_megabytes)
            path = stack.enter_context(Place(folder).fetched(name))
        except (OSError, ValueError) as error:
            told = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise TrackError("unreadable", f"it cannot be fetched: {told}") from None
        yield path


def _check_size(size: int, max_file_megabytes: int) -> None:
    if size == 0:
        raise TrackError("empty", "the file holds no bytes")
    if size > max_file_megabytes * BYTES_PER_MEGABYTE:
        raise TrackError("too_large", f"larger than ingest.max_file_megabytes ({max_file_megabytes})")
