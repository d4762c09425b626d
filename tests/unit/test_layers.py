"""What may import Airflow or read the environment, and what the command line imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import analytics_scheduler

PACKAGE = Path(analytics_scheduler.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
MAY_IMPORT_AIRFLOW = {"orchestration", "api", "database", "cache", "local"}
MAY_TOUCH_THE_ENVIRONMENT = {
    "setting_groups": "the one reader of settings",
    "database": "whether there is an Airflow connection",
    "cache": "whether there is an Airflow connection; gives Airflow REDIS_URL as one",
    "local": "the environment of the processes that it starts",
}
MAY_LOAD_SETTINGS = {
    "orchestration": "DAG files and tasks",
    "api": "endpoints",
    "commands": "the command line",
    "local": "the stack of demo and up",
    "settings": "loads the alert settings of a run",
    "snapshots/context": "loads the three groups of a run at once, for tasks and commands",
}
HEAVY = ("airflow", "rich", "pydantic", "sqlalchemy", "flask", "fastapi", "psycopg", "redis")


def layer_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_names(tree: ast.AST) -> Iterator[str]:
    """Give every imported module, also those imported inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or ""
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else None
            if isinstance(node.func, ast.Name):
                called = node.func.id
            if called in {"import_module", "__import__"}:
                yield str(node.args[0].value)


def reads_environment(tree: ast.AST) -> bool:
    names = {"environ", "getenv", "putenv", "environb"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in names:
            return True
        if isinstance(node, ast.ImportFrom) and node.module == "os":
            return any(alias.name in names for alias in node.names)
    return False


def loads_settings(tree: ast.AST) -> bool:
    """Return whether a module calls `load` of a class whose name ends with Settings."""
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    loaded = [
        func.value for func in calls if isinstance(func, ast.Attribute) if func.attr == "load"
    ]
    return any(isinstance(name, ast.Name) and name.id.endswith("Settings") for name in loaded)


def imported_modules(path: Path) -> set[Path]:
    """Return the modules of the package that a module imports when it is imported itself."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            found |= {module_file(alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            named = {module_file(f"{node.module}.{alias.name}") for alias in node.names}
            found |= named if named <= set(MODULES) else {*named, module_file(node.module)}
    return found & set(MODULES) - {path}


def module_file(name: str) -> Path:
    place = PACKAGE.parent / name.replace(".", "/")
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def test_the_walk_sees_the_modules() -> None:
    assert {"setting_groups", "database", "cli"} <= {layer_of(path) for path in MODULES}


def test_the_walk_sees_lazy_imports() -> None:
    tree = ast.parse(
        "def f():\n    from airflow.sdk import DAG\n    importlib.import_module('airflow.x')"
    )
    assert list(imported_names(tree)) == ["airflow.sdk", "airflow.x"]
    assert reads_environment(ast.parse("import os\nos.environ['X']"))
    assert reads_environment(ast.parse("from os import getenv"))
    assert loads_settings(ast.parse("def f():\n    CacheSettings.load({})"))
    assert not loads_settings(ast.parse("json.load(file)"))
    assert PACKAGE / "periods.py" in imported_modules(PACKAGE / "settings.py")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_rim_imports_airflow(path: Path) -> None:
    names = {name.split(".")[0] for name in imported_names(ast.parse(path.read_text()))}
    if layer_of(path) not in MAY_IMPORT_AIRFLOW:
        assert "airflow" not in names, f"{path.name} imports Airflow; only the rim may"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_settings_read_the_environment(path: Path) -> None:
    if layer_of(path) not in MAY_TOUCH_THE_ENVIRONMENT:
        assert not reads_environment(ast.parse(path.read_text())), (
            f"{path.name} reads the environment; declare a setting instead"
        )


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_rim_loads_settings(path: Path) -> None:
    module = path.relative_to(PACKAGE).with_suffix("").as_posix()
    if not {layer_of(path), module} & MAY_LOAD_SETTINGS.keys():
        assert not loads_settings(ast.parse(path.read_text())), (
            f"{path.name} loads settings; take them as an argument instead"
        )


def test_modules_import_each_other_in_one_order() -> None:
    """Modules that import nothing that is left are removed, until a circle or nothing is left."""
    left = {path: imported_modules(path) for path in MODULES}
    while free := [path for path, imported in left.items() if not imported & left.keys()]:
        for path in free:
            del left[path]
    assert not left, f"circle among {sorted(str(path.relative_to(PACKAGE)) for path in left)}"


@pytest.mark.parametrize(
    "line", ["import analytics_scheduler.cli", "analytics_scheduler.cli.main(['--help'])"]
)
def test_the_command_line_imports_nothing_heavy(line: str) -> None:
    script = (
        "import sys, contextlib, analytics_scheduler.cli\n"
        f"with contextlib.suppress(SystemExit): {line}\n"
        f"loaded = set({HEAVY!r}) & set(sys.modules)\n"
        "print(*sorted(loaded), file=sys.stderr)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=60
    )
    assert ended.stderr.strip() == ""
