"""The Kubernetes manifests as data: documents, jobs, commands and environments."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[2] / "include" / "deploy" / "kubernetes"
VALUES = FOLDER / "values.yaml"
MANIFESTS = sorted(set(FOLDER.glob("*.yaml")) - {VALUES})


def document(name: str) -> dict[str, Any]:
    """Return the one document of a manifest."""
    found: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return found


def job_of(manifest: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the spec of the Job in a manifest, which may be a CronJob; None if there is none."""
    spec: dict[str, Any] = manifest.get("spec", {})
    if manifest["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    return spec if "template" in spec else None


def jobs() -> dict[str, dict[str, Any]]:
    """Return the spec of every Job, by the name of its manifest."""
    found = {path.name: job_of(document(path.name)) for path in MANIFESTS}
    return {name: job for name, job in found.items() if job is not None}


def containers(job: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the containers of a Job's pods."""
    found: list[dict[str, Any]] = job["template"]["spec"]["containers"]
    return found


def settings() -> dict[str, str]:
    """Return the data of the ConfigMap."""
    found: dict[str, str] = document("settings.yaml")["data"]
    return found


def command_of(container: Mapping[str, Any]) -> list[str]:
    """Return the command of a container, with its arguments."""
    return [*container["command"], *container["args"]]


def environment_of(container: Mapping[str, Any], secret: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a container in a cluster whose Secret has these entries."""
    found: dict[str, str] = {}
    for source in container["envFrom"]:
        assert source == {"configMapRef": {"name": document("settings.yaml")["metadata"]["name"]}}
        found |= settings()
    for entry in container["env"]:
        reference = entry.get("valueFrom", {}).get("secretKeyRef")
        if reference is None:
            found[entry["name"]] = entry["value"]
        elif reference["key"] in secret or not reference.get("optional", False):
            found[entry["name"]] = secret[reference["key"]]
    return found
