"""`soundatlas history` and `soundatlas champion`: who was champion when, and why; and whether that is as written."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from soundatlas.commands.terminal import printable, wide_console
from soundatlas.errors import LedgerError, NotReadyError, UsageError
from soundatlas.files import project_root, refuse_no_file, write_text
from soundatlas.params import load_params
from soundatlas.registry.ledger import Chain, champion_at, link

if TYPE_CHECKING:
    from pathlib import Path

    from soundatlas.registry.ledger import Entry
    from soundatlas.registry.promotion import ModelRegistry

MOST_PROBLEMS = 20  # told one by one


def print_history(file: Path | None, *, as_json: bool) -> None:
    """Print the project's history, or an exported one, as a table or as JSON; newest last."""
    chain, notes = (read_export(file), []) if file else _read_registry()
    if as_json:
        print(json.dumps([entry.values() for entry in chain.entries], ensure_ascii=False, indent=2))  # noqa: T201 - the command's output
        return
    console = wide_console()
    console.print(history_table(chain.entries) if chain.entries else "no champion yet, and nobody was refused")
    for note in [*chain.problems, *notes]:
        console.print(escape(printable(note)), soft_wrap=True, highlight=False)


def export_history(file: Path) -> None:
    """Write the history to a file, an entry a line, which `verify_history` checks alone."""
    refuse_no_file(file)
    chain, _ = _read_registry()
    if chain.problems:
        raise LedgerError(f"not exported, for it is not as it was written: {chain.problems[0]}")
    write_text(file, "".join(f"{entry.text()}\n" for entry in chain.entries))
    print(f"{_counted(chain)} in {printable(str(file))}")  # noqa: T201 - the command's output


def verify_history(file: Path | None) -> None:
    """Check every link of the history, in the registry or in an exported file.

    Raises:
        LedgerError: when something is not as it was written; the message lists it.
    """
    chain = read_export(file) if file else _read_registry()[0]
    if chain.problems:
        more = len(chain.problems) - MOST_PROBLEMS
        told = [*map(printable, chain.problems[:MOST_PROBLEMS]), *([f"and {more} more"] if more > 0 else [])]
        raise LedgerError("the history is not as it was written:\n" + "\n".join(told))
    if not chain.entries:
        print("the history is empty")  # noqa: T201 - the command's output
        return
    last = chain.entries[-1]
    print(f"{_counted(chain)}, each as it was written; the last is {last.sequence}, {last.sha256}")  # noqa: T201 - likewise


def print_champion(at: str | None, *, as_json: bool) -> None:
    """Print who is champion, or who was at a moment.

    Raises:
        NotReadyError: when nobody was champion then, or nobody knows.
        UsageError: when `at` is no time.
    """
    moment = datetime.now(UTC) if at is None else parse_moment(at)
    chain, notes = _read_registry()
    present = chain.entries[-1] if chain.entries else None  # not by the clock, which may have been set back
    entry = present if at is None else champion_at(chain.entries, moment)
    when = moment.isoformat(timespec="seconds")
    if entry is None or entry.after is None:
        began = f"; the history begins at {chain.entries[0].time}" if chain.entries and entry is None else ""
        raise NotReadyError(f"nobody was champion at {when}{began}")
    since = next(each for each in reversed(chain.entries[: chain.entries.index(entry) + 1]) if each.moved)
    if as_json:
        about = {"at": when, "model": entry.model, **vars(entry.after), "since": since.time, "event": since.event}
        print(json.dumps(about | {"why": since.why, "who": since.who}, ensure_ascii=False, indent=2))  # noqa: T201 - the command's output
        return
    content = (entry.after.content_sha256 or "unknown")[:12]
    verb = "is" if at is None else f"at {when} was"
    said = f"champion of {entry.model} {verb} version {entry.after.version} ({content}), since {since.time}"
    for line in (said, f"{since.event} by {since.who}: {since.why}", *([] if at else notes)):
        print(printable(line))  # noqa: T201 - likewise


def parse_moment(text: str) -> datetime:
    """Read a time; a date alone means its last second, and a time without a zone is UTC.

    Raises:
        UsageError: when it is none.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        pass
    else:
        return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1, seconds=-1)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{printable(text)!r} is no time: write 2026-11-01, or 2026-11-01T12:30+01:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def read_export(file: Path) -> Chain:
    """Read what `export_history` wrote; it needs neither project nor registry.

    Raises:
        UsageError: when it cannot be read, or is no file.
    """
    refuse_no_file(file)
    try:
        lines = file.read_bytes().decode("ascii", "replace").splitlines()
    except OSError as error:
        raise UsageError(f"{printable(str(file))} cannot be read: {error.strerror}") from None
    return link((_place(line, number), line) for number, line in enumerate(lines, start=1))


def history_table(entries: tuple[Entry, ...]) -> Table:
    """Return the entries for a terminal."""
    shown = Table(title=escape(f"History of {entries[0].model}"), title_justify="left")
    for column in ("", "when (UTC)", "what", "champion", "who", "why"):
        shown.add_column(column, overflow="fold")
    for entry in entries:
        before, after = (each.version if each else "none" for each in (entry.before, entry.after))
        subject = f"{entry.subject.version} " if entry.subject else ""
        shown.add_row(
            str(entry.sequence),
            entry.time[:19].replace("T", " "),
            f"{subject}{entry.event}",
            f"{before} → {after}" if entry.moved else after,
            escape(printable(entry.who)),
            escape(printable(entry.why)),
        )
    return shown


def _counted(chain: Chain) -> str:
    count = len(chain.entries)
    return "1 entry" if count == 1 else f"{count} entries"


def _place(line: str, number: int) -> int:
    """Return where a line's entry says that it stands; the file has no place of its own for it."""
    try:
        return int(json.loads(line)["sequence"])
    except (ValueError, TypeError, KeyError):
        return number


def _read_registry() -> tuple[Chain, list[str]]:
    """Read the project's history, and what stands elsewhere than it says."""
    from soundatlas.registry.database import has_registry
    from soundatlas.registry.ledger_store import Ledger
    from soundatlas.registry.promotion import ModelRegistry
    from soundatlas.registry.tracking import Tracking

    root = project_root()
    if not has_registry(root):
        return Chain((), ()), []
    registry = ModelRegistry(Tracking(root), load_params(root / "params.yaml").promote.model_name)
    chain = Ledger(registry.client, registry.name, root).read()
    return chain, _unentered(registry, chain)


def _unentered(registry: ModelRegistry, chain: Chain) -> list[str]:
    from soundatlas.registry.succession import named

    alias: Any = named(registry.version_of_alias())
    entered = chain.entries[-1].after if chain.entries else None
    if alias == entered:
        return []
    now = f"version {alias.version}" if alias else "nobody"
    return [f"the alias points to {now} now, which the next `dvc repro` enters"]
