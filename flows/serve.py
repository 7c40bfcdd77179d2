"""Everything for the browser, with one command: Prefect with the deployments, MLflow, Data Docs and evaluation.

Run as `make ui`, or as `python -m flows.serve --help`.
"""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from flows.addresses import RECORD, forget_ui, record_ui, running_ui
from flows.crew import Crew
from flows.ports import LAST_PORT, refuse_taken_ports
from flows.servers import make_plan, servers_of
from soundatlas.errors import NotReadyError, SoundatlasError
from soundatlas.files import project_root
from soundatlas.supervise import GRACE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from flows.addresses import UiAddresses
    from flows.servers import Plan, Server

START_TIMEOUT_SECONDS = 120.0
LOGS = ".prefect/logs"
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
KILLED = 130  # the exit code after an impatient Ctrl-C

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class Stop:
    """The user's wish to stop: the first signal is remembered, a Ctrl-C after it interrupts whatever goes on."""

    def __init__(self) -> None:
        self._is_asked = False
        self._is_urgent = False
        for number in STOPS:
            signal.signal(number, self._hear)

    def is_asked(self) -> bool:
        """Say whether the user has asked to stop."""
        return self._is_asked

    def _hear(self, number: int, _: object) -> None:
        if self._is_asked and number == signal.SIGINT and not self._is_urgent:
            self._is_urgent = True
            raise KeyboardInterrupt
        self._is_asked = True


@app.command()
def serve(
    *,
    prefect_port: Annotated[int, typer.Option(min=1, max=LAST_PORT, help="Runs, schedules, forms.")] = 4200,
    mlflow_port: Annotated[int, typer.Option(min=1, max=LAST_PORT, help="Trainings and the model registry.")] = 5000,
    pages_port: Annotated[
        int, typer.Option(min=1, max=LAST_PORT, help="The map, Data Docs and the evaluation.")
    ] = 8088,
) -> None:
    """Start Prefect with this project's deployments, MLflow, and its pages, all on 127.0.0.1; Ctrl-C stops them.

    The state of Prefect lies in .prefect/, the servers' logs in .prefect/logs/, MLflow in mlruns/. With
    MLFLOW_TRACKING_URI set, that server is used and none is started. `make ui PREFECT_PORT=4300` is the same as
    --prefect-port 4300; likewise MLFLOW_PORT and PAGES_PORT.
    """
    root = project_root()
    console = Console(highlight=False)
    plan = make_plan(root, prefect=prefect_port, mlflow=mlflow_port, pages=pages_port)
    refuse_second(root)
    was_killed = (root / RECORD).exists()  # its servers end by themselves
    refuse_taken_ports(plan.ports, GRACE_SECONDS if was_killed else 0.0)
    (root / "mlruns").mkdir(exist_ok=True)
    code = run(plan, servers_of(plan), console)
    raise typer.Exit(code)


def refuse_second(root: Path) -> None:
    """Make sure that the project is not served yet.

    Raises:
        NotReadyError: when it is; the message has the address.
    """
    if (there := running_ui(root, starting=True)) is not None:
        port = there.prefect_ui.rpartition(":")[2]
        raise NotReadyError(f"soundatlas is already up in this folder: port {port} is taken by it, {there.prefect_ui}")


def run(plan: Plan, waves: Sequence[Sequence[Server]], console: Console) -> int:
    """Start the servers, wait until the user asks to stop or one of them fails, and stop them; return the exit code."""
    stop = Stop()
    crew = Crew(plan.root, plan.root / LOGS, stop.is_asked)
    record_ui(plan.root, plan.addresses, ready=False)
    try:
        try:
            _start(crew, waves, console)
            if not stop.is_asked():
                record_ui(plan.root, plan.addresses, ready=True)
                console.print(panel(plan.addresses))
            crew.watch()
            code = 0
        except SoundatlasError as error:
            print(f"soundatlas: {error}", file=sys.stderr, flush=True)  # noqa: T201 - before the others are stopped
            code = error.exit_code
        crew.stop()
        console.print("stopped")
    except KeyboardInterrupt:
        console.print("killed")
        code = KILLED
    finally:
        crew.kill()
        forget_ui(plan.root)
    return code


def panel(addresses: UiAddresses) -> Panel:
    """Return what is where."""
    table = Table.grid(padding=(0, 2))
    table.add_row("Prefect", escape(addresses.prefect_ui), "start and schedule runs, see what they did")
    table.add_row("MLflow", escape(addresses.mlflow), "trainings, model versions, champion")
    table.add_row("Pages", escape(addresses.pages), "the map, Data Docs, the evaluation's figures")
    return Panel(table, title="soundatlas", subtitle="Ctrl-C stops everything", expand=False)


def _start(crew: Crew, waves: Sequence[Sequence[Server]], console: Console) -> None:
    """Start wave after wave, each when the one before answers."""
    for wave in waves:
        names = ", ".join(server.name for server in wave)
        with console.status(f"starting {names} (logs in {LOGS}/)"):
            crew.start(wave, START_TIMEOUT_SECONDS)


def main() -> None:
    """Run the command; a known fault is one line and an exit code, never a traceback."""
    try:
        app()
    except SoundatlasError as error:
        print(f"soundatlas: {error}", file=sys.stderr)  # noqa: T201 - the command's last word
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
