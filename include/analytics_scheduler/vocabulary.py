"""Every closed list of words that the database, a receiver of alerts or a user sees.

A test compares these words with the literals and CHECK constraints of the SQL and with the enums of
the OpenAPI document. To add a word, add it here and, if a column has a CHECK, in a migration.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Vocabulary(StrEnum):
    """A closed list of words, each with its meaning."""

    meaning: str

    def __new__(cls, word: str, meaning: str = "") -> Self:
        """Create a member that is the word and has the meaning as an attribute."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.meaning = meaning
        return member

    @classmethod
    def words(cls) -> list[str]:
        """Return the words in the order of their declaration."""
        return [member.value for member in cls]


class PeriodType(Vocabulary):
    """The column `period_type`: how long the period of a snapshot is.

    `noun` is the word for one period, and `most_days` is how many days the longest one has.
    """

    noun: str
    most_days: int

    def __new__(cls, word: str, meaning: str = "", noun: str = "", most_days: int = 0) -> Self:
        """Create a member with the attributes of a period type."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.meaning = meaning
        member.noun = noun
        member.most_days = most_days
        return member

    DAILY = "daily", "a calendar day", "day", 1
    WEEKLY = "weekly", "seven days, from the weekday that SCHEDULER_WEEK_START names", "week", 7
    MONTHLY = "monthly", "a calendar month", "month", 31

    @property
    def task(self) -> str:
        """The task, and the DAG, that writes the snapshots of these periods."""
        return f"{self.value}-snapshot"

    @classmethod
    def longer(cls) -> list[PeriodType]:
        """Return the period types whose snapshots are composed from several days."""
        return [member for member in cls if member is not cls.DAILY]

    @classmethod
    def of_task(cls, task: str) -> PeriodType | None:
        """Return the period type that a task writes, or None if it writes no snapshots."""
        return next((member for member in cls if member.task == task), None)


class Unit(Vocabulary):
    """What a figure is counted in."""

    MONEY = "money", "an amount in the currency of the costs and prices"
    PIECES = "pieces", "a number of goods"
    RATIO = "ratio", "a quotient of two amounts"
    PERCENT = "percent", "a hundred times a quotient of two amounts"

    @property
    def is_quotient(self) -> bool:
        """Whether a figure that does not fit its column is left empty, and its row still stored."""
        return self in {Unit.RATIO, Unit.PERCENT}


class MovementType(Vocabulary):
    """The column `type` of `stock_movements`."""

    IN = "in", "received: adds to the stock"
    OUT = "out", "sold: leaves the stock for its price"
    WASTE = "waste", "thrown away: leaves the stock"
    ADJUSTMENT = "adjustment", "counted: adds to the stock, or takes from it if negative"


class Outcome(Vocabulary):
    """How a run ended: the column `outcome` of `analytics_snapshot_runs`."""

    SUCCESS = "success", "everything was done"
    PARTIAL = "partial", "something was done; the report names what is missing"
    FAILED = "failed", "nothing was done, as far as is known"
    DEFERRED = "deferred", "left to the next run, because the cache was not available"


class AlertEvent(Vocabulary):
    """What an alert is about.

    The stored events are the words of the column `event` of `analytics_snapshot_alerts`, and those
    that SCHEDULER_WEBHOOK_EVENTS can select.
    """

    SUCCESS = "success", "a run wrote everything"
    FAILURE = "failure", "a run failed"
    PARTIAL = "partial", "a run missed some locations, or retention ran out of time"
    OVERDUE = "overdue", "a task has not succeeded for its latest due time"
    RECOVERED = "recovered", "a success closed an incident"
    TEST = "test", "`webhook-test` was called; sent at once and never stored"

    @property
    def opens_incident(self) -> bool:
        """Whether the event opens an incident, which a later success closes."""
        return self in {AlertEvent.FAILURE, AlertEvent.PARTIAL, AlertEvent.OVERDUE}

    @classmethod
    def stored(cls) -> list[AlertEvent]:
        """Return the events that the outbox stores: all but `test`."""
        return [member for member in cls if member is not cls.TEST]


class AlertState(Vocabulary):
    """Whether an alert was sent: the column `state` of `analytics_snapshot_alerts`."""

    WAITING = "waiting", "not delivered yet"
    DELIVERED = "delivered", "the receiver accepted it"
    GIVEN_UP = "given up", "too old to be tried again"
    NOT_WANTED = "not wanted", "SCHEDULER_WEBHOOK_EVENTS does not name the event"


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
    ADOPTED = "adopted", "the stored row is older than the package and is kept"
    INCOMPLETE = "incomplete", "some of its days are missing"
    OVERFLOW = "overflow", "a figure does not fit its column"


class VerifyFinding(Vocabulary):
    """What `verify` finds about a row, most serious first; the meaning is what a user reads."""

    MOVEMENTS_CHANGED = "movements_changed", "movements changed"
    NOT_COMPUTABLE = "not_computable", "a value is too large to be computed again"
    ROW_DIFFERS = "row_differs", "the row is not what its days give"
    STOCK_CHANGED = "stock_changed", "stock changed without a movement"
    PRICE_CHANGED = "price_changed", "cost or price changed since"
    OTHER_TIMEZONE = "other_timezone", "counted in another time zone"
    OTHER_SETTINGS = "other_settings", "computed under another COGS_INCLUDES_WASTE"
    DAYS_PRUNED = "days_pruned", "its days are pruned"
    STOCK_EDIT_NOTED = "stock_edit_noted", "stock edited, as was noted"

    @property
    def is_wrong(self) -> bool:
        """Whether the stored figures are wrong, or the data that they must be checked with."""
        return self in {
            VerifyFinding.MOVEMENTS_CHANGED,
            VerifyFinding.NOT_COMPUTABLE,
            VerifyFinding.ROW_DIFFERS,
            VerifyFinding.STOCK_CHANGED,
        }


class CheckLevel(Vocabulary):
    """How much a finding of `check` matters, the gravest first."""

    ERROR = "error", "runs fail, or leave locations out"
    WARNING = "warning", "runs succeed, but are slow, or figures may not mean what they seem to"
    NOTE = "note", "good to know; nothing is wrong"


class FreshnessState(Vocabulary):
    """Whether a task succeeds on schedule: `pulse` in the answers of the endpoints."""

    FRESH = "fresh", "it has succeeded for its latest due time"
    WAITING = "waiting", "it has not been due since it was installed"
    RUNNING = "running", "a run for its latest due time is in progress"
    OVERDUE = "overdue", "it has not succeeded for its latest due time"
    PAUSED = "paused", "it is paused in Airflow"
    UNSCHEDULED = "unscheduled", "it has no schedule"
    MISSING = "missing", "Airflow does not know its DAG"
    BROKEN = "broken", "its DAG file cannot be imported"

    @property
    def is_unhealthy(self) -> bool:
        """Whether the task will not succeed until somebody acts."""
        return self in {FreshnessState.OVERDUE, FreshnessState.MISSING, FreshnessState.BROKEN}


class Bookkeeping(Vocabulary):
    """What retention deletes beside snapshots: `kind` in the report of `prune`."""

    DAYS = "days", "what the days of deleted snapshots were computed from"
    REVISIONS = "revisions", "earlier figures of deleted snapshots"
    ADOPTED_MARKS = "adopted marks", "marks of deleted snapshots that are older than the package"
    RUNS = "runs", "records of runs"
    ALERTS = "alerts", "alerts that are settled"
    PRICES = "prices", "costs and prices that no stored day is valued at"


class ServerState(Vocabulary):
    """What is known of a server: `state` in the answer of `GET health`."""

    OK = "ok", "it responds"
    DOWN = "down", "it is needed or configured, and does not respond"
    NOT_CONFIGURED = "not configured", "it is optional, and no setting names it"


class HealthStatus(Vocabulary):
    """The result of `GET health`."""

    HEALTHY = "healthy", "every configured server responds, and every task is on time"
    DEGRADED = "degraded", "the cache is down; snapshots are still written"
    UNHEALTHY = "unhealthy", "the database is down, or a task is overdue, missing or broken"


class BalanceSource(Vocabulary):
    """What the closing stock of days is counted from: the parameter `balance_source`."""

    STOCK = "stock", "the stock on hand, back over all movements since"
    DAY_BEFORE = "day_before", "the stored day before them, forward over their own movements"
    DAY_AFTER = "day_after", "the stored day after them, back over their own movements"
