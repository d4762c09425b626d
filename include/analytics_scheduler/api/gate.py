"""The one way from a request to its answer, for every endpoint on every surface."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from analytics_scheduler.api.audit import record_refused
from analytics_scheduler.api.auth import Caller, authorize, identify
from analytics_scheduler.api.endpoints import ENDPOINTS
from analytics_scheduler.api.messages import Answer, ApiError, Request
from analytics_scheduler.api.metadata import is_busy
from analytics_scheduler.api.routing import match_endpoint
from analytics_scheduler.errors import AnalyticsError, PeriodError

log = logging.getLogger(__name__)


def respond(request: Request) -> Answer:
    """Return the answer to a request. Never raises: every error is an answer of the same shape.

    The caller is authorized before anything else, so that others cannot even tell which paths
    exist. A trigger or change that is refused, for whatever reason, is recorded.
    """
    match = match_endpoint(ENDPOINTS, request)
    attempt = match.attempt(request)
    caller: Caller | None = None
    try:
        with _errors_as_answers():
            caller = identify(request)
            authorize(caller)
            return match.answer(request, caller, attempt)
    except ApiError as error:
        if attempt is not None:
            record_refused(attempt, caller.name if caller else None, error)
        return error.answer()


@contextmanager
def _errors_as_answers() -> Iterator[None]:
    """Turn every exception into an ApiError: a caller's mistake, a server that is down, or ours."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except ApiError:
        raise
    except PeriodError as error:
        raise ApiError(400, str(error)) from error
    except AnalyticsError as error:
        raise ApiError(503, str(error)) from error
    except SQLAlchemyError as error:
        log.exception("event=metadata_database_failed")
        problem = "is busy" if is_busy(error) else "cannot be reached"
        raise ApiError(503, f"Airflow's metadata database {problem}. Try again.") from error
    except Exception as error:
        # The last line of defence: the traceback belongs in the log, never in an answer.
        log.exception("event=request_failed")
        raise ApiError(
            500, "The request failed. The log of the API server has the details."
        ) from error
