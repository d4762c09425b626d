"""An error of Redis is understood by its class or its code, never by its sentence."""

from __future__ import annotations

import pytest
import redis
from redis import exceptions

from analytics_scheduler.cache.complaints import complaint_about

IN_SCRIPT = "Error running script (call to f_0123abcd): @user_script:24: @user_script: 24: -"
IN_PIPELINE = "Command # 1 (SET analytics:secret:\n1 x) of pipeline caused error: "


@pytest.mark.parametrize(
    ("error", "complaint"),
    [
        (redis.AuthenticationError("invalid username-password pair"), "rejected the user or passw"),
        (redis.ResponseError("NOAUTH Authentication required."), "rejected the user or password"),
        (
            exceptions.AuthenticationWrongNumberOfArgsError("wrong number of arguments"),
            "rejected the user or password",
        ),
        (redis.ReadOnlyError("You can't write against a read only replica."), "accepts no writes"),
        (redis.ResponseError("NOREPLICAS Not enough good replicas."), "accepts no writes"),
        (redis.ResponseError("MISCONF Redis is configured to save"), "accepts no writes"),
        (redis.ResponseError(f"{IN_SCRIPT}READONLY You can't write"), "accepts no writes"),
        (redis.ResponseError(f"{IN_PIPELINE}MISCONF Redis is configured"), "accepts no writes"),
        (redis.OutOfMemoryError("command not allowed"), "is out of memory"),
        (redis.ResponseError(f"{IN_SCRIPT}OOM command not allowed"), "is out of memory"),
        (exceptions.NoPermissionError("no permissions to run 'incr'"), "does not permit this user"),
        (redis.BusyLoadingError("Redis is loading the dataset"), "is not ready yet"),
        (exceptions.MasterDownError("Link with MASTER is down"), "is not ready yet"),
        (exceptions.SlotNotCoveredError("Slot 7 is not covered"), "is not ready yet"),
        (redis.TimeoutError("Timeout reading from socket"), "did not answer in time"),
        (redis.ConnectionError("Connection refused"), "cannot be reached"),
        (exceptions.RedisClusterException("no reachable node"), "cannot be reached"),
        (redis.ResponseError("unknown command 'GET'"), "refused the command"),
    ],
)
def test_complaint_about_each_error(error: Exception, complaint: str) -> None:
    assert complaint_about(error).startswith(complaint)


@pytest.mark.parametrize("text", ["the key is READONLY", "no OOM here", "NOAUTHORITY"])
def test_complaint_ignores_other_words(text: str) -> None:
    assert complaint_about(redis.ResponseError(text)).startswith("refused the command")


def test_complaint_is_one_line_without_key_or_password() -> None:
    complaint = complaint_about(
        redis.ResponseError(f"{IN_PIPELINE}failed at\nredis://user:hidden@127.0.0.1/0")
    )
    assert complaint.endswith(": failed at redis://user:***@127.0.0.1/0")


def test_complaint_without_a_message() -> None:
    assert complaint_about(redis.ConnectionError()) == "cannot be reached: ConnectionError"
