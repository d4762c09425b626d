"""The plugin costs nothing where it is not used, and starts without FAB."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PLUGIN = Path(__file__).parents[2] / "plugins" / "analytics_scheduler_plugin.py"


def in_new_process(code: str, home: Path) -> list[Any]:
    """Run code in a process of its own and return what it printed last, as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(PLUGIN.parent),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "PATH": "/usr/bin:/bin",
        },
        capture_output=True,
        check=True,
        timeout=60,
    )
    printed = json.loads(done.stdout.splitlines()[-1])
    assert isinstance(printed, list)
    return printed


IMPORT = f"""
import json, runpy, sys
before = set(sys.modules)
import airflow.plugins_manager
of_airflow = set(sys.modules) - before
plugin = runpy.run_path({str(PLUGIN)!r})["AnalyticsSchedulerPlugin"]()
"""


def test_importing_the_plugin_imports_no_web_framework(tmp_path: Path) -> None:
    code = IMPORT + "print(json.dumps(sorted(set(sys.modules) - before - of_airflow)))"

    imported = in_new_process(code, tmp_path)

    roots = {name.partition(".")[0] for name in imported}
    assert not roots & {"fastapi", "starlette", "flask", "sqlalchemy", "psycopg", "redis"}
    assert not any(name.startswith("analytics_scheduler.") for name in imported)


def test_the_plugin_mounts_the_app_and_a_blueprint(tmp_path: Path) -> None:
    code = IMPORT + (
        "print(json.dumps([plugin.fastapi_apps[0]['url_prefix'],"
        " *(b.url_prefix for b in plugin.flask_blueprints)]))"
    )

    assert in_new_process(code, tmp_path) == ["/api/scheduler", "/api/scheduler"]


WITHOUT_FAB = """
import importlib_metadata
from importlib.machinery import PathFinder
installed = importlib_metadata.distributions
importlib_metadata.distributions = lambda **given: (
    found for found in installed(**given)
    if found.metadata["Name"] != "apache-airflow-providers-fab"
)
find = PathFinder.find_spec
def find_all_but_fab(name, path=None, target=None):
    return None if name.startswith("airflow.providers.fab") else find(name, path, target)
PathFinder.find_spec = staticmethod(find_all_but_fab)
"""


def test_without_fab_the_api_server_starts_and_serves_the_rest(tmp_path: Path) -> None:
    code = (
        WITHOUT_FAB
        + IMPORT
        + """
from airflow.api_fastapi.app import create_app
mounts = [route.path for route in create_app("core").routes if not hasattr(route, "methods")]
print(json.dumps([mounts, plugin.flask_blueprints]))
"""
    )

    mounts, blueprints = in_new_process(code, tmp_path)

    assert "/api/scheduler" in mounts
    assert "/pluginsv2" not in mounts
    assert blueprints == []


@pytest.mark.parametrize("name", ["analytics_scheduler_plugin.py"])
def test_there_is_one_plugin_file(name: str) -> None:
    assert [path.name for path in PLUGIN.parent.glob("*.py")] == [name]
