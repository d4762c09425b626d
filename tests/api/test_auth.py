"""Who counts as an administrator, with auth managers that are known here and one that is not."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from analytics_scheduler.api.gate import NotAuthorizedError, authorize
from analytics_scheduler.api.messages import Request

with warnings.catch_warnings():
    # Airflow imports a test client that warns of its own successor.
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


def refused(manager: Any, user: BaseUser) -> tuple[int, str]:
    token = manager.generate_jwt(user, expiration_time_in_seconds=60)
    with pytest.raises(NotAuthorizedError) as caught:
        authorize(Request("GET", "/tasks", authorization=f"Bearer {token}"))
    return caught.value.answer.status, json.loads(caught.value.answer.body)["error"]


def test_an_unknown_auth_manager_lets_nobody_in_and_says_how_to_allow(
    unknown_manager: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, error = refused(unknown_manager, Member("42"))

    assert status == 403
    assert "UnknownAuthManager has no roles that are known here" in error
    assert "add '42' to SCHEDULER_ADMIN_USERS" in error

    monkeypatch.setenv("SCHEDULER_ADMIN_USERS", "7, 42")
    token = unknown_manager.generate_jwt(Member("42"), expiration_time_in_seconds=60)
    caller = authorize(Request("GET", "/tasks", authorization=f"bearer {token}"))
    assert (caller.name, caller.is_admin) == ("member 42", True)
    assert refused(unknown_manager, Member("43"))[0] == 403


@pytest.mark.parametrize(
    ("role", "is_admin"),
    [("admin", True), ("ADMIN", True), ("op", False), ("user", False), (None, False)],
)
def test_the_simple_auth_manager_knows_one_role_of_administrators(
    simple_manager: Any, role: str | None, is_admin: bool
) -> None:
    user = SimpleAuthManagerUser(username="ada", role=role)

    if not is_admin:
        assert refused(simple_manager, user) == (403, "Administrators only.")
        return
    token = simple_manager.generate_jwt(user, expiration_time_in_seconds=60)
    assert authorize(Request("GET", "/tasks", authorization=f"Bearer {token}")).name == "ada"
