"""docker-compose.yaml and the Dockerfile: settings, secrets, confinement, health checks."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from tests.support.compose.file import Service, filled_in, read_services
from tests.support.settings import declared_settings

REPOSITORY = Path(__file__).parents[2]
DOCKERFILE = (REPOSITORY / "include" / "deploy" / "Dockerfile").read_text(encoding="utf-8")
EXAMPLE = (REPOSITORY / ".env.example").read_text(encoding="utf-8")
GIVEN = dict(re.findall(r"^(\w+)=(.*)$", EXAMPLE, re.MULTILINE))
SECRETS = [name for name, value in GIVEN.items() if not value]
FILLED = {**GIVEN, **{name: f"{name}-value" for name in SECRETS}}
SERVICES = read_services(FILLED)
OURS = "analytics-scheduler"
ONE_SHOT = {"init"}
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
each_service = pytest.mark.parametrize("service", SERVICES.values(), ids=list(SERVICES))


@pytest.mark.parametrize("name", sorted(GIVEN))
def test_a_missing_variable_is_named(name: str) -> None:
    with pytest.raises(ValueError, match=rf"^{name}: set it in \.env, see \.env\.example$"):
        read_services({**FILLED, name: ""})


def test_the_example_holds_no_secret() -> None:
    assert SECRETS == [
        "ADMIN_PASSWORD",
        "POSTGRES_PASSWORD",
        "AIRFLOW_DATABASE_PASSWORD",
        "ANALYTICS_DATABASE_PASSWORD",
        "REDIS_PASSWORD",
        "AIRFLOW_FERNET_KEY",
        "AIRFLOW_SECRET_KEY",
        "AIRFLOW_JWT_SECRET",
    ]


def test_every_setting_reaches_every_service_of_ours() -> None:
    variables = {setting.variable for setting in declared_settings()}
    services = read_services({**FILLED, **{name: f"{name}-value" for name in variables}})
    for service in services.values():
        if service.image == OURS:
            given = {name: service.environment.get(name) for name in variables}
            assert given == {name: f"{name}-value" for name in variables}, service.name


def test_an_unset_setting_keeps_its_default() -> None:
    environment = SERVICES["worker"].environment
    assert "SNAPSHOT_BATCH_SIZE" not in environment
    assert environment["DATABASE_URL"] == (
        "postgresql://analytics:ANALYTICS_DATABASE_PASSWORD-value@postgres:5432/inventory"
    )


def test_a_worker_has_no_secret_of_airflow() -> None:
    known = "\n".join(SERVICES["worker"].environment.values())
    assert {name for name in SECRETS if f"{name}-value" in known} == {
        "ANALYTICS_DATABASE_PASSWORD",
        "REDIS_PASSWORD",
    }


@each_service
def test_no_secret_is_in_a_command_line(service: Service) -> None:
    watched = service.health_command if service.name not in ONE_SHOT else []
    words = " ".join([*(service.entrypoint or []), *service.command, *watched])
    assert "-value" not in words


def test_broker_results_and_cache_are_separate() -> None:
    environment = SERVICES["worker"].environment
    urls = [
        environment[name]
        for name in (
            "AIRFLOW__CELERY__BROKER_URL",
            "AIRFLOW__CELERY__RESULT_BACKEND",
            "REDIS_URL",
        )
    ]
    assert urls == [f"redis://:REDIS_PASSWORD-value@redis:6379/{number}" for number in range(3)]


@each_service
def test_a_service_is_confined(service: Service) -> None:
    data = service.data
    assert data["read_only"] is True
    assert data["cap_drop"] == ["ALL"]
    assert data["security_opt"] == ["no-new-privileges:true"]
    assert data["user"] in ("50000:0", "postgres", "redis")
    assert set(data["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert "container_name" not in data
    assert "privileged" not in data


@each_service
def test_a_service_is_checked_and_restarted(service: Service) -> None:
    if service.name in ONE_SHOT:
        assert service.data["restart"] == "no"
        return
    assert service.data["restart"] == "unless-stopped"
    assert service.health_command[0] not in ("true", "exit", "NONE")
    assert set(service.data["healthcheck"]) > {"interval", "timeout", "retries", "start_period"}


@each_service
def test_an_image_is_pinned(service: Service) -> None:
    assert re.search(r":\d+\.\d+(\.\d+)?$", service.data["image"])


@each_service
def test_a_service_waits_for_the_health_of_others(service: Service) -> None:
    for name, condition in service.waits_for.items():
        wanted = "service_completed_successfully" if name in ONE_SHOT else "service_healthy"
        assert condition == wanted
        assert name in SERVICES
    assert service.waits_for or service.name in ("postgres", "redis")


def test_ports_are_published_on_loopback_only() -> None:
    published = {name: service.ports for name, service in SERVICES.items() if service.ports}
    assert published == {
        "api-server": ["127.0.0.1:8080:8080"],
        "flower": ["127.0.0.1:5555:5555"],
    }
    assert SERVICES["flower"].data["profiles"] == ["flower"]


def test_a_worker_has_time_to_finish_its_task() -> None:
    worker = SERVICES["worker"]
    assert worker.environment["DUMB_INIT_SETSID"] == "0"
    assert worker.data["stop_grace_period"] == "10m"  # longer than TASK_TIMEOUT_SECONDS, 5 minutes


def test_the_image_has_the_tested_versions() -> None:
    airflow = next(
        requirement.split("==")[1]
        for requirement in PROJECT["dependency-groups"]["dev"]
        if requirement.startswith("apache-airflow==")
    )
    assert f"\nFROM apache/airflow:slim-{airflow}-python3." in DOCKERFILE
    images = {service.data["image"] for service in SERVICES.values() if service.image == OURS}
    assert images == {f"{OURS}:{PROJECT['project']['version']}"}


def test_the_image_stays_unprivileged_without_secrets() -> None:
    instructions = re.findall(r"^([A-Z]+) ", DOCKERFILE, re.MULTILINE)
    assert set(instructions) == {"FROM", "LABEL", "RUN", "COPY"}
    ignored = (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in ignored if line and not line.startswith("#")]
    assert rules[0] == "*"
    kept = [rule[1:] for rule in rules if rule.startswith("!")]
    assert all((REPOSITORY / path).exists() for path in kept)
    assert not any(path.startswith(".env") for path in kept)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${A}-$$A-$A", "1-$A-1"),
        ("${NO:-${A}/${NO:-b}}!", "1/b!"),
        ("${A:?must be}", "1"),
        ("${NO}", ""),
    ],
)
def test_variables_are_filled_in_as_compose_does(text: str, value: str) -> None:
    assert filled_in(text, {"A": "1"}) == value


def test_an_unsupported_form_is_refused() -> None:
    with pytest.raises(ValueError, match="not supported by this reader"):
        filled_in("${A:+x}", {})
