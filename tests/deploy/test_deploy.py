"""What deploy/ ships: read as those read it who run it, and its own commands run."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from attrs import frozen

from offerhub.cli import exits
from offerhub.settings import load_settings
from tests.end_to_end.process import free_port, own_home

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
README = (DEPLOY / "README.md").read_text()
STOP_S = 40

pytestmark = pytest.mark.timeout(300)


@frozen
class Image:
    """The last stage of the container file."""

    copied: tuple[str, ...]
    env: Mapping[str, str]
    user: str
    stop_signal: str
    health: tuple[str, ...]
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]


def image() -> Image:
    lines = [
        line
        for line in (DEPLOY / "container/Containerfile").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert not any(line.endswith("\\") for line in lines)
    last = [place for place, line in enumerate(lines) if line.startswith("FROM ")][-1]

    def of(word: str) -> str:
        (found,) = [line for line in lines[last:] if line.startswith(f"{word} ")]
        return found.removeprefix(f"{word} ")

    copied = [
        part for line in lines[:last] if line.startswith("COPY ") for part in line.split()[1:-1]
    ]
    env = dict(line[4:].split("=", 1) for line in lines[last:] if line.startswith("ENV "))
    return Image(
        copied=tuple(copied),
        env=env,
        user=of("USER"),
        stop_signal=of("STOPSIGNAL"),
        health=tuple(json.loads(of("HEALTHCHECK").partition(" CMD ")[2])),
        entrypoint=tuple(json.loads(of("ENTRYPOINT"))),
        command=tuple(json.loads(of("CMD"))),
    )


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with own_home() as made:
        yield made


def test_the_image_runs_as_nobody_s_root_and_checks_its_health() -> None:
    made = image()
    assert made.user == "10001:10001"
    assert made.health
    assert {"OFFERHUB_HOME", "HOST", "PORT"} <= set(made.env)
    assert made.env["OFFERHUB_HOME"].startswith("/var/lib/offerhub")


def test_the_image_gets_the_whole_program_and_nothing_else(tmp_path: Path) -> None:
    """What is copied is what the build asks for, and runs with nothing beside it."""
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {line[1:] for line in ignored if line.startswith("!")} == set(image().copied)
    context = tmp_path / "context"
    context.mkdir()
    for name in image().copied:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, context / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, context / name)
    project = tomllib.loads((context / "pyproject.toml").read_text())
    assert (context / project["project"]["readme"]).is_file()
    assert all((context / name).is_file() for name in project["project"]["license-files"])
    packages = project["tool"]["setuptools"]["packages"]["find"]["include"]
    folders = {path.name for path in context.iterdir() if path.is_dir()}
    assert folders == {name.rstrip("*") for name in packages}
    shown = subprocess.run(
        [sys.executable, "-P", "-m", "offerhub", "--version"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(context)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert shown.stdout.startswith("offerhub")


def test_the_commands_of_the_image_start_it_check_it_and_stop_it(home: Path) -> None:
    made = image()
    port = str(free_port())
    environment = {
        **made.env,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        # In place of the database and the secrets that compose gives it.
        "OFFERHUB_ENV": "development",
        "OFFERHUB_HOME": str(home),
        "HOST": "127.0.0.1",
        "PORT": port,
        "SANDBOX_PORT": str(free_port()),
    }
    assert made.env["HOST"] == "0.0.0.0"

    def healthy() -> bool:
        check = subprocess.run(
            made.health, env=environment, capture_output=True, check=False, timeout=20
        )
        return check.returncode == 0

    assert not healthy()
    process = subprocess.Popen(
        [*made.entrypoint, *made.command], env=environment, cwd=home, stderr=subprocess.PIPE
    )
    try:
        deadline = time.monotonic() + 90
        while not healthy():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.2)
        process.send_signal(signal.Signals[made.stop_signal])
        _, log = process.communicate(timeout=STOP_S)
    finally:
        process.kill()
    assert process.returncode == exits.DONE
    assert all(json.loads(line) for line in log.decode().splitlines() if line.startswith("{"))


def compose() -> Any:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def test_compose_waits_for_its_servers_and_gives_every_secret_as_a_file(tmp_path: Path) -> None:
    file = compose()
    services = file["services"]
    ours = services["offerhub"]
    assert {"postgres", "redis"} == set(ours["depends_on"])
    for name, dependency in ours["depends_on"].items():
        assert dependency["condition"] == "service_healthy"
        assert services[name]["healthcheck"]["test"][0] == "CMD"
    used = {secret for service in services.values() for secret in service.get("secrets", ())}
    assert used == set(file["secrets"])
    volumes = {each.split(":")[0] for s in services.values() for each in s.get("volumes", ())}
    assert volumes == set(file["volumes"])
    context = DEPLOY / ours["build"]["context"]
    assert (context / ours["build"]["dockerfile"]).is_file()
    assert all(port.startswith("127.0.0.1:") for port in ours["ports"])
    assert ours["read_only"]
    assert ours["cap_drop"] == ["ALL"]
    assert int(ours["stop_grace_period"].removesuffix("s")) > 30


def made_secrets(directory: Path) -> Path:
    """The files that the README's own commands make."""
    (block,) = re.findall(r"## Secrets.*?```shell\n(.*?)```", README, re.DOTALL)
    subprocess.run(["sh", "-ec", block], cwd=directory, check=True, timeout=60)
    return directory / "deploy" / "secrets"


