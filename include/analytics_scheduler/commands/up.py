"""Keep the stack of the demo running, with the Airflow UI, until Ctrl-C or SIGTERM.

Everything listens on loopback only, and is stopped in the end. Each start creates new sample data;
an inventory that DATABASE_URL names is used as it is, and never changed.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from analytics_scheduler.output import Output, counted

if TYPE_CHECKING:
    from analytics_scheduler.local.airflow_stack import RunningAirflow
    from analytics_scheduler.local.stack import Stack

HELP = "keep the demo running, with the Airflow UI"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add `--port`."""
    parser.add_argument(
        "--port", type=int, metavar="N", help="port of the UI (default: 8080 if it is free)"
    )


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Start the stack, print its addresses, and wait; return 0 when a signal ends it."""
    from analytics_scheduler.local.airflow_stack import running_airflow
    from analytics_scheduler.local.stack import prepare_inventory, running_stack, take_first
    from analytics_scheduler.local.steps import step

    output.line("Analytics Scheduler")
    with running_stack("up", output) as stack:
        prepare_inventory(output)
        take_first(output)
        with running_airflow(stack.home, port=arguments.port) as airflow:
            with step(output, "Airflow") as under_way:
                airflow.wait_until_ready(under_way.progress)
                under_way.detail = f"healthy, with {counted(airflow.dag_files, 'DAG')}"
            _show(airflow, stack, output)
            _stay(airflow)
            output.line("Stopping ...")
    output.line("Everything is stopped.")
    return 0


def _stay(airflow: RunningAirflow) -> None:
    """Wait for a signal, which is the normal end of this command."""
    try:
        airflow.watch()
    except (KeyboardInterrupt, SystemExit):
        return


def _show(airflow: RunningAirflow, stack: Stack, output: Output) -> None:
    output.line()
    output.line(f"  Airflow   {airflow.url}")
    output.line(f"  User      {airflow.user}")
    output.line(f"  Password  {airflow.password}")
    output.line(f"  Logs      {stack.home.logs}")
    output.line(f"  Database  {stack.server} ({stack.database})")
    output.line()
    output.line("To call the endpoints, paste into another terminal:")
    output.line()
    for line in curl_lines(airflow):
        output.line(line)
    output.line()
    output.line("Ctrl-C stops everything.")
    output.result(
        {
            "success": True,
            "url": airflow.url,
            "user": airflow.user,
            "password": airflow.password,
            "database": stack.database,
            "cache": stack.cache,
            "logs": str(stack.home.logs),
        }
    )


def curl_lines(airflow: RunningAirflow) -> list[str]:
    """Return shell lines that get a token, list the tasks and trigger a snapshot."""
    login = f'{{"username": "{airflow.user}", "password": "{airflow.password}"}}'
    header = '-H "Authorization: Bearer $TOKEN"'
    return [
        f"TOKEN=$(curl -s -X POST {airflow.url}/auth/token -H 'Content-Type: application/json' \\",
        f'  -d \'{login}\' | sed \'s/.*"access_token": *"\\([^"]*\\)".*/\\1/\')',
        f"curl -s {header} {airflow.url}/api/scheduler/tasks",
        f"curl -s -X POST {header} {airflow.url}/api/scheduler/trigger/daily",
    ]
