"""The Kubernetes manifests: valid, confined, consistent with the settings and each other."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from croniter import croniter
from tests.support.kubernetes_manifests import (
    MANIFESTS,
    VALUES,
    command_of,
    containers,
    document,
    environment_of,
    jobs,
    settings,
)
from tests.support.markdown import REPOSITORY
from tests.support.settings import declared_settings

from analytics_scheduler.cli import build_parser
from analytics_scheduler.settings import (
    SCHEDULE_DEFAULTS,
    CalendarSettings,
    DatabaseSettings,
)
from analytics_scheduler.vocabulary import PeriodType

KNOWN_SETTINGS = {setting.variable for setting in declared_settings()}
SECRET = {
    "database-url": "postgresql://scheduler@db/shop",
    "redis-url": "redis://cache:6379/0",
    "webhook-url": "https://alerts.example.com/scheduler",
    "webhook-secret": "only-for-tests-and-long-enough-to-sign-with",
}
EVERY_CONTAINER = [
    pytest.param(name, container, id=f"{name}-{container['name']}")
    for name, job in jobs().items()
    for container in containers(job)
]


def complaints(manifest: Path) -> str:
    """Return what Kubernetes' schemas object to in a manifest."""
    found = subprocess.run(
        [sys.executable, "-m", "kubernetes_validate", "--strict", str(manifest)],
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if found.returncode == 0 else found.stdout + found.stderr


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda path: path.name)
def test_every_manifest_is_valid(manifest: Path) -> None:
    assert complaints(manifest) == ""


def test_an_unknown_key_is_found(tmp_path: Path) -> None:
    text = (MANIFESTS[0].parent / "health.yaml").read_text()
    spoilt = tmp_path / "health.yaml"
    spoilt.write_text(text.replace("concurrencyPolicy", "concurencyPolicy"))
    assert "concurencyPolicy" in complaints(spoilt)


def pod_of_values() -> dict[str, Any]:
    """Return a pod with what values.yaml sets for pods and containers."""
    values = yaml.safe_load(VALUES.read_text())
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "values"},
        "spec": {
            "securityContext": values["securityContexts"]["pod"],
            "containers": [
                {
                    "name": name.lower(),
                    "image": values["defaultAirflowRepository"],
                    "resources": part["resources"],
                    "securityContext": values["securityContexts"]["containers"],
                    "envFrom": yaml.safe_load(values["extraEnvFrom"]),
                    "env": yaml.safe_load(values["extraEnv"]),
                }
                for name, part in (
                    ("worker", values["workers"]["celery"]),
                    *((name, values[name]) for name in ("scheduler", "dagProcessor", "apiServer")),
                )
            ],
        },
    }


def test_what_values_set_for_pods_is_valid(tmp_path: Path) -> None:
    """The chart checks its own keys; this checks what it copies into pods."""
    manifest = tmp_path / "pod.yaml"
    manifest.write_text(yaml.safe_dump(pod_of_values()))
    assert complaints(manifest) == ""


@pytest.mark.parametrize(("name", "container"), EVERY_CONTAINER)
def test_every_container_is_confined(name: str, container: dict[str, Any]) -> None:
    pod = jobs()[name]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert pod["restartPolicy"] == "Never"
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 50000,
        "runAsGroup": 0,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    [mount] = container["volumeMounts"]
    assert (mount["name"], Path(mount["mountPath"]).parts) == ("tmp", ("/", "tmp"))
    assert [volume["name"] for volume in pod["volumes"] if "emptyDir" in volume] == ["tmp"]
    assert {"cpu", "memory"} <= set(container["resources"]["requests"])
    assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize(("name", "container"), EVERY_CONTAINER)
def test_every_container_runs_a_known_command(name: str, container: dict[str, Any]) -> None:
    program, *arguments = command_of(container)
    assert program == "analytics-scheduler"
    assert build_parser().parse_args(arguments).json is True


