"""What an error of Redis or of its driver means, in words that say what to look at.

An error reply of Redis begins with a code in capitals, such as NOAUTH or READONLY. The codes are
part of the protocol; the sentence after them is not, and changes between versions. redis-py turns
most codes into exception classes and leaves the others at the beginning of its message.
"""

from __future__ import annotations

import re

import redis
from redis import exceptions

from analytics_scheduler.redaction import scrubbed

# redis-py puts words of its own before the errors of a pipeline, and Redis before version 7 before
# those of a command that a script ran.
_PIPELINE_PREFIX = re.compile(r"^Command # \d+ \(.*\) of pipeline caused error: ", re.DOTALL)
_SCRIPT_PREFIX = re.compile(r"^Error running script \(.*?\): (@user_script: ?\d+: )+-?")
_CODE = re.compile(r"[A-Z]+\b")

# The first row that fits counts: BusyLoadingError and AuthenticationError are ConnectionErrors too.
_COMPLAINTS: tuple[tuple[tuple[type[Exception], ...], frozenset[str], str], ...] = (
    (
        (redis.AuthenticationError, exceptions.AuthenticationWrongNumberOfArgsError),
        frozenset({"NOAUTH", "WRONGPASS"}),
        "rejected the user or password",
    ),
    (
        (redis.ReadOnlyError,),
        frozenset({"READONLY", "NOREPLICAS", "MISCONF"}),
        "accepts no writes at the moment",
    ),
    ((redis.OutOfMemoryError,), frozenset({"OOM"}), "is out of memory"),
    (
        (exceptions.NoPermissionError,),
        frozenset({"NOPERM"}),
        "does not permit this user to run the command",
    ),
    (
        (redis.BusyLoadingError, exceptions.ClusterDownError, exceptions.SlotNotCoveredError),
        frozenset({"LOADING", "MASTERDOWN", "CLUSTERDOWN"}),
        "is not ready yet",
    ),
    ((redis.TimeoutError,), frozenset(), "did not answer in time"),
    (
        (redis.ConnectionError, exceptions.RedisClusterException),
        frozenset(),
        "cannot be reached",
    ),
)
_REFUSED = "refused the command (if it is a Sentinel, use redis+sentinel://host:26379/service)"


def complaint_about(error: Exception) -> str:
    """Return what happened and what the driver says about it, in one line without a password."""
    message = _PIPELINE_PREFIX.sub("", str(error))
    code = _CODE.match(_SCRIPT_PREFIX.sub("", message))
    details = scrubbed(" ".join(message.split())) or type(error).__name__
    for classes, codes, complaint in _COMPLAINTS:
        if isinstance(error, classes) or (code is not None and code[0] in codes):
            return f"{complaint}: {details}"
    return f"{_REFUSED}: {details}"
