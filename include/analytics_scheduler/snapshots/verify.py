"""Verification: every stored row is computed again from the movements and compared.

A stored day is computed at the prices that it was valued at, so a cost that changed since is told
apart from a movement that changed. Nothing is written: each batch ends with a rollback.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import psycopg

from analytics_scheduler.snapshots.compose import compose_planned
from analytics_scheduler.snapshots.context import prepare
from analytics_scheduler.snapshots.days import compute_days
from analytics_scheduler.snapshots.plan import group_days
from analytics_scheduler.snapshots.prices import read_history
from analytics_scheduler.snapshots.ranges import Batch, location_label
from analytics_scheduler.vocabulary import BalanceSource, VerifyFinding

if TYPE_CHECKING:
    from uuid import UUID

    from psycopg import Connection

    from analytics_scheduler.snapshots.context import RunContext, RunSettings
    from analytics_scheduler.snapshots.prices import PriceHistory

_BATCH_SIZE = 200


@dataclass(frozen=True, slots=True)
class RowFinding:
    """A stored row that differs from what the movements give, or cannot be computed again."""

    location: str
    period_type: str
    first_day: date
    last_day: date
    finding: VerifyFinding


@dataclass(slots=True)
class VerifyReport:
    """How many rows were compared, and what was found."""

    rows: int = 0
    findings: list[RowFinding] = field(default_factory=list)

    @property
    def wrong(self) -> list[RowFinding]:
        """The rows whose figures are wrong."""
        return [entry for entry in self.findings if entry.finding.is_wrong]

    def counts(self) -> dict[str, int]:
        """Return how many rows have which finding, in words."""
        return dict(Counter(entry.finding.meaning for entry in self.findings))


def verify_snapshots(
    connection: Connection[Any],
    settings: RunSettings,
    *,
    sample: int | None = None,
    progress: Callable[[VerifyReport], None] | None = None,
) -> VerifyReport:
    """Compute all stored rows again, or a random sample of them, and report what differs."""
    context = prepare(connection, settings)
    history = read_history(context.queries)
    connection.rollback()
    report = VerifyReport()
    verification = _Verification(context, history, report)
    for batch, snapshot_ids in _batches(context, sample):
        verification.verify(batch, snapshot_ids)
        if progress is not None:
            progress(report)
    return report


def _batches(context: RunContext, sample: int | None) -> Iterator[tuple[Batch, list[UUID] | None]]:
    """Give the locations that are verified, and the ids of their rows if not all of them are."""
    if sample is not None:
        rows = context.queries.run("sample_snapshots", sample=sample).fetchall()
        yield _batch_of(sorted({location for location, _ in rows})), [row_id for _, row_id in rows]
        return
    after = None
    while True:
        rows = context.queries.run("find_verified_batch", after=after, size=_BATCH_SIZE).fetchall()
        if not rows:
            return
        yield _batch_of([location for (location,) in rows]), None
        [after] = rows[-1]


def _batch_of(locations: Sequence[UUID]) -> Batch:
    return Batch.of(dict.fromkeys(locations, ""))


@dataclass(frozen=True, slots=True)
class _Verification:
    """One call of verify: what it works with, and the report that it fills."""

    context: RunContext
    history: PriceHistory
    report: VerifyReport

    def verify(self, batch: Batch, snapshot_ids: list[UUID] | None) -> None:
        """Verify a batch; if a value in it is too large, its halves, down to its location."""
        connection = self.context.connection
        try:
            self._compare_batch(batch, snapshot_ids)
        except psycopg.errors.NumericValueOutOfRange:
            connection.rollback()
            middle = len(batch.ids) // 2
            if not middle:
                self._report_not_computable(batch, snapshot_ids)
            else:
                self.verify(_batch_of(batch.ids[:middle]), snapshot_ids)
                self.verify(_batch_of(batch.ids[middle:]), snapshot_ids)
        finally:
            connection.rollback()

    def _report_not_computable(self, batch: Batch, snapshot_ids: list[UUID] | None) -> None:
        rows = self.context.queries.run(
            "list_verified_rows", locations=batch.array, snapshot_ids=snapshot_ids
        ).fetchall()
        self.report.rows += len(rows)
        for location, name, period_type, first, last in rows:
            label = location_label(location, name)
            finding = VerifyFinding.NOT_COMPUTABLE
            self.report.findings.append(RowFinding(label, period_type, first, last, finding))

    def _compare_batch(self, batch: Batch, snapshot_ids: list[UUID] | None) -> None:
        context, report = self.context, self.report
        queries = context.queries
        queries.run("plan_verified_periods", locations=batch.array, snapshot_ids=snapshot_ids)
        queries.run("plan_verified_days", timezone=context.timezone)
        queries.run("create_findings")
        compose_planned(context, force=True)
        _compare(context, self.history, batch)
        report.rows += int(queries.value("count_planned_periods"))
        for location, name, period_type, first, last, words in queries.run(
            "list_findings", timezone=context.timezone
        ):
            # The findings stand in the vocabulary from the gravest on.
            gravest = next(finding for finding in VerifyFinding if finding in words)
            label = location_label(location, name)
            report.findings.append(RowFinding(label, period_type, first, last, gravest))


def _compare(context: RunContext, history: PriceHistory, batch: Batch) -> None:
    groups = group_days(context, batch, history)
    current = history.version_at(context.priced_at)
    stock = BalanceSource.STOCK
    for group in groups:
        compute_days(context, batch, group, stock, group.locations)
        context.queries.run("compare_days", **group.price_version.parameters)
    context.queries.run("trace_closings")
    for group in groups:
        if group.price_version != current:
            moment = context.priced_at
            compute_days(context, batch, group, stock, group.locations, priced_at=moment)
            context.queries.run("compare_current_prices", priced_from=current.since)
