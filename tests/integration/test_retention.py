"""`prune` deletes what is older than it is kept, and nothing that is still needed."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from tests.support.snapshots import StoredSnapshots

from analytics_scheduler.database import connected
from analytics_scheduler.periods import Calendar
from analytics_scheduler.queries import Queries
from analytics_scheduler.retention import PruneReport, prune
from analytics_scheduler.settings import DatabaseSettings, RetentionSettings
from analytics_scheduler.vocabulary import Bookkeeping, Outcome, PeriodType

# A Wednesday. 90 days before it is Thursday, 12 March: the first day that is kept.
MOMENT = datetime(2026, 6, 10, 5, 30, tzinfo=UTC)
FIRST_KEPT_DAY = date(2026, 3, 12)
SUNDAY_WEEKS = Calendar(ZoneInfo("UTC"), 6)


def pruned(
    stored: StoredSnapshots,
    *,
    moment: datetime = MOMENT,
    environ: Mapping[str, str] | None = None,
    **options: Any,
) -> PruneReport:
    return prune(
        Queries(stored.connection, DatabaseSettings.load({})),
        RetentionSettings.load(environ or {}),
        SUNDAY_WEEKS,
        moment=moment,
        **options,
    )


@pytest.fixture
def shop(stored: StoredSnapshots) -> UUID:
    """Give a location whose weeks and month around the first kept day are composed."""
    location = stored.known_location()
    stored.snapshot(location, "weekly", date(2026, 3, 1), date(2026, 3, 7))
    stored.snapshot(location, "weekly", date(2026, 3, 8), date(2026, 3, 14))
    stored.snapshot(location, "monthly", date(2026, 3, 1), date(2026, 3, 31))
    return location


def test_prune_old_days(stored: StoredSnapshots, shop: UUID) -> None:
    stored.days(shop, date(2026, 3, 8), date(2026, 3, 13))

    report = pruned(stored)

    assert stored.starts() == [FIRST_KEPT_DAY, date(2026, 3, 13)]
    assert report.deleted(PeriodType.DAILY) == report.deleted(Bookkeeping.DAYS) == 4
    assert report.warnings == ()
    assert stored.count("analytics_snapshot_days") == 2


def test_prune_commits(
    stored: StoredSnapshots, shop: UUID, database_settings: DatabaseSettings
) -> None:
    """Also if the caller had begun a transaction by reading."""
    stored.days(shop, date(2026, 3, 9), date(2026, 3, 9))
    stored.connection.execute("SELECT 1")

    pruned(stored)

    with connected(database_settings) as other:
        assert StoredSnapshots(other).starts() == []


def test_prune_weeks_and_months_by_last_day(stored: StoredSnapshots) -> None:
    location = stored.known_location()
    stored.snapshot(location, "weekly", date(2024, 6, 2), date(2024, 6, 8))
    stored.snapshot(location, "weekly", date(2024, 6, 9), date(2024, 6, 15))
    stored.snapshot(location, "monthly", date(2021, 5, 1), date(2021, 5, 31))
    stored.snapshot(location, "monthly", date(2021, 6, 1), date(2021, 6, 30))

    report = pruned(stored)

    assert stored.starts("weekly") == [date(2024, 6, 9)]
    assert stored.starts("monthly") == [date(2021, 6, 1)]
    assert (report.deleted(PeriodType.WEEKLY), report.deleted(PeriodType.MONTHLY)) == (1, 1)


def test_prune_forever_keeps_all(stored: StoredSnapshots, shop: UUID) -> None:
    stored.days(shop, date(2020, 1, 1), date(2020, 1, 3))

    report = pruned(stored, environ={"RETENTION_DAILY": "forever"})

    assert len(stored.starts()) == 3
    assert report.tables[0].kept_from is None


@pytest.mark.parametrize(
    ("missing", "start", "end"),
    [
        ("weekly", date(2026, 3, 8), date(2026, 3, 14)),
        ("monthly", date(2026, 3, 1), date(2026, 3, 31)),
    ],
)
def test_day_waits_for_its_week_and_month(
    stored: StoredSnapshots, shop: UUID, missing: str, start: date, end: date
) -> None:
    stored.days(shop, date(2026, 3, 8), date(2026, 3, 10))
    stored.execute("DELETE FROM analytics_snapshots WHERE period_type = %s", missing)

    report = pruned(stored)

    assert len(stored.starts()) == 3
    assert stored.count("analytics_snapshot_days") == 3
    assert report.held == 3
    (warning,) = report.warnings
    noun = PeriodType(missing).noun
    assert f"1 {noun} between {start} and {end} has not been composed for up to 1 loc" in warning
    assert f"analytics-scheduler run {missing} --from {start} --to {end}" in warning

    stored.snapshot(shop, missing, start, end)
    assert pruned(stored).deleted(PeriodType.DAILY) == 3
    assert stored.starts() == []


def test_warning_counts_weeks_and_locations(stored: StoredSnapshots, shop: UUID) -> None:
    """The weeks of 1 and 8 March are missing; the second one for two locations."""
    stored.execute("DELETE FROM analytics_snapshots WHERE period_type = 'weekly'")
    other = stored.known_location()
    stored.snapshot(other, "monthly", date(2026, 3, 1), date(2026, 3, 31))
    stored.days(shop, date(2026, 3, 7), date(2026, 3, 9))
    stored.days(other, date(2026, 3, 9), date(2026, 3, 9))

    report = pruned(stored, rows_a_transaction=1)

    assert report.held == 4
    (warning,) = report.warnings
    assert warning.startswith(
        "2 weeks between 2026-03-01 and 2026-03-14 have not been composed for up to 2 locations,"
    )


def test_each_location_waits_for_its_own_week(stored: StoredSnapshots, shop: UUID) -> None:
    other = stored.known_location(is_active=False)
    stored.days(shop, date(2026, 3, 9), date(2026, 3, 9))
    stored.days(other, date(2026, 3, 9), date(2026, 3, 9))

    report = pruned(stored)

    assert (report.deleted(PeriodType.DAILY), report.held) == (1, 1)


def test_adopted_week_of_8_days_counts_as_composed(stored: StoredSnapshots) -> None:
    location = stored.known_location()
    stored.snapshot(location, "weekly", date(2026, 3, 1), date(2026, 3, 8))
    stored.snapshot(location, "monthly", date(2026, 2, 9), date(2026, 3, 9))
    stored.days(location, date(2026, 3, 8), date(2026, 3, 8))

    assert pruned(stored).deleted(PeriodType.DAILY) == 1


def test_day_does_not_wait_for_an_expired_week(stored: StoredSnapshots) -> None:
    location = stored.known_location()
    stored.snapshot(location, "monthly", date(2024, 5, 1), date(2024, 5, 31))
    stored.days(location, date(2024, 5, 20), date(2024, 5, 21))

    assert pruned(stored).deleted(PeriodType.DAILY) == 2


def test_day_waits_for_current_month_silently(stored: StoredSnapshots) -> None:
    location = stored.known_location()
    stored.snapshot(location, "weekly", date(2026, 5, 31), date(2026, 6, 6))
    stored.days(location, date(2026, 6, 1), date(2026, 6, 2))

    report = pruned(stored, environ={"RETENTION_DAILY": "3 days"})

    assert (report.held, report.warnings) == (2, ())


def test_prune_adoption_marks(stored: StoredSnapshots, shop: UUID) -> None:
    old = stored.snapshot(shop, "daily", date(2026, 3, 9))
    kept = stored.snapshot(shop, "daily", date(2026, 3, 20))
    for adopted in (old, kept):
        stored.execute("INSERT INTO analytics_snapshot_adopted VALUES (%s)", adopted)

    report = pruned(stored)

    assert report.deleted(Bookkeeping.ADOPTED_MARKS) == 1
    assert stored.count("analytics_snapshot_adopted") == 1


def test_prune_revisions_of_deleted_rows(stored: StoredSnapshots, shop: UUID) -> None:
    stored.days(shop, date(2026, 3, 10), date(2026, 3, 12))
    for day in (10, 11, 12):
        stored.revision(shop, "daily", date(2026, 3, day))
    stored.revision(shop, "weekly", date(2026, 3, 1), date(2026, 3, 7))
    stored.revision(shop, "weekly", date(2024, 1, 7), date(2024, 1, 13))

    report = pruned(stored)

    assert report.deleted(Bookkeeping.REVISIONS) == 3
    assert stored.count("analytics_snapshot_revisions") == 2


def store_runs(stored: StoredSnapshots) -> None:
    """Store two old runs of one task, and one of another."""
    for task, day in (("daily-snapshot", 1), ("daily-snapshot", 2), ("cache-cleanup", 1)):
        moment = datetime(2025, 1, day, tzinfo=UTC)
        stored.execute(
            "INSERT INTO analytics_snapshot_runs (task, run_id, outcome, started_at, finished_at,"
            " report) VALUES (%s, 'test', 'success', %s, %s, '{}')",
            task,
            moment,
            moment,
        )


def test_prune_runs_but_the_last_of_a_task(stored: StoredSnapshots) -> None:
    store_runs(stored)

    report = pruned(stored)

    assert report.deleted(Bookkeeping.RUNS) == 1
    assert stored.count("analytics_snapshot_runs") == 2


def store_prices(stored: StoredSnapshots) -> None:
    """Store three prices of one product, and one of another."""
    milk, bread = uuid4(), uuid4()
    for product, seen in ((milk, "01-05"), (milk, "03-01"), (milk, "04-01"), (bread, "01-05")):
        stored.execute(
            "INSERT INTO analytics_snapshot_prices VALUES (%s, %s, 1, 2)",
            product,
            datetime.fromisoformat(f"2026-{seen}T00:00:00+00:00"),
        )


def test_prune_prices_before_the_oldest_day(stored: StoredSnapshots, shop: UUID) -> None:
    """The oldest stored day is 12 March: the prices of 1 March and 5 January were valid then."""
    stored.days(shop, FIRST_KEPT_DAY, FIRST_KEPT_DAY)
    store_prices(stored)

    report = pruned(stored)

    assert report.deleted(Bookkeeping.PRICES) == 1
    assert stored.count("analytics_snapshot_prices") == 3


TABLES = (
    "analytics_snapshots",
    "analytics_snapshot_adopted",
    "analytics_snapshot_days",
    "analytics_snapshot_prices",
    "analytics_snapshot_revisions",
    "analytics_snapshot_runs",
)


def test_dry_run_counts_and_deletes_nothing(stored: StoredSnapshots, shop: UUID) -> None:
    stored.days(shop, date(2026, 3, 7), date(2026, 3, 12))
    stored.revision(shop, "daily", date(2026, 3, 9))
    old_week = stored.snapshot(shop, "weekly", date(2024, 1, 7), date(2024, 1, 13))
    stored.execute("INSERT INTO analytics_snapshot_adopted VALUES (%s)", old_week)
    stored.execute(
        "DELETE FROM analytics_snapshots WHERE period_start = '2026-03-01' "
        "AND period_type = 'weekly'"
    )
    store_runs(stored)
    store_prices(stored)
    before = {table: stored.count(table) for table in TABLES}

    expected = pruned(stored, dry_run=True)

    assert {table: stored.count(table) for table in TABLES} == before
    done = pruned(stored)
    assert expected.tables == done.tables
    assert expected.warnings == done.warnings
    counts = {str(count.table): count.deleted for count in done.tables}
    assert counts == {
        "daily": 4,
        "weekly": 1,
        "monthly": 0,
        "days": 4,
        "revisions": 1,
        "adopted marks": 1,
        "runs": 1,
        "alerts": 0,
        "prices": 1,
    }
    assert done.held == 1


def test_dry_run_counts_the_rows_of_every_page(stored: StoredSnapshots, shop: UUID) -> None:
    stored.days(shop, date(2026, 3, 8), date(2026, 3, 11))
    for _ in range(4):
        store_runs(stored)

    report = pruned(stored, dry_run=True, rows_a_transaction=1)

    assert report.deleted(PeriodType.DAILY) == report.deleted(Bookkeeping.DAYS) == 4
    assert report.deleted(Bookkeeping.RUNS) == 4  # those of each task's last day are kept


def test_moment_in_the_future_counts_as_now(stored: StoredSnapshots) -> None:
    location = stored.known_location()
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    stored.days(location, yesterday, yesterday)

    report = pruned(stored, moment=datetime(2999, 1, 1, tzinfo=UTC))

    assert stored.starts() == [yesterday]
    assert report.today <= yesterday + timedelta(days=2)


def test_locked_rows_are_left_to_the_next_prune(
    stored: StoredSnapshots, shop: UUID, database_settings: DatabaseSettings
) -> None:
    stored.days(shop, date(2026, 3, 9), date(2026, 3, 11))
    with connected(database_settings) as other:
        other.execute(
            "SELECT FROM analytics_snapshots WHERE period_start = '2026-03-10' FOR UPDATE"
        )
        report = pruned(stored)
        other.rollback()

    assert report.deleted(PeriodType.DAILY) == 2
    assert stored.starts() == [date(2026, 3, 10)]
    assert stored.count("analytics_snapshot_days") == 1
    assert pruned(stored).deleted(PeriodType.DAILY) == 1


def test_locked_location_keeps_its_bookkeeping(
    stored: StoredSnapshots, shop: UUID, database_settings: DatabaseSettings
) -> None:
    stored.days(shop, date(2026, 3, 9), date(2026, 3, 11))
    with connected(database_settings) as other:
        other.execute("SELECT FROM analytics_snapshot_locations FOR UPDATE")
        report = pruned(stored)
        other.rollback()

    assert (report.deleted(PeriodType.DAILY), report.deleted(Bookkeeping.DAYS)) == (3, 0)
    assert pruned(stored).deleted(Bookkeeping.DAYS) == 3


def test_time_limit_leaves_the_rest_to_the_next(stored: StoredSnapshots, shop: UUID) -> None:
    stored.days(shop, date(2026, 3, 9), date(2026, 3, 11))

    stopped = pruned(stored, time_limit_seconds=0)

    assert (stopped.deleted(PeriodType.DAILY), stopped.outcome) == (0, Outcome.PARTIAL)
    assert "The next run continues" in stopped.warnings[-1]
    assert pruned(stored).outcome is Outcome.SUCCESS
    assert stored.starts() == []


def test_prune_in_pages(stored: StoredSnapshots) -> None:
    stored.execute(
        "INSERT INTO locations SELECT gen_random_uuid(), 'Shop ' || n, true"
        " FROM generate_series(1, 11) n"
    )
    stored.execute("INSERT INTO analytics_snapshot_locations SELECT id FROM locations")
    stored.execute(
        "INSERT INTO analytics_snapshots (location_id, period_type, period_start, period_end)"
        " SELECT id, 'weekly', '2024-01-07', '2024-01-13' FROM locations"
    )
    progress: list[int] = []

    report = pruned(stored, rows_a_transaction=4, on_progress=progress.append)

    assert report.deleted(PeriodType.WEEKLY) == 11
    assert progress[:3] == [4, 8, 11]


def test_held_rows_do_not_stop_the_next_page(stored: StoredSnapshots, shop: UUID) -> None:
    """Each page is one row; the rows of the other two locations wait for their weeks."""
    for location in (stored.known_location(), stored.known_location(), shop):
        stored.days(location, date(2026, 3, 9), date(2026, 3, 9))

    report = pruned(stored, rows_a_transaction=1)

    assert (report.deleted(PeriodType.DAILY), report.held) == (1, 2)


def test_interrupted_prune_leaves_whole_pages(stored: StoredSnapshots, shop: UUID) -> None:
    stored.days(shop, date(2026, 3, 8), date(2026, 3, 11))

    def interrupt(rows: int) -> None:
        if rows == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pruned(stored, on_progress=interrupt)

    assert stored.starts() == [date(2026, 3, 10), date(2026, 3, 11)]
    assert pruned(stored).deleted(PeriodType.DAILY) == 2
    assert stored.count("analytics_snapshot_days") == 0


def test_two_prunes_share_the_work(
    stored: StoredSnapshots, shop: UUID, database_settings: DatabaseSettings
) -> None:
    """From 1 January to 11 March 2026 there are 31 + 28 + 11 = 70 days."""
    stored.days(shop, date(2026, 1, 1), date(2026, 3, 11))
    stored.execute(
        "INSERT INTO analytics_snapshots (location_id, period_type, period_start, period_end)"
        " SELECT %s, 'monthly', m, m + interval '1 month' - interval '1 day'"
        " FROM generate_series('2026-01-01'::date, '2026-02-01', '1 month') m",
        shop,
    )
    stored.execute(
        "INSERT INTO analytics_snapshots (location_id, period_type, period_start, period_end)"
        " SELECT %s, 'weekly', w, w + interval '6 days'"
        " FROM generate_series('2025-12-28'::date, '2026-02-28', '1 week') w",
        shop,
    )
    reports: list[PruneReport] = []

    def prune_beside() -> None:
        with connected(database_settings) as other:
            reports.append(pruned(StoredSnapshots(other)))

    thread = threading.Thread(target=prune_beside)
    thread.start()
    reports.append(pruned(stored))
    thread.join(timeout=60)

    assert sum(report.deleted(PeriodType.DAILY) for report in reports) == 70
    assert stored.starts() == []
