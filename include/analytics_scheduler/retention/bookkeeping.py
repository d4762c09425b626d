"""Prune what described snapshots that are gone: days, revisions, runs, alerts, old prices."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from analytics_scheduler.periods import Calendar
from analytics_scheduler.retention.cutoffs import Cutoffs, first_kept_day
from analytics_scheduler.retention.report import Tally
from analytics_scheduler.retention.snapshots import oldest_kept_day
from analytics_scheduler.retention.transactions import Session
from analytics_scheduler.setting_parsers import Age
from analytics_scheduler.vocabulary import PeriodType

RUNS_KEPT = Age(1, "year")
_LOCATIONS_A_PAGE = 1_000


def prune_bookkeeping(
    session: Session, calendar: Calendar, cutoffs: Cutoffs, tally: Tally, *, dry_run: bool
) -> None:
    """Delete, or count, the rows of the package's own tables that nothing needs any more."""
    if not dry_run:
        _prune_descriptions(session, cutoffs, tally)
    runs_kept_from = first_kept_day(RUNS_KEPT, cutoffs.today)
    if runs_kept_from is not None:
        moment = calendar.day_start(runs_kept_from)
        for kind in ("runs", "alerts"):
            _prune_stale(session, kind, moment, tally, dry_run=dry_run)
    oldest = oldest_kept_day(session, cutoffs, tally, dry_run=dry_run)
    if oldest is not None:
        _prune_stale(session, "prices", calendar.day_start(oldest), tally, dry_run=dry_run)


def _prune_descriptions(session: Session, cutoffs: Cutoffs, tally: Tally) -> None:
    if cutoffs.daily is not None:
        _prune_by_location(session, "days", {"cutoff": cutoffs.daily}, tally)
    for period_type in PeriodType:
        cutoff = cutoffs.of(period_type)
        if cutoff is not None:
            wanted = {"period_type": period_type.value, "cutoff": cutoff}
            _prune_by_location(session, "revisions", wanted, tally)


def _prune_by_location(session: Session, kind: str, wanted: dict[str, Any], tally: Tally) -> None:
    place = None
    while not session.is_time_up():
        page = session.row(
            f"prune_{kind}",
            {
                **wanted,
                "after_location": place,
                "page_size": _LOCATIONS_A_PAGE,
                "batch_size": session.page_size,
            },
        )
        tally.gone[kind] += page.gone
        session.progress(tally.gone.total())
        if page.last_location is None:
            return
        # A full batch leaves more of the same locations, unless others hold all of it.
        if page.found < session.page_size or page.gone == 0:
            place = page.last_location
    tally.is_complete = False


def _prune_stale(
    session: Session, kind: str, moment: datetime, tally: Tally, *, dry_run: bool
) -> None:
    stale = session.part(f"_stale_{kind}")
    if dry_run:
        tally.gone[kind] += session.row("count_stale", {"moment": moment}, stale=stale).gone
        return
    while not session.is_time_up():
        batch = {"moment": moment, "batch_size": session.page_size}
        gone = session.row(f"prune_{kind}", batch, stale=stale).gone
        tally.gone[kind] += gone
        if gone < session.page_size:
            return
    tally.is_complete = False
