"""The plugin file: cheap for processes that serve nothing, and alone in its folder."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

PLUGIN = Path(__file__).parents[2] / "plugins" / "analytics_scheduler_plugin.py"


def in_new_process(code: str, home: Path, plugins: Path = PLUGIN.parent) -> list[Any]:
    """Run code in a process of its own, and return the list that its last line prints as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins),
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


def test_plugin_imports_no_web_framework(tmp_path: Path) -> None:
    code = IMPORT + "print(json.dumps(sorted(set(sys.modules) - before - of_airflow)))"

    imported = in_new_process(code, tmp_path)

    roots = {name.partition(".")[0] for name in imported}
    assert not roots & {"fastapi", "starlette", "flask", "sqlalchemy", "psycopg", "redis"}
    assert not any(name.startswith("analytics_scheduler.") for name in imported)


def test_plugin_mounts_app_and_blueprint(tmp_path: Path) -> None:
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


def test_api_server_starts_without_fab(tmp_path: Path) -> None:
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


LOAD_PLUGINS = """
import json, sys
from airflow import plugins_manager
plugins, errors = plugins_manager._get_plugins()
files = [path for path in map(lambda m: getattr(m, "__file__", None), sys.modules.values()) if path]
print(json.dumps([[plugin.name for plugin in plugins], errors, sorted(files)]))
"""


def test_plugins_folder_has_one_file() -> None:
    """Airflow executes every Python file of the folder, in every process."""
    assert [path.name for path in PLUGIN.parent.rglob("*.py")] == [PLUGIN.name]


def test_plugins_beside_ours_are_loaded(tmp_path: Path) -> None:
    """The folder may be copied to where a user's own plugins are."""
    plugins = tmp_path / "plugins"
    shutil.copytree(PLUGIN.parent, plugins, ignore=shutil.ignore_patterns("__pycache__"))
    other = plugins / "theirs.py"
    other.write_text(
        "from airflow.plugins_manager import AirflowPlugin\n\n\n"
        "class Theirs(AirflowPlugin):\n    name = 'theirs'\n"
    )

    names, errors, files = in_new_process(LOAD_PLUGINS, tmp_path, plugins)

    assert {"analytics_scheduler", "theirs"} <= set(names)
    assert errors == {}
    assert {str(other), str(plugins / PLUGIN.name)} <= set(files)
