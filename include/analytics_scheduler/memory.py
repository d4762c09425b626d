"""What a run cost the process that it ran in."""

from __future__ import annotations

import re
import resource
import sys
from pathlib import Path

_MIB = 1_048_576
_STATUS = Path("/proc/self/status")
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)


def peak_memory_mib() -> float:
    """Return the most memory that this process has held so far, in MiB.

    Linux tells it in /proc; `getrusage` would count what the parent held when it started this one.
    """
    found = _PEAK.search(_STATUS.read_text()) if _STATUS.exists() else None
    if found is not None:
        return round(int(found[1]) * 1024 / _MIB, 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # macOS counts bytes, everything else KiB.
    return round(peak * (1 if sys.platform == "darwin" else 1024) / _MIB, 1)
