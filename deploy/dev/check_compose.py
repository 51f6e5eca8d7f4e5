"""Checks Compose files where Docker's own client is missing: known keys, and that every name leads somewhere."""

import re
import sys

import yaml

TOP = {"name", "services", "volumes", "networks", "secrets", "configs", "include"}
SERVICE = set(
    "build cap_drop command depends_on deploy entrypoint environment env_file expose healthcheck hostname image init "
    "logging mem_limit networks ports read_only restart secrets security_opt shm_size stop_grace_period tmpfs user "
    "volumes working_dir".split()
)
HEALTH = {"test", "interval", "timeout", "retries", "start_period", "start_interval", "disable"}
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}
DURATION = re.compile(r"^(\d+(ms|s|m|h))+$")
SIZE = re.compile(r"^\d+[bkmg]b?$")


def problems(path):
    with open(path, encoding="utf-8") as file:
        document = yaml.safe_load(file)
    services = document.get("services") or {}
    if not services:
        yield "no services"
    for key in document:
        if key not in TOP and not key.startswith("x-"):
            yield f"unknown key {key}"
    for name, service in services.items():
        for problem in service_problems(service, services, document):
            yield f"service {name}: {problem}"


def service_problems(service, services, document):
    for key in service:
        if key not in SERVICE and not key.startswith("x-"):
            yield f"unknown key {key}"
    if not ("image" in service or "build" in service):
        yield "neither image nor build"
    for name, how in as_mapping(service.get("depends_on")).items():
        condition = (how or {}).get("condition", "service_started")
        if name not in services:
            yield f"depends on {name}, which is not there"
        elif condition not in CONDITIONS:
            yield f"unknown condition {condition}"
        elif condition == "service_healthy" and "healthcheck" not in services[name]:
            yield f"waits for the health of {name}, which has no check"
    for secret in service.get("secrets", []):
        if as_name(secret, "source") not in (document.get("secrets") or {}):
            yield f"secret {secret} is not declared"
    for volume in service.get("volumes", []):
        source = as_name(volume, "source").split(":")[0]
        if not source.startswith((".", "/", "~")) and source not in (document.get("volumes") or {}):
            yield f"volume {source} is not declared"
    health = service.get("healthcheck", {})
    for key in health:
        if key not in HEALTH:
            yield f"unknown key healthcheck.{key}"
    for key in ("interval", "timeout", "start_period"):
        if key in health and not DURATION.match(str(health[key])):
            yield f"healthcheck.{key} is no duration: {health[key]}"
    for key in ("mem_limit", "shm_size"):
        if key in service and not SIZE.match(str(service[key])):
            yield f"{key} is no size: {service[key]}"
    if "container_name" in service:
        yield "a fixed container_name cannot be scaled"


def as_mapping(value):
    return value if isinstance(value, dict) else dict.fromkeys(value or [])


def as_name(value, key):
    return str(value.get(key, "") if isinstance(value, dict) else value)


def main(paths):
    found = [f"{path}: {problem}" for path in paths for problem in problems(path)]
    print("\n".join(found), file=sys.stderr, end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
