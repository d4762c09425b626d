"""Proof of stored figures: every row is computed again from the raw movements and compared.

A stored day is computed at the prices that it was valued at, so a cost that changed since is told
apart from a movement that changed. No figure is written: each batch ends with a rollback.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from psycopg import Connection, sql

from analytics_scheduler.database import statement
from analytics_scheduler.snapshots import days as passes
from analytics_scheduler.snapshots.context import RunContext, RunSettings
from analytics_scheduler.snapshots.plan import BatchScope
from analytics_scheduler.snapshots.prices import PriceHistory, read_history
from analytics_scheduler.snapshots.report import named
from analytics_scheduler.snapshots.run import prepare
from analytics_scheduler.vocabulary import PeriodType

# Findings that say that a stored figure is wrong, from the gravest on; the rest only inform.
WRONG = (
    "movements changed",
    "the row is not what its days give",
    "stock changed without a movement",
)
_BATCH_SIZE = 200


@dataclass(frozen=True, slots=True)
class RowFinding:
    """A stored row that differs from what the raw movements give, or that cannot be proved."""

    location: str
    period_type: str
    first_day: date
    last_day: date
    finding: str

    @property
    def is_wrong(self) -> bool:
        """Whether the figures are wrong, rather than old or not provable."""
        return self.finding in WRONG


@dataclass(slots=True)
class VerifyReport:
    """How many rows were looked at, and which cannot be vouched for."""

    rows: int = 0
    findings: list[RowFinding] = field(default_factory=list)

    @property
    def wrong(self) -> list[RowFinding]:
        """The rows whose figures are wrong."""
        return [finding for finding in self.findings if finding.is_wrong]

    def counts(self) -> dict[str, int]:
        """Return how many rows have which finding."""
        found: dict[str, int] = {}
        for entry in self.findings:
            found[entry.finding] = found.get(entry.finding, 0) + 1
        return found


def verify_snapshots(
    connection: Connection[Any],
    setup: RunSettings,
    *,
    sample: int | None = None,
    progress: Callable[[VerifyReport], None] | None = None,
) -> VerifyReport:
    """Compute all stored rows again, or a random sample of them, and report what differs."""
    context = prepare(connection, setup)
    history = read_history(connection, setup.database)
    connection.rollback()
    report = VerifyReport()
    for locations, snapshot_ids in _batches(context, sample):
        try:
            _verify_batch(context, history, locations, snapshot_ids, report)
        finally:
            connection.rollback()
        if progress is not None:
            progress(report)
    return report


def _batches(
    context: RunContext, sample: int | None
) -> Iterator[tuple[list[UUID], list[UUID] | None]]:
    if sample is not None:
        rows = _run(context, "sample_snapshots", {"sample": sample}).fetchall()
        yield sorted({row[0] for row in rows}), [row[1] for row in rows]
        return
    after = None
    while True:
        rows = _run(
            context, "find_verified_batch", {"after": after, "size": _BATCH_SIZE}
        ).fetchall()
        if not rows:
            return
        yield [row[0] for row in rows], None
        after = rows[-1][0]


def _verify_batch(
    context: RunContext,
    history: PriceHistory,
    locations: list[UUID],
    snapshot_ids: list[UUID] | None,
    report: VerifyReport,
) -> None:
    timezone = {"timezone": context.timezone}
    scope = BatchScope.of(locations)
    _run(context, "plan_verified_periods", {"locations": scope.array, "snapshot_ids": snapshot_ids})
    _run(context, "plan_verified_days", timezone)
    _run(context, "create_findings")
    context.execute(
        "compose_snapshots",
        {
            "force": True,
            "locations": scope.array,
            "first_day": date.min,
            "last_day": date.max,
            "period_types": [period_type.value for period_type in PeriodType],
        },
        planned_periods=sql.SQL("SELECT * FROM pg_temp.planned_periods"),
        days=sql.Identifier(context.setup.database.analytics_schema, "analytics_snapshot_days"),
    )
    _compare(context, history, scope)
    row = _run(context, "count_planned").fetchone()
    report.rows += int(row[0]) if row else 0
    for location, name, period_type, first, last, findings in _run(
        context, "list_findings", timezone
    ):
        gravest = next((finding for finding in WRONG if finding in findings), findings[0])
        quoted = named({location: name}, location)
        report.findings.append(RowFinding(quoted, period_type, first, last, gravest))


def _compare(context: RunContext, history: PriceHistory, scope: BatchScope) -> None:
    planned_passes = passes.plan_passes(context, scope, history)
    now = history.version_at(context.priced_at)
    for planned in planned_passes:
        passes.compute_pass(context, scope, planned, "stock", planned.locations, is_listed=True)
        limits = {
            "priced_from": planned.price_version.since,
            "priced_until": planned.price_version.until,
        }
        _run(context, "compare_days", limits)
    _run(context, "trace_closings")
    for planned in planned_passes:
        if planned.price_version != now:
            repriced = passes.repriced(planned, context.priced_at)
            passes.compute_pass(
                context, scope, repriced, "stock", planned.locations, is_listed=True
            )
            _run(context, "compare_prices", {"priced_from": now.since})


def _run(context: RunContext, name: str, parameters: dict[str, Any] | None = None) -> Any:
    composed = statement(f"{name}", context.setup.database)
    return context.connection.execute(composed, parameters or {})
