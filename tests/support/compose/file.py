"""docker-compose.yaml as Compose itself reads it: variables filled in, aliases resolved."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).parents[3]
COMPOSE_FILE = REPOSITORY / "docker-compose.yaml"
_NAME = re.compile(r"\$(?:(?P<escaped>\$)|\{(?P<name>\w+)|(?P<bare>\w+))")


@dataclass(frozen=True, slots=True)
class Service:
    """A service: its data with variables filled in, and the container's environment."""

    name: str
    data: Mapping[str, Any]
    environment: Mapping[str, str]

    @property
    def image(self) -> str:
        return str(self.data["image"]).partition(":")[0]

    @property
    def entrypoint(self) -> list[str] | None:
        return _words(self.data.get("entrypoint"))

    @property
    def command(self) -> list[str]:
        return _words(self.data.get("command")) or []

    @property
    def waits_for(self) -> dict[str, str]:
        """The services that it waits for, each with the condition."""
        return {name: entry["condition"] for name, entry in self.data.get("depends_on", {}).items()}

    @property
    def health_command(self) -> list[str]:
        kind, *words = self.data["healthcheck"]["test"]
        return ["/bin/sh", "-c", *words] if kind == "CMD-SHELL" else words

    @property
    def seconds_between_probes(self) -> float:
        """The seconds between two health checks of a container that is starting."""
        return float(str(self.data["healthcheck"]["start_interval"]).removesuffix("s"))

    @property
    def mounts(self) -> dict[str, str]:
        """The volume, or the path next to the file, of each path in the container."""
        entries = [entry.split(":") for entry in self.data.get("volumes", [])]
        return {entry[1]: entry[0] for entry in entries}

    @property
    def ports(self) -> list[str]:
        return [str(entry) for entry in self.data.get("ports", [])]


def read_services(variables: Mapping[str, str]) -> dict[str, Service]:
    """Return the services, or raise ValueError with the message of a missing variable."""
    document = yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8"))
    return {
        name: Service(
            name,
            _filled({**data, "environment": {}}, variables),
            _environment(data.get("environment", {}), variables),
        )
        for name, data in document["services"].items()
    }


def _environment(given: Mapping[str, str | None], variables: Mapping[str, str]) -> dict[str, str]:
    """Return a container's variables; one without a value is passed on if it is set."""
    return {
        name: variables[name] if value is None else filled_in(str(value), variables)
        for name, value in given.items()
        if value is not None or name in variables
    }


def _filled(data: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(data, str):
        return filled_in(data, variables)
    if isinstance(data, list):
        return [_filled(each, variables) for each in data]
    if isinstance(data, dict):
        return {name: _filled(each, variables) for name, each in data.items()}
    return data


def filled_in(text: str, variables: Mapping[str, str]) -> str:
    """Replace ${NAME}, ${NAME:-default} and ${NAME:?message} in a text; $$ is a dollar."""
    done = ""
    while found := _NAME.search(text):
        done += text[: found.start()]
        text = text[found.end() :]
        if found["escaped"]:
            done += "$"
        elif found["bare"]:
            done += variables.get(found["bare"], "")
        else:
            rule, text = _until_brace(text)
            done += _value(found["name"], rule, variables)
    return done + text


def _until_brace(text: str) -> tuple[str, str]:
    """Return the text before the closing brace, and the text after it."""
    depth = 1
    for position, letter in enumerate(text):
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if depth == 0:
            return text[:position], text[position + 1 :]
    raise ValueError(f"missing a closing brace: {text}")


def _value(name: str, rule: str, variables: Mapping[str, str]) -> str:
    value = variables.get(name, "")
    if value or not rule:
        return value
    if rule.startswith(":-"):
        return filled_in(rule[2:], variables)
    if rule.startswith(":?"):
        raise ValueError(f"{name}: {rule[2:]}")
    raise ValueError(f"${{{name}{rule}}} is not supported by this reader")


def _words(given: Any) -> list[str] | None:
    return shlex.split(given) if isinstance(given, str) else given
