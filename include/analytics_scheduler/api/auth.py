"""Who is asking, and may they: administrators only, by whatever auth manager Airflow has."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from analytics_scheduler.api.messages import ApiError, Request, quoted
from analytics_scheduler.settings import ApiSettings

log = logging.getLogger(__name__)

_SIMPLE = "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
_FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
_SIMPLE_ADMIN_ROLE = "ADMIN"
_MAX_TOKEN_CHARACTERS = 16_384


@dataclass(frozen=True, slots=True)
class Caller:
    """A known user: the name that Airflow shows, and whether they are an administrator."""

    name: str
    is_admin: bool
    why_not: str = ""


def identify(request: Request) -> Caller:
    """Return who sent the request, or refuse it with 401.

    A bearer token wins over the cookie that the Airflow UI sets, as in Airflow itself.
    """
    return _caller_of(_user_of(_token_of(request)))


def _token_of(request: Request) -> str:
    scheme, _, credentials = (request.authorization or "").partition(" ")
    if request.authorization is not None:
        if scheme.lower() != "bearer" or not credentials.strip():
            raise _unauthorized("Send the header Authorization: Bearer <token>.")
        token = credentials.strip()
    else:
        token = _cookie_of(request)
    if not token:
        raise _unauthorized("Not authenticated: send the header Authorization: Bearer <token>.")
    if len(token) > _MAX_TOKEN_CHARACTERS or not token.isascii():
        raise _unauthorized("The token is not valid.")
    return token


def _cookie_of(request: Request) -> str:
    """Return the cookie's token, which a page of another site must not make a browser spend."""
    from_elsewhere = request.fetch_site not in {None, "same-origin", "none"}
    if request.cookie_token and request.method != "GET" and from_elsewhere:
        raise ApiError(403, "A page of another site may not do this with the cookie of the UI.")
    return request.cookie_token or ""


def _user_of(token: str) -> Any:
    from airflow.api_fastapi.app import get_auth_manager
    from jwt import ExpiredSignatureError, InvalidTokenError

    try:
        return asyncio.run(get_auth_manager().get_user_from_token(token))
    except ExpiredSignatureError as error:
        raise _unauthorized("The token has expired: get a new one.") from error
    except (InvalidTokenError, ValueError, KeyError, TypeError) as error:
        # The last three: claims that are signed but not of the form that the manager expects.
        raise _unauthorized("The token is not valid.") from error


def _unauthorized(error: str) -> ApiError:
    return ApiError(401, error, headers={"WWW-Authenticate": "Bearer"})


def _caller_of(user: Any) -> Caller:
    from airflow.api_fastapi.app import get_auth_manager

    settings = ApiSettings.load()
    kinds = [f"{kind.__module__}.{kind.__qualname__}" for kind in type(get_auth_manager()).__mro__]
    for kind in kinds:
        if kind in _RULES:
            is_admin = _RULES[kind](user, settings)
            return Caller(str(user.get_name()), is_admin, "Administrators only.")
    if str(user.get_id()) in settings.admin_users:
        return Caller(str(user.get_name()), True)
    return Caller(
        str(user.get_name()),
        False,
        f"The auth manager {kinds[0]} has no roles that are known here. To allow this user, add "
        f"{quoted(str(user.get_id()))} to SCHEDULER_ADMIN_USERS.",
    )


def _is_simple_admin(user: Any, _settings: ApiSettings) -> bool:
    return str(user.role or "").upper() == _SIMPLE_ADMIN_ROLE


def _is_fab_admin(user: Any, settings: ApiSettings) -> bool:
    return bool({role.name for role in user.roles} & set(settings.admin_roles))


_RULES: Mapping[str, Callable[[Any, ApiSettings], bool]] = {
    _SIMPLE: _is_simple_admin,
    _FAB: _is_fab_admin,
}
