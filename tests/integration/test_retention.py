"""Retention deletes what is over, and never what a week, a month or nobody else holds."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from psycopg import Connection

from analytics_scheduler.database import connected
from analytics_scheduler.periods import Calendar
from analytics_scheduler.retention import PruneReport, prune
from analytics_scheduler.settings import DatabaseSettings, RetentionSettings

# A Wednesday: days up to Wednesday, 11 March, are more than 90 days over.
MOMENT = datetime(2026, 6, 10, 5, 30, tzinfo=UTC)
FIRST_KEPT_DAY = date(2026, 3, 12)
SUNDAY_WEEKS = Calendar(ZoneInfo("UTC"), 6)


@dataclass(frozen=True, slots=True)
class Archive:
    """The snapshots of one test database; every call commits."""

    connection: Connection[Any]
    settings: DatabaseSettings

    def location(self, *, is_active: bool = True) -> UUID:
        new_id = uuid4()
        self.execute("INSERT INTO locations VALUES (%s, 'Corner shop', %s)", new_id, is_active)
        self.execute("INSERT INTO analytics_snapshot_locations VALUES (%s)", new_id)
        return new_id

    def snapshot(
        self, location: UUID, period_type: str, start: date, end: date | None = None
    ) -> UUID:
        new_id = uuid4()
        self.execute(
            "INSERT INTO analytics_snapshots (id, location_id, period_type, period_start,"
            " period_end) VALUES (%s, %s, %s, %s, %s)",
            new_id,
            location,
            period_type,
            start,
            end or start,
        )
        return new_id

    def days(self, location: UUID, first: date, last: date) -> None:
        """Store daily snapshots with their bookkeeping."""
        for number in range((last - first).days + 1):
            self.snapshot(location, "daily", first + timedelta(days=number))
            self.bookkeeping(location, first + timedelta(days=number))

    def bookkeeping(self, location: UUID, day: date) -> None:
        self.execute(
            "INSERT INTO analytics_snapshot_days (location_id, day, movements, in_items, out_items,"
            " waste_items, adjustment_items, in_cents, out_cents, waste_cents, adjustment_cents,"
            " revenue_cents, cogs_cents, closing_items, closing_cents, fingerprint, timezone,"
            " priced_at, processed_at, run_id) VALUES (%s, %s, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,"
            " 0, 0, 'UTC', now(), now(), 'test')",
            location,
            day,
        )

    def revision(
        self, location: UUID, period_type: str, start: date, end: date | None = None
    ) -> None:
        self.execute(
            "INSERT INTO analytics_snapshot_revisions (location_id, period_type, period_start,"
            " period_end, old_figures, new_figures, reason, run_id)"
            " VALUES (%s, %s, %s, %s, '{}', '{}', 'late data', 'test')",
            location,
            period_type,
            start,
            end or start,
        )

    def composed(self, location: UUID, *starts: tuple[str, date, date]) -> None:
        for period_type, start, end in starts:
            self.snapshot(location, period_type, start, end)

    def prune(self, *, dry_run: bool = False, **options: Any) -> PruneReport:
        environ = options.pop("environ", {})
        return prune(
            self.connection,
            self.settings,
            RetentionSettings.load(environ),
            SUNDAY_WEEKS,
            moment=options.pop("moment", MOMENT),
            dry_run=dry_run,
            **options,
        )

    def kept(self, period_type: str = "daily") -> list[date]:
        rows = self.connection.execute(
            "SELECT period_start FROM analytics_snapshots WHERE period_type = %s ORDER BY 1",
            (period_type,),
        ).fetchall()
        self.connection.rollback()
        return [row[0] for row in rows]

    def count(self, table: str) -> int:
        row = self.connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        self.connection.rollback()
        return int(row[0]) if row else 0

    def execute(self, query: str, *values: object) -> None:
        self.connection.execute(query, values)
        self.connection.commit()


@pytest.fixture
def archive(connection: Connection[Any], database_settings: DatabaseSettings) -> Archive:
    return Archive(connection, database_settings)


@pytest.fixture
def shop(archive: Archive) -> UUID:
    """Give a location whose week and month around the cutoff are composed."""
    location = archive.location()
    archive.composed(
        location,
        ("weekly", date(2026, 3, 1), date(2026, 3, 7)),
        ("weekly", date(2026, 3, 8), date(2026, 3, 14)),
        ("monthly", date(2026, 3, 1), date(2026, 3, 31)),
    )
    return location


def test_days_older_than_their_age_go(archive: Archive, shop: UUID) -> None:
    archive.days(shop, date(2026, 3, 8), date(2026, 3, 13))

    report = archive.prune()

    assert archive.kept() == [FIRST_KEPT_DAY, date(2026, 3, 13)]
    assert (report.gone("daily"), report.gone("days"), report.warnings) == (4, 4, ())
    assert archive.count("analytics_snapshot_days") == 2


def test_what_went_is_gone_for_others_too_though_the_caller_had_read_before(
    archive: Archive, shop: UUID
) -> None:
    archive.days(shop, date(2026, 3, 9), date(2026, 3, 9))
    archive.connection.execute("SELECT 1")

    archive.prune()

    with connected(archive.settings) as other:
        assert Archive(other, archive.settings).kept() == []


def test_weeks_and_months_go_by_their_last_day(archive: Archive) -> None:
    location = archive.location()
    archive.composed(
        location,
        ("weekly", date(2024, 6, 2), date(2024, 6, 8)),
        ("weekly", date(2024, 6, 9), date(2024, 6, 15)),
        ("monthly", date(2021, 5, 1), date(2021, 5, 31)),
        ("monthly", date(2021, 6, 1), date(2021, 6, 30)),
    )

    report = archive.prune()

    assert archive.kept("weekly") == [date(2024, 6, 9)]
    assert archive.kept("monthly") == [date(2021, 6, 1)]
    assert (report.gone("weekly"), report.gone("monthly")) == (1, 1)


def test_forever_keeps_all(archive: Archive, shop: UUID) -> None:
    archive.days(shop, date(2020, 1, 1), date(2020, 1, 3))

    report = archive.prune(environ={"RETENTION_DAILY": "forever"})

    assert len(archive.kept()) == 3
    assert report.kinds[0].kept_from is None


@pytest.mark.parametrize("missing", ["weekly", "monthly"])
def test_a_day_stays_while_its_week_or_month_is_not_composed(
    archive: Archive, shop: UUID, missing: str
) -> None:
    archive.days(shop, date(2026, 3, 8), date(2026, 3, 10))
    archive.execute("DELETE FROM analytics_snapshots WHERE period_type = %s", missing)

    report = archive.prune()

    assert len(archive.kept()) == 3
    assert archive.count("analytics_snapshot_days") == 3
    assert report.kinds[0].held == 3
    (warning,) = report.warnings
    start, end = {
        "weekly": (date(2026, 3, 8), date(2026, 3, 14)),
        "monthly": (date(2026, 3, 1), date(2026, 3, 31)),
    }[missing]
    assert f"analytics-scheduler run {missing} --from {start} --to {end}" in warning

    archive.snapshot(shop, missing, start, end)
    assert archive.prune().gone("daily") == 3
    assert archive.kept() == []


def test_each_location_waits_for_its_own_week(archive: Archive, shop: UUID) -> None:
    other = archive.location(is_active=False)
    archive.days(shop, date(2026, 3, 9), date(2026, 3, 9))
    archive.days(other, date(2026, 3, 9), date(2026, 3, 9))

    report = archive.prune()

    assert (report.gone("daily"), report.kinds[0].held) == (1, 1)


def test_a_week_of_eight_days_from_before_counts_as_composed(archive: Archive) -> None:
    location = archive.location()
    archive.composed(
        location,
        ("weekly", date(2026, 3, 1), date(2026, 3, 8)),
        ("monthly", date(2026, 2, 9), date(2026, 3, 9)),
    )
    archive.days(location, date(2026, 3, 8), date(2026, 3, 8))

    assert archive.prune().gone("daily") == 1


def test_a_week_that_would_be_gone_itself_holds_nothing_back(archive: Archive) -> None:
    location = archive.location()
    archive.composed(location, ("monthly", date(2024, 5, 1), date(2024, 5, 31)))
    archive.days(location, date(2024, 5, 20), date(2024, 5, 21))

    assert archive.prune().gone("daily") == 2


def test_a_month_that_is_not_over_holds_without_a_warning(archive: Archive) -> None:
    location = archive.location()
    archive.composed(location, ("weekly", date(2026, 5, 31), date(2026, 6, 6)))
    archive.days(location, date(2026, 6, 1), date(2026, 6, 2))

    report = archive.prune(environ={"RETENTION_DAILY": "3 days"})

    assert (report.kinds[0].held, report.warnings) == (2, ())


def test_rows_from_before_the_package_go_with_their_marks(archive: Archive, shop: UUID) -> None:
    snapshot = archive.snapshot(shop, "daily", date(2026, 3, 9))
    kept = archive.snapshot(shop, "daily", date(2026, 3, 20))
    for adopted in (snapshot, kept):
        archive.execute("INSERT INTO analytics_snapshot_adopted VALUES (%s)", adopted)

    report = archive.prune()

    assert report.gone("adopted marks") == 1
    assert archive.count("analytics_snapshot_adopted") == 1


def test_revisions_go_with_the_rows_that_they_describe(archive: Archive, shop: UUID) -> None:
    archive.days(shop, date(2026, 3, 10), date(2026, 3, 12))
    for day in (10, 11, 12):
        archive.revision(shop, "daily", date(2026, 3, day))
    archive.revision(shop, "weekly", date(2026, 3, 1), date(2026, 3, 7))
    archive.revision(shop, "weekly", date(2024, 1, 7), date(2024, 1, 13))

    report = archive.prune()

    assert report.gone("revisions") == 3
    assert archive.count("analytics_snapshot_revisions") == 2


def test_records_of_runs_go_but_never_the_last_of_a_task(archive: Archive) -> None:
    for task, day in (("daily-snapshot", 1), ("daily-snapshot", 2), ("cache-cleanup", 1)):
        archive.execute(
            "INSERT INTO analytics_snapshot_runs (task, run_id, outcome, started_at, finished_at,"
            " report) VALUES (%s, 'test', 'success', %s, %s, '{}')",
            task,
            datetime(2025, 1, day, tzinfo=UTC),
            datetime(2025, 1, day, tzinfo=UTC),
        )

    report = archive.prune()

    assert (report.gone("runs"), archive.count("analytics_snapshot_runs")) == (1, 2)


def test_prices_go_when_no_stored_day_can_need_them(archive: Archive, shop: UUID) -> None:
    """The oldest stored day is 12 March: the price that held then stays, and all later ones."""
    archive.days(shop, FIRST_KEPT_DAY, FIRST_KEPT_DAY)
    milk, bread = uuid4(), uuid4()
    for product, seen in ((milk, "01-05"), (milk, "03-01"), (milk, "04-01"), (bread, "01-05")):
        archive.execute(
            "INSERT INTO analytics_snapshot_prices VALUES (%s, %s, 1, 2)",
            product,
            datetime.fromisoformat(f"2026-{seen}T00:00:00+00:00"),
        )

    report = archive.prune()

    assert report.gone("prices") == 1
    assert archive.count("analytics_snapshot_prices") == 3


def test_a_dry_run_says_what_would_go_and_deletes_nothing(archive: Archive, shop: UUID) -> None:
    archive.days(shop, date(2026, 3, 7), date(2026, 3, 12))
    archive.revision(shop, "daily", date(2026, 3, 9))
    archive.composed(shop, ("weekly", date(2024, 1, 7), date(2024, 1, 13)))
    archive.execute(
        "DELETE FROM analytics_snapshots WHERE period_start = '2026-03-01' "
        "AND period_type = 'weekly'"
    )
    before = {table: archive.count(table) for table in TABLES}

    foretold = archive.prune(dry_run=True)

    assert {table: archive.count(table) for table in TABLES} == before
    done = archive.prune()
    assert foretold.kinds == done.kinds
    assert foretold.warnings == done.warnings
    assert (done.gone("daily"), done.kinds[0].held, done.gone("weekly")) == (4, 1, 1)


TABLES = (
    "analytics_snapshots",
    "analytics_snapshot_days",
    "analytics_snapshot_revisions",
    "analytics_snapshot_runs",
)


def test_a_moment_in_the_future_makes_no_row_older(archive: Archive) -> None:
    location = archive.location()
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    archive.days(location, yesterday, yesterday)

    report = archive.prune(moment=datetime(2999, 1, 1, tzinfo=UTC))

    assert archive.kept() == [yesterday]
    assert report.today <= yesterday + timedelta(days=2)


def test_rows_that_others_hold_are_passed_over_and_go_next_time(
    archive: Archive, shop: UUID
) -> None:
    archive.days(shop, date(2026, 3, 9), date(2026, 3, 11))
    with connected(archive.settings) as other:
        other.execute(
            "SELECT FROM analytics_snapshots WHERE period_start = '2026-03-10' FOR UPDATE"
        )
        report = archive.prune()
        other.rollback()

    assert report.gone("daily") == 2
    assert archive.kept() == [date(2026, 3, 10)]
    assert archive.count("analytics_snapshot_days") == 1
    assert archive.prune().gone("daily") == 1


def test_a_location_that_a_run_works_on_keeps_its_bookkeeping_for_now(
    archive: Archive, shop: UUID
) -> None:
    archive.days(shop, date(2026, 3, 9), date(2026, 3, 11))
    with connected(archive.settings) as other:
        other.execute("SELECT FROM analytics_snapshot_locations FOR UPDATE")
        report = archive.prune()
        other.rollback()

    assert (report.gone("daily"), report.gone("days")) == (3, 0)
    assert archive.prune().gone("days") == 3


def test_a_prune_whose_time_is_up_is_taken_up_by_the_next(archive: Archive, shop: UUID) -> None:
    archive.days(shop, date(2026, 3, 9), date(2026, 3, 11))

    stopped = archive.prune(time_limit_seconds=0)

    assert (stopped.gone("daily"), stopped.outcome) == (0, "partial")
    assert "the next run goes on" in stopped.warnings[-1]
    assert archive.prune().outcome == "success"
    assert archive.kept() == []


def test_a_date_with_more_rows_than_a_page_goes_page_by_page(archive: Archive) -> None:
    archive.execute(
        "INSERT INTO locations SELECT gen_random_uuid(), 'Shop ' || n, true"
        " FROM generate_series(1, 11) n"
    )
    archive.execute("INSERT INTO analytics_snapshot_locations SELECT id FROM locations")
    archive.execute(
        "INSERT INTO analytics_snapshots (location_id, period_type, period_start, period_end)"
        " SELECT id, 'weekly', '2024-01-07', '2024-01-13' FROM locations"
    )
    seen: list[int] = []

    report = archive.prune(rows_a_transaction=4, on_progress=seen.append)

    assert report.gone("weekly") == 11
    assert seen[:3] == [4, 8, 11]


def test_a_page_of_rows_that_stay_does_not_hold_up_the_next(archive: Archive, shop: UUID) -> None:
    """Each page is one row; the rows of the other two locations wait for their weeks."""
    for location in (archive.location(), archive.location(), shop):
        archive.days(location, date(2026, 3, 9), date(2026, 3, 9))

    report = archive.prune(rows_a_transaction=1)

    assert (report.gone("daily"), report.kinds[0].held) == (1, 2)


def test_an_interrupted_prune_leaves_whole_pages(archive: Archive, shop: UUID) -> None:
    archive.days(shop, date(2026, 3, 8), date(2026, 3, 11))

    def interrupt(rows: int) -> None:
        if rows == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        archive.prune(on_progress=interrupt)

    assert archive.kept() == [date(2026, 3, 10), date(2026, 3, 11)]
    assert archive.prune().gone("daily") == 2
    assert archive.count("analytics_snapshot_days") == 0


def test_two_prunes_at_once_share_the_work(archive: Archive, shop: UUID) -> None:
    archive.days(shop, date(2026, 1, 1), date(2026, 3, 11))
    archive.execute(
        "INSERT INTO analytics_snapshots (location_id, period_type, period_start, period_end)"
        " SELECT %s, 'monthly', m, m + interval '1 month' - interval '1 day'"
        " FROM generate_series('2026-01-01'::date, '2026-02-01', '1 month') m",
        shop,
    )
    archive.execute(
        "INSERT INTO analytics_snapshots (location_id, period_type, period_start, period_end)"
        " SELECT %s, 'weekly', w, w + interval '6 days'"
        " FROM generate_series('2025-12-28'::date, '2026-02-28', '1 week') w",
        shop,
    )
    reports: list[PruneReport] = []

    def prune_beside() -> None:
        with connected(archive.settings) as other:
            reports.append(Archive(other, archive.settings).prune())

    thread = threading.Thread(target=prune_beside)
    thread.start()
    reports.append(archive.prune())
    thread.join(timeout=60)

    assert sum(report.gone("daily") for report in reports) == 70
    assert archive.kept() == []
