"""What the statements of a snapshot run must have in common."""

from __future__ import annotations

import re

from analytics_scheduler.queries import statements


def fingerprint_of(name: str) -> str:
    """Return the expression that a statement sums up to a fingerprint, without its whitespace."""
    text = re.sub(r"--.*", "", statements()[name].text)
    [expression] = re.findall(r"sum\((\s*hash.*?)\) AS fingerprint", text, re.DOTALL)
    return re.sub(r"\s+", "", expression)


def test_fingerprint_same_when_found_and_stored() -> None:
    """Days are stored with one and looked back on with the other."""
    assert fingerprint_of("find_changed_days") == fingerprint_of("compute_days")