def test_the_readme_s_secrets_are_what_compose_and_the_settings_take(tmp_path: Path) -> None:
    secrets = made_secrets(tmp_path)
    wanted = {Path(each["file"]).name for each in compose()["secrets"].values()}
    assert wanted == {path.name for path in secrets.iterdir()}
    assert all(path.stat().st_mode & 0o077 == 0 for path in secrets.iterdir())
    environment = {
        name: re.sub(r"\$\{\w+:-(\w+)\}", r"\1", str(value)).replace("/run/secrets", str(secrets))
        for name, value in compose()["services"]["offerhub"]["environment"].items()
    }
    settings = load_settings({**image().env, **environment}, tmp_path, bytes)
    assert settings.database_url is not None
    assert "@postgres:5432/offerhub" in settings.database_url
    assert settings.environment == "production"
    assert settings.master_key == (secrets / "master_key").read_text().strip()


def unit() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (DEPLOY / "systemd/offerhub.service").read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def test_the_unit_restarts_what_a_restart_mends_and_waits_for_an_orderly_stop() -> None:
    found = unit()
    assert found["Restart"] == ["on-failure"]
    statuses = {int(each) for each in found["RestartPreventExitStatus"][0].split()}
    assert statuses == {exits.CANNOT_START, exits.DISPLACED}
    assert int(found["TimeoutStopSec"][0]) > 30
    assert found["User"] == ["offerhub"]
    assert found["ExecStart"] == ["/opt/offerhub/bin/offerhub run"]


def test_the_unit_s_settings_are_valid(tmp_path: Path) -> None:
    secrets = made_secrets(tmp_path)
    text = (DEPLOY / "systemd/offerhub.env").read_text().replace("/etc/offerhub", str(secrets))
    (tmp_path / ".env").write_text(text)
    settings = load_settings({}, tmp_path, bytes)
    assert (settings.environment, settings.metrics.bind) == ("production", "127.0.0.1:9400")
    assert str(settings.home) == f"/var/lib/{unit()['StateDirectory'][0]}"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_finds_no_fault_in_the_unit(tmp_path: Path) -> None:
    program = tmp_path / "offerhub"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    text = (DEPLOY / "systemd/offerhub.service").read_text()
    file = tmp_path / "offerhub.service"
    file.write_text(text.replace("/opt/offerhub/bin/offerhub", str(program)))
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(file)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    own = [line for line in checked.stderr.splitlines() if "offerhub" in line]
    assert own == []
