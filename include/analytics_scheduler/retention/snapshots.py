"""Prune, or count, the snapshots of one kind: date by date from the oldest, page by page."""

from __future__ import annotations

from datetime import date
from typing import Any

from analytics_scheduler.periods import Calendar
from analytics_scheduler.retention.cutoffs import Cutoffs, periods_served
from analytics_scheduler.retention.report import Tally
from analytics_scheduler.retention.transactions import Session
from analytics_scheduler.vocabulary import PeriodType


def prune_kind(
    session: Session,
    calendar: Calendar,
    cutoffs: Cutoffs,
    period_type: PeriodType,
    tally: Tally,
    *,
    dry_run: bool,
) -> None:
    """Delete the rows of a kind that are over, or count them; the tally takes what happened."""
    cutoff = cutoffs.of(period_type)
    if cutoff is None:
        return
    due = session.rows("list_due_dates", {"period_type": period_type.value, "cutoff": cutoff})
    for (period_end,) in due:
        if session.is_time_up():
            tally.is_complete = False
            return
        week, month = (
            periods_served(calendar, period_end, cutoffs)
            if period_type is PeriodType.DAILY
            else (None, None)
        )
        judgement = {
            "period_type": period_type.value,
            "period_end": period_end,
            "waits_for_week": week is not None,
            "waits_for_month": month is not None,
        }
        counts = (_count_date if dry_run else _prune_date)(session, judgement, tally)
        tally.gone[period_type.value] += counts["gone"]
        tally.gone["adopted marks"] += counts["marks"]
        tally.note_held(period_end, counts["held"])
        tally.note_missing(week, counts["lack_week"])
        tally.note_missing(month, counts["lack_month"])


def _prune_date(session: Session, judgement: dict[str, Any], tally: Tally) -> dict[str, int]:
    total = dict.fromkeys(("gone", "marks", "lack_week", "lack_month", "held"), 0)
    place: dict[str, Any] = {"after_location": None, "after_start": None}
    while True:
        page = session.row(
            "prune_date",
            {**judgement, **place, "page_size": session.page_size},
            judged=session.part("_judged_date"),
        )
        if page.last_location is None:
            return total
        for name in total:
            total[name] += getattr(page, name)
        session.progress(tally.gone.total() + total["gone"])
        if page.page_rows < session.page_size or session.is_time_up():
            return total
        place = {"after_location": page.last_location, "after_start": page.last_start}


def _count_date(session: Session, judgement: dict[str, Any], tally: Tally) -> dict[str, int]:
    everything = {"after_location": None, "after_start": None, "page_size": None}
    row = session.row(
        "count_date", {**judgement, **everything}, judged=session.part("_judged_date")
    )
    tally.gone["days"] += row.described_days
    tally.gone["revisions"] += row.revisions
    return {name: getattr(row, name) for name in row._fields}


def oldest_kept_day(
    session: Session, cutoffs: Cutoffs, tally: Tally, *, dry_run: bool
) -> date | None:
    """Return the oldest day that has, or after a dry run would have, a daily snapshot."""
    from_day = cutoffs.daily if dry_run else None
    stored = session.row("read_oldest_day", {"from_day": from_day}).oldest_day
    days = [day for day in (stored, cutoffs.daily, *tally.held_days) if day is not None]
    return min(days, default=None)
