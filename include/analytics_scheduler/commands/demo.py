"""Run every DAG once on sample data, with nothing but Python installed, and show the figures.

PostgreSQL and Redis are embedded, unless DATABASE_URL or REDIS_URL names a server; the Airflow is
the demo's own. An existing inventory is never changed. Nothing is left running.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from analytics_scheduler.output import Output, counted

if TYPE_CHECKING:
    from decimal import Decimal
    from pathlib import Path

    from analytics_scheduler.local.dag_runs import DagOutcome, DagRunner

HELP = "run all DAGs once on sample data and show the figures"
_TABLE_WIDTH = 120


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """Add nothing: the command has no arguments of its own."""


def run(_arguments: argparse.Namespace, output: Output) -> int:
    """Run the demo; return 1 if the run of a DAG failed."""
    from analytics_scheduler.local.dag_runs import dag_runner
    from analytics_scheduler.local.stack import (
        latest_snapshots,
        prepare_inventory,
        running_stack,
        snapshot_counts,
    )

    started = time.monotonic()
    output.line("Analytics Scheduler demo")
    with running_stack("demo", output) as stack:
        # Airflow loads while the sample is created.
        with dag_runner(stack.home, stack.home.variables()) as runner:
            sample = prepare_inventory(output)
            outcomes = _run_dags(runner, output)
        rows, counts = latest_snapshots(), snapshot_counts()
    is_success = all(outcome.is_success for outcome in outcomes)
    seconds = time.monotonic() - started
    _show_tables(rows, output)
    _show_summary(outcomes, counts, output, seconds=seconds)
    _show_log(runner.log, outcomes, output)
    output.result(
        {
            "success": is_success,
            "seconds": round(seconds, 1),
            "database": stack.database,
            "cache": stack.cache,
            "sample": sample,
            "dags": [asdict(outcome) for outcome in outcomes],
            "snapshot_counts": counts,
            "snapshots": rows,
            "log": str(runner.log),
        }
    )
    return 0 if is_success else 1


def _run_dags(runner: DagRunner, output: Output) -> list[DagOutcome]:
    from analytics_scheduler.local.steps import step

    outcomes: list[DagOutcome] = []
    with step(output, "DAGs") as under_way:
        under_way.progress("Airflow is starting")
        for outcome in runner.run():
            outcomes.append(outcome)
            under_way.progress(f"{outcome.dag} {outcome.state}")
        good = sum(outcome.is_success for outcome in outcomes)
        under_way.detail = f"{good} of {len(outcomes)} runs succeeded"
    for outcome in outcomes:
        output.line(f"    {outcome.dag:<20}{outcome.state:<9}{outcome.seconds:>6.1f} s")
    return outcomes


def _show_tables(rows: list[dict[str, Any]], output: Output) -> None:
    if output.as_json:
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from analytics_scheduler.snapshots.metrics import METRICS

    console = Console(file=output.stdout)
    console.width = max(console.width, _TABLE_WIDTH)
    for period_type in dict.fromkeys(str(row["period_type"]) for row in rows):
        chosen = [row for row in rows if row["period_type"] == period_type]
        first, last = chosen[0]["period_start"], chosen[0]["period_end"]
        table = Table(
            title=f"{period_type} snapshots, {first if first == last else f'{first} to {last}'}",
            title_justify="left",
            box=SIMPLE_HEAD,
        )
        table.add_column("Location", no_wrap=True)
        for metric in METRICS:
            words = metric.name.capitalize().split("_")
            # A heading is broken between its words only.
            table.add_column(" ".join(words), justify="right", min_width=max(map(len, words)))
        for row in chosen:
            figures = [_figure(row[metric.name]) for metric in METRICS]
            table.add_row(str(row["location_name"]), *figures)
        console.print(table)


def _figure(value: int | Decimal | None) -> str:
    """Return a figure as the table shows it: thousands separated, with the column's decimals."""
    return "none" if value is None else f"{value:,}"


def _show_summary(
    outcomes: list[DagOutcome], counts: dict[str, int], output: Output, *, seconds: float
) -> None:
    stored = ", ".join(f"{count} {period_type}" for period_type, count in counts.items())
    output.line(
        f"{counted(len(outcomes), 'DAG')} ran in Airflow, and analytics_snapshots has {stored} "
        f"rows; {seconds:.1f} s in all. Nothing is left running."
    )
    output.line("Next: `analytics-scheduler up` keeps it running with the Airflow UI. README.md")
    output.line("describes how to use it with a database of your own.")


def _show_log(log: Path, outcomes: list[DagOutcome], output: Output) -> None:
    output.line(f"Airflow's own log: {log}")
    for outcome in outcomes:
        if not outcome.is_success:
            output.error_line(f"{outcome.dag} failed ({outcome.reason}); see {log}")
