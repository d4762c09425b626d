"""Moments, written as briefly as tests need them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def utc(text: str) -> datetime:
    """Return the moment that a text without a time zone names in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def days_ago(count: int) -> str:
    """Return the date in UTC that was some days ago."""
    return str(datetime.now(UTC).date() - timedelta(days=count))
