"""A flow from a terminal: options from its parameters, one line for a known fault, an exit code."""

from __future__ import annotations

import argparse
import inspect
from typing import TYPE_CHECKING, Any

from soundatlas.reporting import reporting_faults

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect import Flow

OPTIONS = {"overrides": ("--override", "KEY=VALUE")}  # of parameters whose name is not the best one here


def run_from_terminal(flow: Flow[..., Any]) -> None:
    """Run a flow with the options of the command line."""
    options = vars(_parser(flow).parse_args())
    exit_on_fault(lambda: flow(**options))


def exit_on_fault(run: Callable[[], object]) -> None:
    """End with one line and an exit code on a known fault, SIGTERM or Ctrl-C."""
    with reporting_faults():
        run()


def _parser(flow: Flow[..., Any]) -> argparse.ArgumentParser:
    """Make an option of each parameter, with the help and the choices that the UI's form shows."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {flow.fn.__module__ if flow.fn.__module__ != '__main__' else f'flows.{flow.name}'}",
        description=inspect.getdoc(flow.fn).partition("\n\nArgs:")[0],  # type: ignore[union-attr]  # every flow has one
    )
    for name, schema in flow.parameters.properties.items():
        is_list = schema.get("type") == "array"
        choices = (schema["items"] if is_list else schema).get("enum")
        text = " ".join(str(schema.get("description", "")).split()).replace("%", "%%")
        option, metavar = OPTIONS.get(name, (f"--{name}", None))
        if is_list:
            text = f"{text} May be given several times."
            parser.add_argument(
                option, dest=name, action="append", default=[], choices=choices, metavar=metavar, help=text
            )
        else:
            parser.add_argument(
                option,
                dest=name,
                default=schema.get("default"),
                required=name in flow.parameters.required,
                choices=choices,
                help=text,
            )
    return parser
