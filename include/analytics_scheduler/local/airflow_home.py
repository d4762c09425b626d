"""The Airflow of one start: its folder, environment and metadata database.

Another Airflow on the machine is neither used nor touched: its variables are left out. The metadata
database is created once for each version of Airflow, and copied for every start.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from analytics_scheduler.local.folders import find_checkout

_OTHER_AIRFLOW = ("AIRFLOW_HOME", "AIRFLOW_CONFIG", "_AIRFLOW__AS_LIBRARY")
_OTHER_CONNECTIONS = ("AIRFLOW_CONN_ANALYTICS_DB", "AIRFLOW_CONN_ANALYTICS_CACHE")
USER = "admin"


@dataclass(frozen=True, slots=True)
class AirflowHome:
    """The folder of one start, the folder of its logs, which stay, and the metadata template."""

    folder: Path
    logs: Path
    template: Path

    @property
    def metadata_file(self) -> Path:
        """The SQLite file that is Airflow's own database."""
        return self.folder / "airflow.db"

    def use_template(self) -> bool:
        """Copy the metadata database from the template; return whether there was a template."""
        try:
            shutil.copyfile(self.template, self.metadata_file)
        except FileNotFoundError:
            return False
        return True

    def variables(self, **more: str) -> dict[str, str]:
        """Return the environment of this Airflow's processes: the present one, and its own."""
        checkout = find_checkout()
        ours = {
            "AIRFLOW_HOME": str(self.folder),
            "AIRFLOW__CORE__DAGS_FOLDER": str(checkout / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(checkout / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(os.urandom(32)).decode(),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.metadata_file}",
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(self.logs / "tasks"),
            "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(self.logs / "dags"),
            "AIRFLOW__API__SECRET_KEY": secrets.token_hex(32),
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
            "PYTHONUNBUFFERED": "1",
        }
        return {**os.environ, **ours, **more}

    def write_password(self) -> tuple[str, dict[str, str]]:
        """Create the administrator's password; return it, and the settings that make it valid."""
        password = secrets.token_urlsafe(12)
        file = self.folder / "passwords.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps({USER: password}))
        return password, {
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(file),
        }


def forget_other_airflow() -> None:
    """Remove the settings of another Airflow, and its connections, from the environment."""
    for name in list(os.environ):
        if name.startswith("AIRFLOW__") or name in (*_OTHER_AIRFLOW, *_OTHER_CONNECTIONS):
            del os.environ[name]


def make_airflow_home(folder: Path, *, cache: Path, logs: Path) -> AirflowHome:
    """Return an Airflow home in an empty folder, with a template for this version of Airflow."""
    template = cache / f"metadata-{version('apache-airflow-core')}.db"
    return AirflowHome(folder, logs, template)


def create_metadata(metadata_file: Path, template: Path) -> None:
    """Create Airflow's tables in this process's metadata database, and copy it as the template."""
    from airflow.utils.db import initdb

    initdb()
    with tempfile.NamedTemporaryFile(dir=template.parent, delete=False) as file:
        unfinished = Path(file.name)
    # In WAL mode part of the database is in a second file, which backup() reads, too.
    with (
        closing(sqlite3.connect(metadata_file)) as made,
        closing(sqlite3.connect(unfinished)) as copy,
    ):
        made.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
    unfinished.replace(template)


if __name__ == "__main__":
    create_metadata(Path(sys.argv[1]), Path(sys.argv[2]))
