"""Create the metadata database of the Airflow whose environment this script runs in."""

from __future__ import annotations

import json
import os
from pathlib import Path


def main() -> None:
    """Create the tables, the DAGs and, if FAB is the auth manager, the users."""
    from airflow.utils.db import initdb

    initdb()
    write_dags_to_database()
    if "fab" in os.environ["AIRFLOW__CORE__AUTH_MANAGER"]:
        add_fab_users()


def write_dags_to_database() -> None:
    """Parse the DAG folder and store the DAGs, as the DAG processor does."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db

    DagBundlesManager().sync_bundles_to_db()  # type: ignore[no-untyped-call]
    folder = Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    bag = DagBag(folder, bundle_name="dags-folder", bundle_path=folder)
    sync_bag_to_db(bag, "dags-folder", None)


def add_fab_users() -> None:
    """Give FAB the users of the simple auth manager, each with the role of the same name."""
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

    passwords = json.loads((Path(os.environ["AIRFLOW_HOME"]) / "passwords.json").read_text())
    with get_application_builder() as builder:
        for name, password in passwords.items():
            builder.sm.add_user(
                name,
                name.title(),
                "Example",
                f"{name}@example.com",
                builder.sm.find_role(name.title()),
                password,
            )


if __name__ == "__main__":
    main()
