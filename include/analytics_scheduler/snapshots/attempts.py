"""Which errors of the database are retried, may be one location's fault, or end a run.

A reading or a batch that lost against another transaction is retried as a whole. The caller
isolates errors that one location may have caused. Errors that every location would meet are raised.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg

from analytics_scheduler.database import refusal
from analytics_scheduler.errors import DatabaseRefusedError
from analytics_scheduler.source.contract import RELATIONS

if TYPE_CHECKING:
    from psycopg import Connection

    from analytics_scheduler.queries import Queries
    from analytics_scheduler.snapshots.deadline import Deadline

_LOGGER = logging.getLogger(__name__)
# Classes of SQLSTATE that no single location causes: connection, authorization, missing or
# forbidden objects, resources, operator intervention and cancelled statements, system.
_SERVER_WIDE = frozenset({"08", "28", "42", "53", "57", "58"})
# What another transaction won: serialization failures and deadlocks (class 40), and locks.
_PASSING_CLASS = "40"
# Resources that a smaller reading or batch needs less of: temporary files, memory, disk.
_TOO_MUCH_AT_ONCE = (
    psycopg.errors.ConfigurationLimitExceeded,
    psycopg.errors.OutOfMemory,
    psycopg.errors.DiskFull,
)
_ATTEMPTS = 2
_SECONDS_BEFORE_ANOTHER = 0.5
_OWN_TABLES = (
    "analytics_snapshots",
    "analytics_snapshot_adopted",
    "analytics_snapshot_days",
    "analytics_snapshot_locations",
    "analytics_snapshot_prices",
    "analytics_snapshot_revisions",
)

Result = TypeVar("Result")


class LocationsBusyError(Exception):
    """Another run holds the locations of a batch, and has not finished in the time for a lock."""


def attempted(queries: Queries, deadline: Deadline, work: Callable[[], Result]) -> Result:
    """Do some work, and once more if it lost against another transaction.

    For another run that holds the locations, it waits as long as this run may last. Raises the
    database's error, or DatabaseRefusedError if a whole table is locked.
    """
    attempt = 1
    while True:
        try:
            return work()
        except LocationsBusyError as busy:
            require_unlocked_tables(queries)
            if not deadline.seconds_left:
                raise busy.__cause__ or busy from None
        except psycopg.Error as error:
            if not is_local(queries.connection, error):
                raise
            if isinstance(error, psycopg.errors.LockNotAvailable):
                require_unlocked_tables(queries)
            _LOGGER.warning("attempt %s failed (%s)", attempt, refusal(error))
            if attempt == _ATTEMPTS or not may_pass(error):
                raise
            attempt += 1
            time.sleep(_SECONDS_BEFORE_ANOTHER)


def may_pass(error: psycopg.Error) -> bool:
    """Whether another transaction caused an error, so that the same may succeed later."""
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return True
    return error.sqlstate is not None and error.sqlstate[:2] == _PASSING_CLASS


def is_local(connection: Connection[Any], error: psycopg.Error) -> bool:
    """Whether one location may have caused an error, rather than the server or the time limit."""
    if connection.closed or connection.broken or error.sqlstate is None:
        return False
    return error.sqlstate[:2] not in _SERVER_WIDE


def is_divisible(connection: Connection[Any], error: psycopg.Error) -> bool:
    """Whether the same work may succeed for fewer locations at a time."""
    return is_local(connection, error) or isinstance(error, _TOO_MUCH_AT_ONCE)


def require_unlocked_tables(queries: Queries) -> None:
    """Raise DatabaseRefusedError if another session keeps everybody out of a whole table."""
    probes = [
        *(("probe_source_relation", queries.settings.source_schema, r) for r in RELATIONS),
        *(("probe_own_table", queries.settings.analytics_schema, t) for t in _OWN_TABLES),
    ]
    for probe, schema, relation in probes:
        try:
            with queries.connection.transaction(force_rollback=True):
                queries.run("limit_lock_waits", milliseconds="1")
                queries.run(probe, parts={"relation": relation})
        except psycopg.errors.LockNotAvailable as locked:
            raise DatabaseRefusedError(
                f"Another session has locked a whole table: {schema}.{relation}. Nothing can be "
                "written until it releases the lock."
            ) from locked
        except psycopg.Error as unknown:
            # For example a view that cannot be read; the next statement that reads it reports that.
            if not is_local(queries.connection, unknown) and queries.connection.closed:
                raise
            _LOGGER.debug("%s of %s: %s", probe, relation, refusal(unknown))
