"""The way of every request, on any surface: who asks, may they, the answer, the error.

A surface calls `admit` before anything else and `respond` after it. Neither lets an error out that
is not in the documented shape; what is refused to trigger or to change is recorded.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from analytics_scheduler.api.audit import Attempt, record_refused
from analytics_scheduler.api.auth import Caller, identify
from analytics_scheduler.api.messages import MAX_BODY_BYTES, Answer, ApiError, Request
from analytics_scheduler.api.routes import find_route
from analytics_scheduler.errors import AnalyticsError, PeriodError

T = TypeVar("T")

log = logging.getLogger(__name__)


class NotAuthorizedError(Exception):
    """A request that goes no further; the answer says why."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def authorize(request: Request) -> Caller:
    """Return the administrator who asks, or raise NotAdmittedError with the answer to give."""
    try:
        caller = _guarded(lambda: identify(request))
    except ApiError as refusal:
        _turn_away(request, None, refusal)
    if not caller.is_admin:
        _turn_away(request, caller, ApiError(403, caller.why_not))
    return caller


def respond(request: Request, caller: Caller) -> Answer:
    """Return the answer for an administrator; an error is an answer too."""
    try:
        _refuse_long_body(request)
        route, name = find_route(request)
        return _guarded(lambda: route.answer(request, name, caller))
    except ApiError as refusal:
        return _error_answer(request, caller, refusal)


def _refuse_long_body(request: Request) -> None:
    if len(request.body) > MAX_BODY_BYTES:
        raise ApiError(413, f"The body is longer than {MAX_BODY_BYTES} bytes.")


def _turn_away(request: Request, caller: Caller | None, refusal: ApiError) -> NoReturn:
    raise NotAuthorizedError(_error_answer(request, caller, refusal)) from refusal


def _error_answer(request: Request, caller: Caller | None, refusal: ApiError) -> Answer:
    attempt = _attempt_of(request)
    if attempt is not None:
        record_refused(attempt, caller.name if caller else None, refusal)
    return refusal.answer()


def _attempt_of(request: Request) -> Attempt | None:
    try:
        route, name = find_route(request)
    except ApiError:
        return None
    return route.describe(request, name) if route.describe else None


def _guarded(answer: Callable[[], T]) -> T:
    """Turn every error into a refusal: the caller's (400), a server's that is away (503), ours."""
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError

    try:
        return answer()
    except ApiError:
        raise
    except PeriodError as error:
        raise ApiError(400, str(error)) from error
    except AnalyticsError as error:
        raise ApiError(503, str(error)) from error
    except SQLAlchemyError as error:
        log.exception("event=metadata_database_failed")
        raise ApiError(503, _metadata_words(error, DBAPIError)) from error
    except Exception as error:
        # The last line of defence: the trace belongs in the log, never in an answer.
        log.exception("event=request_failed")
        raise ApiError(500, "Something went wrong here; the API server's log has it.") from error


def _metadata_words(error: Exception, driver_error: type[Any]) -> str:
    busy = isinstance(error, driver_error) and "locked" in str(error)
    if busy:
        return "Airflow's metadata database is busy: try again."
    return "Airflow's metadata database cannot be reached: try again."
