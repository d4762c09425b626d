"""Temporary files in memory, where files that are soon deleted cost least.

Each test of a database has its own copy, of about 300 files.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108 - tempfile makes private folders in it
# More than a session of several workers needs.
_BYTES_NEEDED = 4 * 1024**3


def keep_temporary_files_in_memory() -> None:
    """Use a file system in memory for this process and its children, unless TMPDIR says where.

    It must have room, and programs must be allowed to run from it: if root runs the tests, the
    embedded server is copied to where its own user can reach it.
    """
    if "TMPDIR" in os.environ or not _is_usable(_MEMORY):
        return
    os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)


def _is_usable(folder: Path) -> bool:
    if not os.access(folder, os.W_OK | os.X_OK):
        return False
    allows_programs = not os.statvfs(folder).f_flag & os.ST_NOEXEC
    return allows_programs and shutil.disk_usage(folder).free >= _BYTES_NEEDED
