"""How much memory this process has used."""

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

    Linux states it in /proc. `getrusage` also counts what the parent process held when it
    started this one, so it is used on other systems only.
    """
    found = _PEAK.search(_STATUS.read_text()) if _STATUS.exists() else None
    if found is not None:
        return round(int(found[1]) * 1024 / _MIB, 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # macOS counts bytes, other systems KiB.
    return round(peak * (1 if sys.platform == "darwin" else 1024) / _MIB, 1)