@pytest.mark.parametrize(("name", "container"), EVERY_CONTAINER)
def test_secrets_come_from_the_secret_only(name: str, container: dict[str, Any]) -> None:
    environment = environment_of(container, SECRET)
    assert set(environment) <= KNOWN_SETTINGS
    assert environment["DATABASE_URL"] == SECRET["database-url"]
    written_out = {entry["name"] for entry in container["env"] if "value" in entry}
    assert not (written_out | set(settings())) & {
        "DATABASE_URL",
        "REDIS_URL",
        "SCHEDULER_WEBHOOK_SECRET",
        "SCHEDULER_WEBHOOK_URL",
    }
    DatabaseSettings.load(environment)
    CalendarSettings.load(environment)


@pytest.mark.parametrize("name", jobs())
def test_a_job_has_time_for_every_attempt(name: str) -> None:
    """A statement ends after TASK_TIMEOUT_SECONDS, and one of `health` after 20 seconds."""
    job = jobs()[name]
    for container in containers(job):
        seconds = DatabaseSettings.load(environment_of(container, SECRET)).task_timeout_seconds
        longest = min(seconds, 20) if "health" in container["args"] else seconds
        assert job["activeDeadlineSeconds"] >= longest
        if name != "migrate.yaml":
            assert job["activeDeadlineSeconds"] >= longest * (job["backoffLimit"] + 1)


@pytest.mark.parametrize("name", [n for n in jobs() if document(n)["kind"] == "CronJob"])
def test_a_repeated_job_never_overlaps_itself(name: str) -> None:
    spec = document(name)["spec"]
    calendar = CalendarSettings.load(settings())
    assert spec["concurrencyPolicy"] == "Forbid"
    assert ZoneInfo(spec["timeZone"]) == calendar.timezone
    assert {"successfulJobsHistoryLimit", "failedJobsHistoryLimit"} <= set(spec)
    moments = croniter(spec["schedule"])
    first, second = moments.get_next(float), moments.get_next(float)
    assert spec["startingDeadlineSeconds"] < second - first
    assert jobs()[name]["activeDeadlineSeconds"] < second - first


def test_the_backup_runs_after_every_dag() -> None:
    job = document("backup-snapshots.yaml")
    backup = _minutes(job["spec"]["schedule"])
    dags = [_minutes(cron) for task, cron in SCHEDULE_DEFAULTS.items() if task != "cache-cleanup"]
    assert backup > max(dags)
    assert [c["args"][:2] for c in containers(jobs()["backup-snapshots.yaml"])] == [
        ["run", word] for word in PeriodType.words()
    ]


def _minutes(cron: str) -> int:
    minute, hour = cron.split()[:2]
    return int(hour) * 60 + int(minute)


def test_airflow_and_the_jobs_share_their_environment() -> None:
    values = yaml.safe_load(VALUES.read_text())
    image = f"{values['defaultAirflowRepository']}:{values['defaultAirflowTag']}"
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    assert values["defaultAirflowTag"] == project["project"]["version"]
    assert f"apache-airflow=={values['airflowVersion']}" in project["dependency-groups"]["dev"]
    for job in jobs().values():
        assert {container["image"] for container in containers(job)} == {image}
        for container in containers(job):
            assert yaml.safe_load(values["extraEnvFrom"]) == container["envFrom"]
            # The migrations need only the database, and more time.
            if container["name"] != "migrate":
                assert yaml.safe_load(values["extraEnv"]) == container["env"]


def test_the_network_policy_covers_every_pod() -> None:
    policy = document("network-policy.yaml")["spec"]
    wanted = policy["podSelector"]["matchLabels"]
    for job in jobs().values():
        labels = job["template"]["metadata"]["labels"]
        assert wanted.items() <= labels.items()
    assert policy["ingress"] == []
    ports = {(p["protocol"], p["port"]) for rule in policy["egress"] for p in rule["ports"]}
    assert ports == {("UDP", 53), ("TCP", 53), ("TCP", 5432), ("TCP", 6379)}
