"""The `analytics-scheduler` command: it finds the command's module and lends it its output.

Each module in `commands` has `HELP`, `add_arguments(parser)` and `run(arguments, output)`, which
returns the exit status. Nothing heavy is imported before a command needs it.
"""

from __future__ import annotations

import argparse
import importlib
import signal
import sys
from collections.abc import Sequence
from types import FrameType, ModuleType
from typing import NoReturn

from analytics_scheduler.errors import AnalyticsError
from analytics_scheduler.output import standard_output

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
_INTERRUPTED = 130
_TERMINATED = 143


def command_module(name: str) -> ModuleType:
    """Return the module of a command."""
    return importlib.import_module(f"analytics_scheduler.commands.{name.replace('-', '_')}")


def build_parser(names: Sequence[str] = COMMANDS) -> argparse.ArgumentParser:
    """Return the parser with the named commands."""
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
    """Run one command and return its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    named = [words[0]] if words and words[0] in COMMANDS else COMMANDS
    arguments = build_parser(named).parse_args(words)
    output = standard_output(as_json=arguments.json)
    signal.signal(signal.SIGTERM, _stop)
    try:
        return int(command_module(arguments.command).run(arguments, output))
    except AnalyticsError as error:
        output.error(str(error))
        return 1
    except KeyboardInterrupt:
        output.error("Interrupted; what was committed stays.")
        return _INTERRUPTED


def _stop(_signal_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(_TERMINATED)
