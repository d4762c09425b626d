"""Authentication by Airflow's auth manager, and authorization of administrators only."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from analytics_scheduler.api.messages import ApiError, Request, quoted
from analytics_scheduler.settings import ApiSettings

_SIMPLE = "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
_FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
_SIMPLE_ADMIN_ROLE = "ADMIN"
_MAX_TOKEN_CHARACTERS = 16_384
_SEND_A_TOKEN = "Send the header `Authorization: Bearer <token>`."  # noqa: S105 - a sentence


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated user, by the name that Airflow shows.

    `denial` is the message for a user who is not an administrator.
    """

    name: str
    is_admin: bool
    denial: str = "Only administrators may use the scheduler's endpoints."


def identify(request: Request) -> Caller:
    """Return the user who sent a request, or raise ApiError (401) without a valid token.

    As in Airflow itself, a bearer token takes precedence over the cookie that the UI sets.
    """
    return _caller_of(_user_of(_token_of(request)))


def authorize(caller: Caller) -> None:
    """Raise ApiError (403) unless the caller is an administrator."""
    if not caller.is_admin:
        raise ApiError(403, caller.denial)


def _token_of(request: Request) -> str:
    if request.authorization is None:
        token = _cookie_of(request)
    else:
        scheme, _, credentials = request.authorization.partition(" ")
        token = credentials.strip() if scheme.lower() == "bearer" else ""
    if not token:
        raise _unauthorized(f"Authentication is required. {_SEND_A_TOKEN}")
    if len(token) > _MAX_TOKEN_CHARACTERS or not token.isascii():
        raise _unauthorized("The token is not valid.")
    return token


def _cookie_of(request: Request) -> str:
    """Return the cookie's token, unless a page of another site makes the browser send it."""
    is_own_page = request.fetch_site in {None, "same-origin", "none"}
    if request.cookie_token and request.method != "GET" and not is_own_page:
        raise ApiError(403, "A page of another site must not use the cookie of the Airflow UI.")
    return request.cookie_token or ""


def _user_of(token: str) -> Any:
    from airflow.api_fastapi.app import get_auth_manager
    from jwt import ExpiredSignatureError, InvalidTokenError

    try:
        return asyncio.run(get_auth_manager().get_user_from_token(token))
    except ExpiredSignatureError as error:
        raise _unauthorized("The token has expired. Get a new one.") from error
    except (InvalidTokenError, ValueError, KeyError, TypeError) as error:
        # The last three: the signature is valid, but the auth manager expects other claims.
        raise _unauthorized("The token is not valid.") from error


def _unauthorized(message: str) -> ApiError:
    return ApiError(401, message, headers={"WWW-Authenticate": "Bearer"})


def _caller_of(user: Any) -> Caller:
    from airflow.api_fastapi.app import get_auth_manager

    name, manager = str(user.get_name()), type(get_auth_manager())
    classes = [f"{each.__module__}.{each.__qualname__}" for each in manager.mro()]
    if _SIMPLE in classes:
        return Caller(name, str(user.role or "").upper() == _SIMPLE_ADMIN_ROLE)
    settings = ApiSettings.load()
    if _FAB in classes:
        return Caller(name, any(role.name in settings.admin_roles for role in user.roles))
    user_id = str(user.get_id())
    return Caller(
        name,
        user_id in settings.admin_users,
        f"The scheduler does not know the roles of the auth manager {classes[0]}. To allow this "
        f"user, add {quoted(user_id)} to SCHEDULER_ADMIN_USERS.",
    )
