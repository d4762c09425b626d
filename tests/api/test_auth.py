"""Who is an administrator, with the known auth managers and with an unknown one."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from analytics_scheduler.api.auth import Caller, authorize, identify
from analytics_scheduler.api.messages import ApiError, Request

with warnings.catch_warnings():
    # Airflow imports a test client that warns about its successor.
    warnings.simplefilter("ignore")
    from airflow.api_fastapi.app import create_auth_manager, purge_cached_app
    from airflow.api_fastapi.auth.managers.base_auth_manager import BaseAuthManager
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser


class Member(BaseUser):
    """A user of an auth manager without roles."""

    def __init__(self, number: str) -> None:
        self.number = number

    def get_id(self) -> str:
        return self.number

    def get_name(self) -> str:
        return f"member {self.number}"


def _refuse(*_args: object, **_kwargs: object) -> bool:
    return False


UnknownAuthManager: Any = type(
    "UnknownAuthManager",
    (BaseAuthManager,),
    {
        **dict.fromkeys(BaseAuthManager.__abstractmethods__, _refuse),
        "__module__": __name__,
        "serialize_user": lambda _self, user: {"sub": user.number},
        "deserialize_user": lambda _self, token: Member(token["sub"]),
    },
)


@pytest.fixture
def unknown_manager(monkeypatch: pytest.MonkeyPatch, airflow_database: None) -> Iterator[Any]:
    monkeypatch.setenv("AIRFLOW__CORE__AUTH_MANAGER", f"{__name__}.UnknownAuthManager")
    yield create_auth_manager()
    purge_cached_app()


@pytest.fixture
def simple_manager(monkeypatch: pytest.MonkeyPatch, airflow_database: None) -> Iterator[Any]:
    yield create_auth_manager()
    purge_cached_app()


def caller_of(manager: Any, user: BaseUser) -> Caller:
    """Return the caller whose request carries a token of a user."""
    token = manager.generate_jwt(user, expiration_time_in_seconds=60)
    return identify(Request("GET", "/tasks", authorization=f"bearer {token}"))


def test_unknown_auth_manager(unknown_manager: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ApiError, match=r"the auth manager .*UnknownAuthManager") as caught:
        authorize(caller_of(unknown_manager, Member("42")))
    assert caught.value.status == 403
    assert "add '42' to SCHEDULER_ADMIN_USERS" in caught.value.message

    monkeypatch.setenv("SCHEDULER_ADMIN_USERS", "7, 42")
    caller = caller_of(unknown_manager, Member("42"))
    authorize(caller)
    assert (caller.name, caller.is_admin) == ("member 42", True)
    with pytest.raises(ApiError, match="SCHEDULER_ADMIN_USERS"):
        authorize(caller_of(unknown_manager, Member("43")))


@pytest.mark.parametrize(
    ("role", "is_admin"),
    [("admin", True), ("ADMIN", True), ("op", False), ("user", False), (None, False)],
)
def test_simple_auth_manager(simple_manager: Any, role: str | None, is_admin: bool) -> None:
    caller = caller_of(simple_manager, SimpleAuthManagerUser(username="ada", role=role))

    assert (caller.name, caller.is_admin) == ("ada", is_admin)
    if is_admin:
        authorize(caller)
        return
    with pytest.raises(ApiError, match="Only administrators may use") as caught:
        authorize(caller)
    assert caught.value.status == 403
