"""The name of a container's host, for Airflow's `hostname_callable`.

Local processes share one machine and its name; Docker gives every container a name of its own,
and sets the variable HOSTNAME to it.
"""

from __future__ import annotations

import os


def container_name() -> str:
    return os.environ["HOSTNAME"]
