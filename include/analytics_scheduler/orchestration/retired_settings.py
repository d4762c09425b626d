"""A warning in the log of a run about settings that are no longer read."""

from __future__ import annotations

import logging

from analytics_scheduler.settings import retired_warnings

_LOGGER = logging.getLogger(__name__)


def log_retired_settings() -> None:
    """Log a warning about each variable that is set but no longer read.

    The first task of each DAG calls it, so that a run warns once.
    """
    for warning in retired_warnings():
        _LOGGER.warning("event=setting_retired reason=%r", warning)
