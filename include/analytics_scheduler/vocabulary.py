"""Every closed list of words that the database, a receiver of alerts or a user sees.

SQL literals, CHECK constraints and the enums of the OpenAPI document hold the same words; a test
compares them. Add a word here, and in a migration where a table has a CHECK.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Vocabulary(StrEnum):
    """A closed list of words, each with its meaning."""

    meaning: str

    def __new__(cls, word: str, meaning: str = "") -> Self:
        """Make a member that is the word, and carries its meaning."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.meaning = meaning
        return member

    @classmethod
    def words(cls) -> list[str]:
        """Return the words, in the order in which they stand here."""
        return [member.value for member in cls]


class PeriodType(Vocabulary):
    """The column `period_type`: how long the period of a snapshot is."""

    DAILY = "daily", "a calendar day"
    WEEKLY = "weekly", "seven days, from the weekday that SCHEDULER_WEEK_START names"
    MONTHLY = "monthly", "a calendar month"

    @property
    def noun(self) -> str:
        """The word for one period: day, week or month."""
        return {"daily": "day", "weekly": "week", "monthly": "month"}[self.value]


class MovementType(Vocabulary):
    """The column `type` of `stock_movements`."""

    IN = "in", "received: adds to the stock"
    OUT = "out", "sold: leaves the stock, and earns its price"
    WASTE = "waste", "thrown away: leaves the stock"
    ADJUSTMENT = "adjustment", "counted: adds to the stock, or takes away where it is negative"


class Outcome(Vocabulary):
    """How a run ended: the column `outcome` of `analytics_snapshot_runs`."""

    SUCCESS = "success", "everything was done"
    PARTIAL = "partial", "some of it was done, and the report names the rest"
    FAILED = "failed", "nothing is known to have been done"
    DEFERRED = "deferred", "put off to the next run, because the cache could not do it"


class AlertEvent(Vocabulary):
    """What an alert is about: the column `event` of `analytics_snapshot_alerts`."""

    SUCCESS = "success", "a run wrote everything"
    FAILURE = "failure", "a run failed"
    PARTIAL = "partial", "a run missed some locations, or retention ran out of time"
    OVERDUE = "overdue", "a task has not succeeded for its latest due time"
    RECOVERED = "recovered", "a success closed an incident"

    @property
    def opens_incident(self) -> bool:
        """Whether the event opens an incident, which a later success closes."""
        return self in {AlertEvent.FAILURE, AlertEvent.PARTIAL, AlertEvent.OVERDUE}


class AlertState(Vocabulary):
    """What became of an alert: the column `state` of `analytics_snapshot_alerts`."""

    WAITING = "waiting", "not delivered yet"
    DELIVERED = "delivered", "the receiver accepted it"
    GIVEN_UP = "given up", "too old to be tried again"
    NOT_WANTED = "not wanted", "SCHEDULER_WEBHOOK_EVENTS leaves the event out"


class RevisionReason(Vocabulary):
    """Why a stored row changed: the column `reason` of `analytics_snapshot_revisions`."""

    LATE_DATA = "late data", "movements of its days were booked, changed or deleted afterwards"
    SETTINGS = "settings", "its days were computed again under other settings"
    RERUN = "re-run", "it was computed again on request"


class RowStatus(Vocabulary):
    """How a composed row compares with the stored one."""

    NEW = "new", "there is no stored row"
    CHANGED = "changed", "the stored row has other figures"
    SAME = "same", "the stored row has the same figures"
    ADOPTED = "adopted", "the stored row is older than the package, and is kept"
    INCOMPLETE = "incomplete", "some of its days are missing"
    OVERFLOW = "overflow", "a figure does not fit its column"


class VerifyFinding(Vocabulary):
    """What `verify` finds about a row, the gravest first; the meaning is what a user reads."""

    MOVEMENTS_CHANGED = "movements_changed", "movements changed"
    ROW_DIFFERS = "row_differs", "the row is not what its days give"
    STOCK_CHANGED = "stock_changed", "stock changed without a movement"
    PRICE_CHANGED = "price_changed", "cost or price changed since"
    OTHER_TIMEZONE = "other_timezone", "counted in another time zone"
    DAYS_PRUNED = "days_pruned", "its days are pruned"
    STOCK_EDIT_NOTED = "stock_edit_noted", "stock edited, as was noted"

    @property
    def is_wrong(self) -> bool:
        """Whether the stored figures are wrong, rather than old or impossible to check."""
        return self in {
            VerifyFinding.MOVEMENTS_CHANGED,
            VerifyFinding.ROW_DIFFERS,
            VerifyFinding.STOCK_CHANGED,
        }


class CheckLevel(Vocabulary):
    """How much a finding of `check` matters, the gravest first."""

    ERROR = "error", "runs fail, or leave locations out"
    WARNING = "warning", "runs succeed, but are slow, or figures may not mean what they seem to"
    NOTE = "note", "good to know; nothing is wrong"


class FreshnessState(Vocabulary):
    """What is known of a task that runs on a schedule: `pulse` in the answers of the endpoints."""

    FRESH = "fresh", "it has succeeded for its latest due time"
    WAITING = "waiting", "no due time has come since it exists"
    RUNNING = "running", "a run for its latest due time is under way"
    OVERDUE = "overdue", "it has not succeeded for its latest due time"
    PAUSED = "paused", "it is paused in Airflow"
    UNSCHEDULED = "unscheduled", "it has no schedule"
