"""What a run cost the process that it ran in."""

from __future__ import annotations

import resource
import sys

_MIB = 1_048_576


def peak_memory_mib() -> float:
    """Return the most memory that this process has held so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # macOS counts bytes, everything else KiB.
    return round(peak * (1 if sys.platform == "darwin" else 1024) / _MIB, 1)
