"""The analytics cache in Redis: addresses, connections, keys, publishing and cleanup."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analytics_scheduler.errors import AnalyticsError


def not_published(error: AnalyticsError) -> str:
    """Return the warning of a run whose figures could not be published."""
    return f"The latest figures were not published; the next run publishes them. {error}"
