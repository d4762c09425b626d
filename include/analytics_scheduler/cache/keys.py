"""The names of the keys that the package itself keeps in Redis.

`analytics:snapshot:<period type>:<location_id>` holds the latest figures of a location.
`analytics:snapshot:<period type>:version` is a number that rises when any of them has changed.
`analytics:snapshot:<period type>:publishing` exists while a publish is unfinished.
`analytics:snapshot:<period type>:lock` exists while a publisher writes, and expires by itself.
"""

from __future__ import annotations

from analytics_scheduler.vocabulary import PeriodType

_PREFIXES = {period_type: f"analytics:snapshot:{period_type}:" for period_type in PeriodType}
_PREFIX_BYTES = tuple(prefix.encode() for prefix in _PREFIXES.values())


def entry_key(period_type: PeriodType, location_id: str) -> str:
    """Return the key of a location's latest figures."""
    return _PREFIXES[period_type] + location_id


def version_key(period_type: PeriodType) -> str:
    """Return the key of the version of all entries of a period type."""
    return f"{_PREFIXES[period_type]}version"


def publishing_key(period_type: PeriodType) -> str:
    """Return the key that marks a publish as begun and not finished."""
    return f"{_PREFIXES[period_type]}publishing"


def lock_key(period_type: PeriodType) -> str:
    """Return the key that a publisher holds while it writes."""
    return f"{_PREFIXES[period_type]}lock"


def is_own(key: bytes) -> bool:
    """Tell whether the package writes this key, and so decides by itself when it expires."""
    return key.startswith(_PREFIX_BYTES)
