"""The errors of the package. Each message says what is wrong and what to do.

A condition that code decides on has a class of its own; no code looks at the text of a message.
"""

from __future__ import annotations


class AnalyticsError(Exception):
    """Base of every error whose message is enough for a user to act: no traceback is needed."""


class SettingError(AnalyticsError):
    """A setting has an invalid value."""


class NotConfiguredError(SettingError):
    """A server is needed, but neither a setting nor an Airflow connection names it."""


class PeriodError(AnalyticsError):
    """A date or a range of dates does not name complete periods."""


class DatabaseUnavailableError(AnalyticsError):
    """The database cannot be reached, or the connection was lost."""


class DatabaseRefusedError(AnalyticsError):
    """The database rejected a statement: a privilege, a lock, the time limit, the data."""


class TimeUpError(AnalyticsError):
    """A run has reached its time limit; what it committed stays, and another attempt continues."""


class SchemaError(AnalyticsError):
    """The source breaks its contract, or the package's tables are missing or have another shape."""


class CacheUnavailableError(AnalyticsError):
    """The cache cannot be reached, or does not accept writes."""


class AlertNotSentError(AnalyticsError):
    """An alert did not arrive, or the webhook's URL leads to an address it must not be sent to."""


class LocalServerError(AnalyticsError):
    """An embedded server is not installed, or did not start."""
