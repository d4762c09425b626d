"""The errors of the package: one family, each message says what is wrong and what to do."""

from __future__ import annotations


class AnalyticsError(Exception):
    """Base of every error that a user is meant to read: no traceback is needed to act on it."""


class SettingError(AnalyticsError):
    """A setting has a value that cannot be used."""


class NotConfiguredError(SettingError):
    """A server is needed and neither a setting nor an Airflow connection names it."""


class PeriodError(AnalyticsError):
    """A date or range does not name a complete period."""


class DatabaseUnavailableError(AnalyticsError):
    """The database cannot be reached, or the connection to it was lost."""


class DatabaseRefusedError(AnalyticsError):
    """The database answered, but refused the statement (privilege, lock, time limit, data)."""


class SchemaError(AnalyticsError):
    """The source contract is broken, or the package's own tables are missing or of another form."""


class CacheUnavailableError(AnalyticsError):
    """The cache cannot be reached, or does not accept writes."""


class SnapshotIncompleteError(AnalyticsError):
    """A run ended, but at least one expected row was not written."""


class AlertNotSentError(AnalyticsError):
    """An alert did not arrive, or must not be sent where the webhook's URL leads."""


class LocalServerError(AnalyticsError):
    """An embedded server is not installed, or does not start."""
