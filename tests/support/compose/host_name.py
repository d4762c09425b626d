"""The host name of a container, for Airflow's `hostname_callable`.

Docker gives each container a name of its own, in the variable HOSTNAME; the local processes that
stand for containers share the name of the machine.
"""

from __future__ import annotations

import os


def host_name() -> str:
    return os.environ["HOSTNAME"]
