"""The `analytics-scheduler` command line.

Each module in `commands` is a command: it has `HELP`, `add_arguments(parser)` and
`run(arguments, output)`, which returns the exit status. Only the command that runs is imported, and
it imports heavy modules in `run`, so that the command line starts quickly.

Exit statuses: 0 success, 1 the command failed, 2 the arguments are wrong, 130 interrupted by
Ctrl-C, 143 ended by SIGTERM.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType, ModuleType
from typing import NoReturn

from analytics_scheduler.errors import AnalyticsError
from analytics_scheduler.output import Output, standard_output
from analytics_scheduler.settings import retired_warnings

COMMANDS = (
    "demo",
    "up",
    "check",
    "migrate",
    "run",
    "verify",
    "prune",
    "cleanup-cache",
    "health",
    "webhook-test",
)
Handler = Callable[[int, FrameType | None], NoReturn]
_INTERRUPTED = 130
_TERMINATED = 143
_SECONDS_TO_CANCEL = 1.0
# Commands that stop their own servers before they end, which takes longer.
_STOP_SERVERS = frozenset({"demo", "up"})


def command_module(name: str) -> ModuleType:
    """Import and return the module of a command."""
    return importlib.import_module(f"analytics_scheduler.commands.{name.replace('-', '_')}")


def build_parser(names: Sequence[str] = COMMANDS) -> argparse.ArgumentParser:
    """Return the parser of the named commands, by default of all."""
    parser = argparse.ArgumentParser(
        prog="analytics-scheduler",
        description="Daily, weekly and monthly inventory snapshots that can be trusted.",
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in names:
        module = command_module(name)
        subparser = subparsers.add_parser(name, help=module.HELP, description=module.__doc__)
        subparser.add_argument("--json", action="store_true", help="print one JSON object")
        module.add_arguments(subparser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name, and return its exit status."""
    given = list(sys.argv[1:] if argv is None else argv)
    names = [given[0]] if given and given[0] in COMMANDS else COMMANDS
    arguments = build_parser(names).parse_args(given)
    output = standard_output(as_json=arguments.json)
    _handle_signals(leave_quickly=arguments.command not in _STOP_SERVERS)
    for warning in retired_warnings():
        output.warning(warning)
    try:
        return _run(arguments, output)
    except BrokenPipeError:
        # Whoever read our output has gone. Python flushes stdout once more when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _run(arguments: argparse.Namespace, output: Output) -> int:
    try:
        return int(command_module(arguments.command).run(arguments, output))
    except AnalyticsError as error:
        output.error(str(error))
        return 1
    except KeyboardInterrupt:
        signal.setitimer(signal.ITIMER_REAL, 0)
        output.error("Interrupted. Work that was committed is kept.")
        return _INTERRUPTED


def _leave(_signal_number: int, _frame: FrameType | None) -> NoReturn:
    """End the process, block by block."""
    raise SystemExit(_TERMINATED)


def _handle_signals(*, leave_quickly: bool) -> None:
    """End the process at SIGTERM, and at Ctrl-C unless it is ignored, as in the background."""
    signal.signal(signal.SIGTERM, _quickly(_leave) if leave_quickly else _leave)
    if leave_quickly and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _quickly(signal.default_int_handler))


def _quickly(leave: Handler) -> Handler:
    """Return a handler that also ends the wait for a silent server, in which the driver may be."""

    def handler(signal_number: int, frame: FrameType | None) -> NoReturn:
        signal.signal(signal.SIGALRM, leave)
        signal.setitimer(signal.ITIMER_REAL, _SECONDS_TO_CANCEL)
        leave(signal_number, frame)
        raise AssertionError

    return handler
