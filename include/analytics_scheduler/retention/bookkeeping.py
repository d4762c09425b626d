"""Prune what described snapshots that are gone: days, revisions, runs, alerts, old prices."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from analytics_scheduler.periods import Calendar, Period
from analytics_scheduler.retention.cutoffs import Cutoffs, first_kept_day
from analytics_scheduler.retention.report import Tally
from analytics_scheduler.retention.session import Session
from analytics_scheduler.retention.snapshots import oldest_kept_day
from analytics_scheduler.setting_values import Age

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
    for period in Period:
        cutoff = cutoffs.of(period)
        if cutoff is not None:
            wanted = {"period_type": period.value, "cutoff": cutoff}
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
    stale = session.part(f"stale_{kind}")
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
