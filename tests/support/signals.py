"""The handling of signals that a child process starts with."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


@contextmanager
def default_signals() -> Iterator[None]:
    """Let children that are started in the block begin with the default handling of signals.

    A child inherits that a signal is ignored, as SIGHUP is under `nohup`, but not a handler; so
    for the time of the block an ignored signal has a handler that does nothing.
    """
    ignored = [number for number in _SIGNALS if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, lambda *_: None)
    try:
        yield
    finally:
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)
